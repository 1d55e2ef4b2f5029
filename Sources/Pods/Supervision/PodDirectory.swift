internal import Containers
internal import Glibc
internal import Linux
internal import OCI

/// What is kept of a pod on disk, below the store, so that it outlives a reboot:
///
///     pods/ROOT/ID/pod       its ``PodRecord``
///     pods/ROOT/ID/status    its ``PodStatus``
///     pods/ROOT/ID/lock      flock(2), exclusive as long as its supervisor lives
///     pods/ROOT/ID/out, err  FIFOs that the command writes to
///     pods/ROOT/ID/log       what came of them, see ``PodLog``
///     pods/ROOT/ID/exit      what the command's init has to say of its end
///     pods/ROOT/ID/wake      a FIFO: who writes to it has something for the supervisor, see ``PodWake``
///     pods/ROOT/ID/stop      a ``StopRequest``: why it is to end
///     pods/ROOT/ID/hostname  /etc/hostname of a pod that is not in its tenant's network
///     pods/ROOT/ID/failure   what kept a supervisor from its work
///     pods/ROOT/ID/manifest  the file that it is of, where it is a Pod of one
///     pods/ROOT/ID/containers/NAME/...  then out, err, log and exit of each container
///     pods/ROOT/ID/volumes/NAME         and the volumes that go with it
///     pods/ROOT/.ID          one that is being made
///     pods/ROOT/.blank       what the next one is made of, see ``BlankPod``
///     pods/ROOT/.blank.PID   the same while process PID makes it
///     pods/ROOT/.accept-TENANT  flock(2) of who accepts a tenant's pods, see ``TenantTurn``
///     pods/ROOT/@ID          one that is being removed
///     pods/ROOT/removed/ID   what is kept of one that was removed, see ``RemovedPods``
///     pods/ROOT/.events      what has happened to them, see ``PodEventLog``
///
/// ROOT is the identifier of the directory of running containers: two of them share a store, and no pod.
struct PodDirectory: ~Copyable {
    /// Where it is, under which name.
    private let pods: String
    private let name: String
    let record: PodRecord
    let directory: OwnedDescriptor
    var path: String { "\(pods)/\(name)" }

    init(_ record: PodRecord, as name: String, in pods: String, _ directory: consuming OwnedDescriptor) {
        self.pods = pods
        self.name = name
        self.record = record
        self.directory = directory
    }

    static let recordName = "pod"
    static let statusName = "status"
    static let lockName = "lock"
    static let outName = "out"
    static let errName = "err"
    static let exitName = "exit"
    static let stopName = "stop"
    private static let hostnameName = "hostname"
    private static let failureName = "failure"
    private static let manifestName = "manifest"
    static let containersName = "containers"
    /// How the name of a file ends that is room on the disk for another.
    static let reserve = ".reserve"
    static let reserveSize = 8192
    /// Room for the end that the init writes.
    static let noEnd = [UInt8](repeating: 0, count: 64)

    /// Where the pods of a root are.
    static func all(of root: borrowing RuntimeRoot, store: String) throws(PodsError) -> String {
        do throws(SystemError) { return try AbsolutePath.of(store) + "/pods/" + root.view.identifier } catch {
            throw .pods(error)
        }
    }

    /// Makes the directory of a new pod: accepted, and its maker's until a supervisor has it.
    static func make(
        _ record: PodRecord, in pods: String, _ configuration: Configuration, _ file: ManifestFile? = nil
    ) throws(PodsError) -> AcceptedPod {
        do throws(SystemError) {
            let here = Descriptor.workingDirectory
            try here.makeDirectories(pods, mode: 0o700)
            let all = try here.openFollowing(pods, O_RDONLY | O_DIRECTORY)
            // Under another name until it is whole: whoever lists them sees all of it or nothing.
            let draft = ".\(record.id)"
            do throws(SystemError) {
                var status = PodStatus()
                let blank: BlankPod
                if let file, let index = record.manifest {
                    let manifest = file.pods[index]
                    blank = try BlankPod.make(draft, in: all.view, containers: manifest.allContainers.map(\.name))
                    try blank.directory.view.makeFile(manifestName, with: file.text)
                    status.containers = PodLife(manifest, lives: nil, deadline: nil, grace: 0).lives
                } else {
                    blank = try BlankPod.take(as: draft, in: all.view)
                }
                let made = blank.directory.view
                if let kind = record.request.network, kind != .pod {
                    try made.makeFile(hostnameName, with: hostname(of: record), mode: 0o644)
                }
                try made.makeFile(statusName, with: status.json.bytes())
                try made.makeFile(recordName, with: record.json.bytes())
                try all.view.rename(draft, to: record.id, in: all.view)
                return AcceptedPod(record, in: pods, blank, status, configuration)
            } catch {
                try? all.view.removeTree(draft)
                throw error
            }
        } catch { throw .pods(error) }
    }

    /// What must be on the disk for the pod to be accepted whatever happens to the host, its record last. Not waited for before
    /// the pod begins; a host that goes down meanwhile leaves a record that is empty, and of a pod that nobody was promised.
    static func keep(_ id: String, in pods: String) throws(SystemError) {
        for number in try lasting(id, in: pods).map(\.number) {
            let file = OwnedDescriptor(taking: number)
            try file.view.synchronize()
            try file.close()
        }
    }

    /// The files of ``keep(_:in:)``, for whoever sees them to the disk, and closes them. The directory comes last: btrfs takes
    /// a file to the disk, and not that the directory it is in was renamed.
    static func lasting(_ id: String, in pods: String) throws(SystemError) -> [Descriptor] {
        var files: [Descriptor] = []
        for name in [manifestName, statusName, recordName, "."] {
            do throws(SystemError) {
                let file = try Descriptor.workingDirectory.open("\(pods)/\(id)/\(name)", O_RDONLY)
                files.append(Descriptor(file.release()))
            } catch  where error.code == .ENOENT {}
        }
        return files
    }

    private static func hostname(of record: PodRecord) -> [UInt8] { Array((record.hostname + "\n").utf8) }

    /// Where its /etc/hostname is. An older version made it only when it was needed.
    borrowing func hostnameFile() throws(SystemError) -> String {
        if try !directory.view.exists(PodDirectory.hostnameName) {
            let text = PodDirectory.hostname(of: record)
            try directory.view.replaceFile(PodDirectory.hostnameName, with: text, mode: 0o644)
        }
        return "\(path)/\(PodDirectory.hostnameName)"
    }

    /// The Pod that it is of, where it is one of a manifest.
    borrowing func manifest() throws(PodsError) -> Manifest? {
        guard let index = record.manifest else { return nil }
        let text: [UInt8]
        do throws(SystemError) {
            text = try directory.view.readFile(PodDirectory.manifestName, limit: TaskFile.maximumSize)
        } catch { throw .pods(error) }
        // What the tenant may have was looked at when it was accepted.
        let rules = ManifestFile.Rules(tenant: record.request.tenant, limits: nil)
        let file = try ManifestFile.parse(text, name: PodDirectory.manifestName, rules: rules)
        guard file.pods.indices.contains(index) else {
            throw .pods(SystemError("read", "\(path)/\(PodDirectory.manifestName)", .EINVAL))
        }
        return file.pods[index]
    }

    /// The pod `id`; nil: there is none.
    static func find(_ id: String, in pods: String) throws(PodsError) -> PodDirectory? {
        // Only a name among them: some callers have it from a command's words.
        if id.hasPrefix(".") || id.utf8.contains(UInt8(ascii: "/")) { return nil }
        let path = "\(pods)/\(id)"
        do throws(SystemError) {
            let directory = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_DIRECTORY)
            let text = try directory.view.readFile(recordName, limit: 1 << 20)
            if text.isEmpty { return nil }
            do throws(JSONError) {
                return PodDirectory(try PodRecord(try JSON(parsing: text)), as: id, in: pods, directory)
            } catch { throw SystemError("read", "\(path)/\(recordName)", detail: "\(error),", .EINVAL) }
        } catch {
            if error.code == .ENOENT || error.code == .ENOTDIR { return nil }
            throw .pods(error)
        }
    }

    /// The pods of a root by their ids, sorted.
    static func identifiers(in pods: String) throws(PodsError) -> [String] {
        do throws(SystemError) {
            let all = try Descriptor.workingDirectory.openFollowing(pods, O_RDONLY | O_DIRECTORY)
            var found: [String] = []
            var isHalfRemoved = false
            for entry in try all.view.entries() {
                let name = Descriptor.text(ofEntry: entry)
                if name.hasPrefix("@") { isHalfRemoved = true }
                if isIdentifier(name) { found.append(name) }
            }
            // Whoever removed it may have been killed.
            if isHalfRemoved { sweep(pods) }
            return found.sorted()
        } catch {
            if error.code == .ENOENT { return [] }
            throw .pods(error)
        }
    }

    borrowing func status() throws(PodsError) -> PodStatus {
        do throws(SystemError) {
            let text = try directory.view.readFile(PodDirectory.statusName, limit: 1 << 20)
            // It did not reach the disk before the host went down: all that is known is that the pod was accepted.
            if text.isEmpty { return PodStatus() }
            do throws(JSONError) { return try PodStatus(try JSON(parsing: text)) } catch {
                throw SystemError("read", "\(path)/\(PodDirectory.statusName)", detail: "\(error),", .EINVAL)
            }
        } catch { throw .pods(error) }
    }

    /// nil: the pod has been removed since it was found.
    borrowing func presentStatus() throws(PodsError) -> PodStatus? {
        do throws(PodsError) { return try status() } catch {
            if case .pods(let failure) = error, failure.code == .ENOENT { return nil }
            throw error
        }
    }

    borrowing func write(_ status: PodStatus) throws(SystemError) {
        try replace(PodDirectory.statusName, with: status.json.bytes())
    }

    /// Puts a file in its place, on a full disk out of what was kept free for it.
    private borrowing func replace(
        _ name: String, as draft: String? = nil, with bytes: [UInt8]
    ) throws(SystemError) {
        do throws(SystemError) { try directory.view.replaceFile(draft ?? name, with: bytes) } catch {
            guard error.code == .ENOSPC || error.code == .EDQUOT else { throw error }
            let reserve = name + PodDirectory.reserve
            do throws(SystemError) {
                let file = try directory.view.open(reserve, O_WRONLY)
                try file.view.write(bytes, at: 0)
                try file.view.truncate(to: Int64(bytes.count))
                try directory.view.rename(reserve, to: draft ?? name, in: directory.view)
            } catch {
                // There was one, and it is used up.
                throw error.code == .ENOENT ? SystemError("write", "\(path)/\(name)", .ENOSPC) : error
            }
            // For the next time, if there is room.
            try? directory.view.replaceFile(reserve, with: [UInt8](repeating: 0, count: PodDirectory.reserveSize))
        }
    }

    /// Where the init of a command that is about to begin writes down how that ended.
    borrowing func exitRecord() throws(SystemError) -> OwnedDescriptor {
        try PodDirectory.exitRecord(in: directory.view)
    }

    static func exitRecord(in directory: Descriptor) throws(SystemError) -> OwnedDescriptor {
        let file = try directory.open(PodDirectory.exitName, O_WRONLY)
        // Of a command that nobody knows of any more.
        try file.view.write(PodDirectory.noEnd, at: 0)
        return file
    }

    /// Why a supervisor could not do its work; nil: each could, so far.
    borrowing func failure() -> String? {
        (try? directory.view.readFile(PodDirectory.failureName, limit: 1 << 16)).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    borrowing func setFailure(_ text: String) {
        try? directory.view.replaceFile(PodDirectory.failureName, with: Array(text.utf8))
    }

    /// The supervisor's lock; nil: another has it. With `waiting` it is waited for.
    borrowing func lock(exclusive: Bool, waiting: Bool) throws(SystemError) -> OwnedDescriptor? {
        let file = try directory.view.open(PodDirectory.lockName, O_RDWR)
        guard try file.view.lock(exclusive: exclusive, waiting: waiting) else { return nil }
        return file
    }

    /// Whether a supervisor stays with it.
    borrowing func isSupervised() throws(PodsError) -> Bool {
        do throws(SystemError) {
            guard let lock = try lock(exclusive: false, waiting: false) else { return true }
            try lock.close()
            return false
        } catch { throw .pods(error) }
    }

    /// The same of pod `id`, as a list looks; a pod that is gone needs none.
    static func isSupervised(_ id: String, in pods: String) -> Bool {
        guard let lock = try? Descriptor.workingDirectory.open("\(pods)/\(id)/\(lockName)", O_RDWR) else { return true }
        return (try? lock.view.lock(exclusive: false, waiting: false)) != true
    }

    /// Returns when nobody supervises it.
    borrowing func awaitSupervisor() throws(PodsError) {
        do throws(SystemError) { try lock(exclusive: false, waiting: true)?.close() } catch { throw .pods(error) }
    }

    /// Asks for its end. The first reason is the one that counts; what comes later can make it sooner.
    borrowing func request(_ stop: StopRequest) throws(SystemError) {
        if var present = try stopRequest() {
            let terminationGrace = record.terminationGrace
            if stop.grace ?? terminationGrace < present.grace ?? terminationGrace {
                present.grace = stop.grace
                try replace(PodDirectory.stopName, with: present.json.bytes())
            }
            // Also where nothing is new: who asked first may have been killed before it could call.
            return try PodWake.call(in: directory.view)
        }
        let draft = "\(PodDirectory.stopName).\(Identity.process).new"
        try replace(PodDirectory.stopName, as: draft, with: stop.json.bytes())
        do throws(SystemError) { try directory.view.link(draft, to: PodDirectory.stopName, in: directory.view) } catch {
            try? directory.view.unlink(draft)
            guard error.code == .EEXIST else { throw error }
            return try PodWake.call(in: directory.view)
        }
        try directory.view.unlink(draft)
        tell(PodEvent(.killing, of: record, reason: stop.reason, message: stop.message))
        try PodWake.call(in: directory.view)
    }

    /// nil: nobody has asked for its end.
    borrowing func stopRequest() throws(SystemError) -> StopRequest? {
        do throws(SystemError) {
            let text = try directory.view.readFile(PodDirectory.stopName, limit: 1 << 16)
            return (try? JSON(parsing: text)).flatMap { try? StopRequest($0) }
        } catch {
            if error.code == .ENOENT { return nil }
            throw error
        }
    }

    /// For whoever follows what happens.
    borrowing func tell(_ event: PodEvent) {
        PodEventLog.add(event, in: pods)
    }

    /// Removes all of it, out of the sight of others first. The pod has ended. False: somebody else was faster.
    @discardableResult
    consuming func remove() throws(SystemError) -> Bool {
        let here = Descriptor.workingDirectory
        let (path, gone) = (path, gone)
        do throws(SystemError) {
            try here.rename(path, to: gone, in: here)
            try here.removeTree(gone)
            return true
        } catch  where error.code == .ENOENT { return false }
    }

    /// The same, but what ``RemovedPods`` keeps stays among those.
    consuming func retire() throws(SystemError) -> Bool {
        let here = Descriptor.workingDirectory
        // Who sweeps leaves it alone as long as this process works on it.
        _ = try directory.view.lock(exclusive: true, waiting: false)
        let (path, gone) = (path, gone)
        do throws(SystemError) { try here.rename(path, to: gone, in: here) } catch  where error.code == .ENOENT {
            return false
        }
        do throws(SystemError) {
            try RemovedPods.keep(gone, record.id, of: record.request.tenant, in: pods)
        } catch { try here.removeTree(gone) }
        // Until here the lock must be held.
        _ = directory.view
        return true
    }

    /// Its path while it is being removed.
    private var gone: String { "\(pods)/@\(name)" }
}
