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
///     pods/ROOT/@ID          one that is being removed
///     pods/ROOT/removed/ID   what is kept of one that was removed, see ``RemovedPods``
///     pods/ROOT/.events      what has happened to them, see ``PodEventLog``
///
/// ROOT is the identifier of the directory of running containers: two of them share a store, and no pod.
struct PodDirectory: ~Copyable {
    let path: String
    let record: PodRecord
    let directory: OwnedDescriptor

    private init(_ path: String, _ record: PodRecord, _ directory: consuming OwnedDescriptor) {
        self.path = path
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
    static let hostnameName = "hostname"
    private static let failureName = "failure"
    private static let manifestName = "manifest"
    static let containersName = "containers"
    /// Room on the disk for a status and a request, since both must be written where there is no other.
    private static let reserves = [statusName + reserve, stopName + reserve]
    private static let reserve = ".reserve"
    private static let reserveSize = 8192
    /// More for each container of a manifest.
    private static let containerReserveSize = 2048
    /// Room for the end that the init writes.
    private static let noEnd = [UInt8](repeating: 0, count: 64)

    /// Where the pods of a root are.
    static func all(of root: borrowing RuntimeRoot, store: String) throws(PodsError) -> String {
        do throws(SystemError) { return try AbsolutePath.of(store) + "/pods/" + root.view.identifier } catch {
            throw .pods(error)
        }
    }

    /// Makes the directory of a new pod: accepted, and waiting for its supervisor.
    static func make(_ record: PodRecord, in pods: String, _ file: ManifestFile? = nil) throws(PodsError) {
        do throws(SystemError) {
            let here = Descriptor.workingDirectory
            try here.makeDirectories(pods, mode: 0o700)
            let all = try here.openFollowing(pods, O_RDONLY | O_DIRECTORY)
            // Under another name until it is whole: whoever lists them sees all of it or nothing.
            let draft = ".\(record.id)"
            try all.view.makeDirectory(draft, mode: 0o700)
            do throws(SystemError) {
                let made = try all.view.open(draft, O_RDONLY | O_DIRECTORY)
                try made.view.makeNode(PodWake.name, mode: S_IFIFO | 0o600, device: 0)
                _ = try made.view.open(lockName, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                var size = reserveSize
                var status = PodStatus()
                if let file, let index = record.manifest {
                    try made.view.makeFile(manifestName, with: file.text)
                    let containers = file.pods[index].allContainers
                    status.containers = PodLife(file.pods[index], lives: nil, deadline: nil, grace: 0).lives
                    try makeContainers(containers.map(\.name), in: made.view)
                    size += containerReserveSize * containers.count
                } else {
                    try makeOutput(in: made.view)
                }
                for name in reserves { try made.view.makeFile(name, with: [UInt8](repeating: 0, count: size)) }
                try made.view.makeFile(statusName, with: status.json.bytes())
                try made.view.makeFile(recordName, with: record.json.bytes())
                try all.view.rename(draft, to: record.id, in: all.view)
            } catch {
                try? all.view.removeTree(draft)
                throw error
            }
        } catch { throw .pods(error) }
    }

    /// Returns when pod `id` is on the disk, its record last: it is accepted whatever happens to the host. Not waited for before
    /// the pod begins; a host that goes down meanwhile leaves a record that is empty, and of a pod that nobody was promised.
    static func keep(_ id: String, in pods: String) throws(SystemError) {
        for name in [manifestName, recordName] {
            do throws(SystemError) {
                let file = try Descriptor.workingDirectory.open("\(pods)/\(id)/\(name)", O_RDONLY)
                try file.view.synchronize()
                try file.close()
            } catch  where error.code == .ENOENT {}
        }
    }

    /// What one command writes to.
    private static func makeOutput(in directory: Descriptor) throws(SystemError) {
        for name in [outName, errName] { try directory.makeNode(name, mode: S_IFIFO | 0o600, device: 0) }
        try directory.makeFile(exitName, with: noEnd)
        try directory.makeFile(PodLog.stateName, with: PodLog.noState)
    }

    private static func makeContainers(_ names: [String], in directory: Descriptor) throws(SystemError) {
        try directory.makeDirectory(containersName, mode: 0o700)
        for name in names {
            try directory.makeDirectory("\(containersName)/\(name)", mode: 0o700)
            let made = try directory.open("\(containersName)/\(name)", O_RDONLY | O_DIRECTORY)
            try makeOutput(in: made.view)
        }
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
        let path = "\(pods)/\(id)"
        do throws(SystemError) {
            let directory = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_DIRECTORY)
            let text = try directory.view.readFile(recordName, limit: 1 << 20)
            if text.isEmpty { return nil }
            do throws(JSONError) {
                return PodDirectory(path, try PodRecord(try JSON(parsing: text)), directory)
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
                if !name.hasPrefix("."), !name.hasPrefix("@"), name.utf8.contains(UInt8(ascii: "-")) {
                    found.append(name)
                }
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
        PodEventLog.add(event, in: PodDirectory.parent(of: path))
    }

    /// Removes all of it, out of the sight of others first. The pod has ended. False: somebody else was faster.
    @discardableResult
    consuming func remove() throws(SystemError) -> Bool {
        let here = Descriptor.workingDirectory
        let gone = PodDirectory.gone(path)
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
        let gone = PodDirectory.gone(path)
        do throws(SystemError) { try here.rename(path, to: gone, in: here) } catch  where error.code == .ENOENT {
            return false
        }
        do throws(SystemError) {
            try RemovedPods.keep(gone, record.id, of: record.request.tenant, in: PodDirectory.parent(of: path))
        } catch { try here.removeTree(gone) }
        // Until here the lock must be held.
        _ = directory.view
        return true
    }

    private static func gone(_ path: String) -> String {
        parent(of: path) + "/@" + (path.split(separator: "/").last ?? "")
    }

    private static func parent(of path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    /// Removes what commands have left that were killed while they made or removed a pod. What can't be removed now is
    /// left to the next.
    static func sweep(_ pods: String) {
        guard let all = try? Descriptor.workingDirectory.openFollowing(pods, O_RDONLY | O_DIRECTORY),
            let entries = try? all.view.entries()
        else { return }
        for entry in entries {
            let name = Descriptor.text(ofEntry: entry)
            let isGone =
                name.hasPrefix("@")
                ? isAbandoned(name, in: all.view)
                : (name.hasPrefix(".") || isUnkept(name, in: all.view)) && isOld(name, in: all.view)
            if isGone { try? all.view.removeTree(name) }
        }
    }

    /// Whether it is a pod whose record did not reach the disk, see ``keep(_:in:)``.
    private static func isUnkept(_ name: String, in all: Descriptor) -> Bool {
        guard let record = try? all.status(of: "\(name)/\(recordName)") else { return false }
        return record.size == 0
    }

    /// Whether nobody works on a pod that is being removed: who did so was killed.
    private static func isAbandoned(_ name: String, in all: Descriptor) -> Bool {
        guard let directory = try? all.open(name, O_RDONLY | O_DIRECTORY) else { return false }
        return (try? directory.view.lock(exclusive: true, waiting: false)) == true
    }

    /// Whether it is a pod, and its maker certainly dead.
    private static func isOld(_ name: String, in all: Descriptor) -> Bool {
        guard let status = try? all.status(of: name) else { return false }
        // Locks stay.
        guard status.isDirectory else { return false }
        let minute = 60
        return status.modified.seconds + minute < Int(Clock.wall() / 1_000_000_000)
    }
}
