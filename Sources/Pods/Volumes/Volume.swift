internal import Glibc
package import Images
internal import Linux

/// A tenant's directory of that name in the store, mounted at /data. It is made at its first use, and stays.
///
/// Whoever uses it holds a shared flock(2) on the file `.NAME` beside it, and whoever removes it an exclusive one. Not on
/// the directory itself: a container has that at /data, and `flock /data COMMAND` in it would wait for us, and we for it.
package struct Volume: Hashable, Sendable {
    package let tenant: String
    package let name: String

    /// Both names must be DNS labels, so that neither can lead anywhere else.
    package init(tenant: String, name: String) throws(PodsError) {
        guard Volume.isLabel(tenant) else { throw .invalidName(kind: "tenant", tenant) }
        guard Volume.isLabel(name) else { throw .invalidName(kind: "volume", name) }
        self.tenant = tenant
        self.name = name
    }

    /// RFC 1123: lower-case letters, digits and hyphens inside, at most 63.
    static func isLabel(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let fits = bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        return fits && (1...63).contains(bytes.count) && bytes.first != 45 && bytes.last != 45
    }

    /// Below the store.
    var place: String { "volumes/\(tenant)/\(name)" }
    /// The file that those lock who use it, below the store.
    var lockPlace: String { "volumes/\(tenant)/.\(name)" }

    /// Where the directory is, or will be.
    package func path(in store: ImageStore) -> String { "\(store.path)/\(place)" }

    /// Makes the directory where it is missing, and keeps it from being removed. A new one is open to the image's user,
    /// whoever that is: tenants are kept apart by the directory above, which is root's.
    package func hold(in store: ImageStore) throws(PodsError) -> VolumeHold {
        do throws(SystemError) {
            let root = store.directory
            let lock = try openLock(in: root)
            _ = try lock.view.lock(exclusive: false, waiting: true)
            if try !isThere(in: root) { try make(in: root) }
            return VolumeHold(path: path(in: store), lock: lock)
        } catch { throw .volume(name, error) }
    }

    /// The lock file, which is made if need be, and stays: one that is removed could be another's by the time that it is
    /// locked. No link leads there.
    func openLock(in root: Descriptor) throws(SystemError) -> OwnedDescriptor {
        let flags = O_RDONLY | O_CREAT
        do throws(SystemError) {
            return try root.openBeneath(lockPlace, flags, mode: 0o600)
        } catch { guard error.code == .ENOENT else { throw error } }
        for directory in ["volumes", "volumes/\(tenant)"] {
            do throws(SystemError) { try root.makeDirectory(directory, mode: 0o700) } catch  where error.code == .EEXIST
            {}
        }
        return try root.openBeneath(lockPlace, flags, mode: 0o600)
    }

    private func isThere(in root: Descriptor) throws(SystemError) -> Bool {
        do throws(SystemError) {
            let status = try root.status(of: place)
            if status.isSymlink { throw SystemError("open", place, detail: "a symbolic link,", .ELOOP) }
            guard status.isDirectory else { throw SystemError("open", place, detail: "not a directory,", .ENOTDIR) }
            return true
        } catch {
            if error.code == .ENOENT { return false }
            throw error
        }
    }

    private func make(in root: Descriptor) throws(SystemError) {
        // In one step: one that was made and not yet opened to all would stay so.
        do throws(SystemError) {
            try CreationMask.none { () throws(SystemError) in try root.makeDirectory(place, mode: 0o777) }
        } catch {
            guard error.code == .EEXIST, try isThere(in: root) else { throw error }
        }
    }
}

/// A volume that can't be removed as long as this lives.
package struct VolumeHold: ~Copyable {
    /// Where the directory is.
    package let path: String
    private let lock: OwnedDescriptor

    fileprivate init(path: String, lock: consuming OwnedDescriptor) {
        self.path = path
        self.lock = lock
    }

    /// From here on it may be removed. Said at the end of a use and not left to the scope's: the compiler may let go of a
    /// value that nothing asks for any more earlier than that.
    package consuming func end() { do throws(SystemError) { try lock.close() } catch {} }
}

extension Volume {
    /// The directory, opened for reading; nil: there is none. No link leads there.
    func open(in store: ImageStore) throws(PodsError) -> OwnedDescriptor? {
        do throws(SystemError) {
            return try store.directory.openBeneath(place, O_RDONLY | O_DIRECTORY)
        } catch {
            if error.code == .ENOENT { return nil }
            throw .volume(name, error)
        }
    }

    /// The processes that hold it: those of live pods, and of commands that copy.
    package func users(in store: ImageStore) throws(PodsError) -> [Int32] {
        do throws(SystemError) { return try users(in: store, locks: try FileLocks.text()) } catch {
            throw .volume(name, error)
        }
    }

    func users(in store: ImageStore, locks: String) throws(SystemError) -> [Int32] {
        do throws(SystemError) {
            return FileLocks.holders(of: try store.directory.status(of: lockPlace), in: locks)
        } catch {
            if error.code == .ENOENT { return [] }
            throw error
        }
    }

    /// Those of `tenant`, by name.
    package static func all(of tenant: String, in store: ImageStore) throws(PodsError) -> [Volume] {
        guard isLabel(tenant) else { throw .invalidName(kind: "tenant", tenant) }
        var names: [String] = []
        do throws(SystemError) {
            let flags = O_RDONLY | O_DIRECTORY
            let directory = try store.directory.openBeneath("volumes/\(tenant)", flags)
            for entry in try directory.view.entries() {
                let name = Descriptor.text(ofEntry: entry)
                if isLabel(name), try directory.view.status(of: entry).isDirectory { names.append(name) }
            }
        } catch {
            if error.code == .ENOENT { return [] }
            throw .volume(tenant, error)
        }
        var volumes: [Volume] = []
        for name in names.sorted() { volumes.append(try Volume(tenant: tenant, name: name)) }
        return volumes
    }
}
