internal import Glibc
internal import Linux
internal import OCI

/// A container's directory below the root. Its lock is held as long as this value lives, so that another command can
/// tell a living container from one whose runtime was killed. Dropped, the directory goes.
struct StateDirectory: ~Copyable {
    private let root: Descriptor
    private let name: String
    private let directory: OwnedDescriptor
    private let lock: OwnedDescriptor

    /// Makes the directory of `identifier`. A directory that is there and whose lock is free was left by a runtime that
    /// was killed: it is removed first.
    init(_ identifier: ContainerIdentifier, in root: borrowing RuntimeRoot) throws(ContainersError) {
        let directory: OwnedDescriptor
        do throws(SystemError) {
            directory = try StateDirectory.make(identifier.text, in: root.directory.view)
        } catch {
            if error.code == .EBUSY || error.code == .EEXIST {
                throw .identifierInUse(identifier.text, root: root.path)
            }
            throw .state(error)
        }
        let lock: OwnedDescriptor
        do throws(SystemError) { lock = try StateDirectory.takeLock(in: directory.view) } catch { throw .state(error) }
        self.root = root.directory.view
        name = identifier.text
        self.directory = directory
        self.lock = lock
    }

    private static func make(_ name: String, in root: Descriptor) throws(SystemError) -> OwnedDescriptor {
        do throws(SystemError) { try root.makeDirectory(name, mode: 0o700) } catch {
            guard error.code == .EEXIST else { throw error }
            guard try isAbandoned(name, in: root) else { throw SystemError("mkdirat", name, .EBUSY) }
            try root.removeTree(name)
            try root.makeDirectory(name, mode: 0o700)
        }
        return try root.open(name, O_RDONLY | O_DIRECTORY)
    }

    private static func takeLock(in directory: Descriptor) throws(SystemError) -> OwnedDescriptor {
        let lock = try directory.open("lock", O_RDWR | O_CREAT, mode: 0o600)
        guard try lock.view.lock(exclusive: true, waiting: false) else { throw SystemError("flock", "lock", .EBUSY) }
        return lock
    }

    deinit { try? root.removeTree(name) }

    private static func isAbandoned(_ name: String, in root: Descriptor) throws(SystemError) -> Bool {
        do throws(SystemError) {
            let directory = try root.open(name, O_RDONLY | O_DIRECTORY)
            let lock = try directory.view.open("lock", O_RDWR)
            return try lock.view.lock(exclusive: true, waiting: false)
        } catch {
            // Made a moment ago, and its lock not yet: somebody is at work in it.
            if error.code == .ENOENT { return false }
            throw error
        }
    }

    /// Puts a file into the directory, all or nothing.
    func write(_ file: String, _ value: JSON.Value) throws(SystemError) {
        try directory.view.replaceFile(file, with: Array((value.text(indent: 2) + "\n").utf8))
    }
}
