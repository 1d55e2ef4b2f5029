internal import Containers
internal import Glibc
internal import Linux
internal import OCI

/// What is kept of a pod on disk, below the store, so that it outlives a reboot:
///
///     pods/ROOT/lock         flock(2), exclusive: a tenant's pods are being replaced or removed
///     pods/ROOT/ID/pod       its ``PodRecord``
///     pods/ROOT/ID/status    its ``PodStatus``
///     pods/ROOT/ID/lock      flock(2), exclusive as long as its supervisor lives
///     pods/ROOT/ID/out, err  FIFOs that the command writes to
///     pods/ROOT/ID/log       what came of them, see ``PodLog``
///     pods/ROOT/ID/exit      what the command's init has to say of its end
///     pods/ROOT/ID/stop      a ``StopRequest``: why it is to end
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

    /// Where the pods of a root are.
    static func all(of root: borrowing RuntimeRoot, store: String) throws(PodsError) -> String {
        do throws(SystemError) { return try AbsolutePath.of(store) + "/pods/" + root.view.identifier } catch {
            throw .pods(error)
        }
    }

    /// Makes the directory of a new pod: accepted, and waiting for its supervisor.
    static func make(_ record: PodRecord, in pods: String) throws(PodsError) {
        do throws(SystemError) {
            let here = Descriptor.workingDirectory
            try here.makeDirectories(pods, mode: 0o700)
            let all = try here.openFollowing(pods, O_RDONLY | O_DIRECTORY)
            // Under another name until it is whole: whoever lists them sees all of it or nothing.
            let draft = ".\(record.id)"
            try all.view.makeDirectory(draft, mode: 0o700)
            do throws(SystemError) {
                let made = try all.view.open(draft, O_RDONLY | O_DIRECTORY)
                for name in [outName, errName] {
                    try made.view.makeNode(name, mode: S_IFIFO | 0o600, device: 0)
                }
                for name in [lockName, exitName] {
                    _ = try made.view.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                }
                try made.view.replaceFile(statusName, with: PodStatus().json.bytes())
                try made.view.replaceFile(recordName, with: record.json.bytes(), durable: true)
                try all.view.rename(draft, to: record.id, in: all.view)
            } catch {
                try? all.view.removeTree(draft)
                throw error
            }
        } catch { throw .pods(error) }
    }

    /// The pod `id`; nil: there is none.
    static func find(_ id: String, in pods: String) throws(PodsError) -> PodDirectory? {
        let path = "\(pods)/\(id)"
        do throws(SystemError) {
            let directory = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_DIRECTORY)
            let text = try directory.view.readFile(recordName, limit: 1 << 20)
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
            for entry in try all.view.entries() {
                let name = Descriptor.text(ofEntry: entry)
                if !name.hasPrefix("."), name.utf8.contains(UInt8(ascii: "-")) { found.append(name) }
            }
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

    borrowing func write(_ status: PodStatus) throws(SystemError) {
        try directory.view.replaceFile(PodDirectory.statusName, with: status.json.bytes())
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

    /// Asks for its end, if nobody has before: the first reason is the one that counts.
    borrowing func request(_ stop: StopRequest) throws(SystemError) {
        let draft = "\(PodDirectory.stopName).\(Identity.process).new"
        try directory.view.replaceFile(draft, with: stop.json.bytes())
        do throws(SystemError) { try directory.view.link(draft, to: PodDirectory.stopName, in: directory.view) } catch {
            try? directory.view.unlink(draft)
            guard error.code == .EEXIST else { throw error }
            return
        }
        try directory.view.unlink(draft)
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

    /// Removes all of it. The caller has its lock, or knows that nobody has.
    consuming func remove() throws(SystemError) { try Descriptor.workingDirectory.removeTree(path) }
}

/// Why a pod is to end; written before the first signal.
package struct StopRequest: Hashable, Sendable {
    /// `Stopped`, `Replaced`, `DeadlineExceeded`.
    package var reason: String
    package var message: String
    /// From the stop signal to KILL, in milliseconds; nil: the pod's own.
    package var grace: UInt64?

    package init(reason: String, message: String, grace: UInt64? = nil) {
        self.reason = reason
        self.message = message
        self.grace = grace
    }

    init(_ json: JSON) throws(JSONError) {
        reason = try json.required("reason").string()
        message = try json.required("message").string()
        grace = try json["grace"]?.integer(UInt64.self)
    }

    var json: JSON.Value {
        .object(
            [("reason", .string(reason)), ("message", .string(message))]
                + (grace.map { [("grace", .unsigned($0))] } ?? []))
    }
}
