internal import Glibc
package import Linux

/// The root file system of one container: an image's layers, and above them a directory of the container's own, which
/// is removed with all that the container wrote when this value goes. As long as it lives, the image can't be removed,
/// and the directory is locked (flock(2)), so that others can tell it from one whose owner was killed.
package struct OverlayRootfs: ~Copyable {
    /// Where the container's own directory is, below the store's path.
    package let path: String
    private let containers: OwnedDescriptor
    private let own: OwnedDescriptor
    /// A file system for what is written, see ``WritableDisk``; nil: that of the store.
    private var disk: OwnedDescriptor?
    private let id: String
    private let hold: ImageHold
    private var isKept = false

    private init(
        _ containers: consuming OwnedDescriptor, _ own: consuming OwnedDescriptor, _ id: String,
        _ hold: consuming ImageHold
    ) {
        self.containers = containers
        self.own = own
        self.id = id
        self.hold = hold
        path = "containers/\(id)"
    }

    deinit {
        // What can't be removed now (a mount is still in use) can be later, by `removeRootfs`.
        if !isKept {
            removeWork()
            do throws(SystemError) { try containers.view.removeTree(id) } catch {}
        }
    }

    /// Removes what overlayfs leaves of a volatile mount, without looking for it (Documentation/filesystems/overlayfs.rst,
    /// "Volatile mount"). Where it leaves something else, that stays for `removeTree`.
    private borrowing func removeWork() {
        do throws(SystemError) {
            try own.view.unlink("work/work/incompat/volatile/dirty")
            for path in ["work/work/incompat/volatile", "work/work/incompat", "work/work", "work"] {
                try own.view.unlink(path, flags: AT_REMOVEDIR)
            }
        } catch {}
    }

    /// Makes the directories of the container `id` (letters, digits, `_`, `.`, `-`), which must not exist (EEXIST). What is
    /// written may have `limit` bytes; nil: as many as the store has room for.
    package static func make(
        in store: ImageStore, image hold: consuming ImageHold, id: String, limit: Int64? = nil
    ) throws(ImagesError) -> OverlayRootfs {
        let root = store.root.view
        let containers = try system { () throws(SystemError) in
            guard isIdentifier(id) else { throw SystemError("mkdirat", id, .EINVAL) }
            return try root.open("containers", O_RDONLY | O_DIRECTORY)
        }
        let directory = containers.view
        let own = try system { () throws(SystemError) in
            if try BlankLayer.take(as: "containers/\(id)", in: root), let taken = try lock(id, in: directory) {
                return taken
            }
            return try makeLocked(id, in: directory)
        }
        var rootfs = OverlayRootfs(containers, own, id, hold)
        if let limit { try rootfs.limit(to: limit) }
        try rootfs.prepare()
        return rootfs
    }

    private mutating func limit(to size: Int64) throws(ImagesError) {
        let made = try WritableDisk.make(size: size, in: own.view)
        try system { () throws(SystemError) in try made.view.makeDirectory("upper", mode: 0o755) }
        disk = consume made
    }

    /// Locks the directory, which has all; nil: it does not, or a repair came before the lock, took it for one whose owner died,
    /// and removed it.
    private static func lock(_ id: String, in containers: Descriptor) throws(SystemError) -> OwnedDescriptor? {
        do throws(SystemError) {
            let own = try containers.open(id, O_RDONLY | O_DIRECTORY)
            _ = try own.view.lock(exclusive: true, waiting: true)
            if try own.view.exists("upper") { return own }
            try containers.removeTree(id)
            return nil
        } catch  where error.code == .ENOENT { return nil }
    }

    /// Makes the directory with `upper` in it, and locks it. A repair may come before the lock, take the directory for
    /// one whose owner died, and remove it: then it is made again. Nothing can be made in a directory that is gone, so
    /// that `upper`'s ENOENT tells.
    private static func makeLocked(_ id: String, in containers: Descriptor) throws(SystemError) -> OwnedDescriptor {
        let tries = 100
        for _ in 1...tries {
            try containers.makeDirectory(id, mode: 0o700)
            do throws(SystemError) {
                let own = try containers.open(id, O_RDONLY | O_DIRECTORY)
                // Whoever else has the lock is a repair, for a moment.
                _ = try own.view.lock(exclusive: true, waiting: true)
                try own.view.makeDirectory("upper", mode: 0o755)
                return own
            } catch {
                if error.code == .ENOENT { continue }
                do throws(SystemError) { try containers.unlink(id, flags: AT_REMOVEDIR) } catch {}
                throw error
            }
        }
        throw SystemError("mkdirat", id, .EEXIST)
    }

    /// A detached, writable mount of the whole; `attributes` are `MOUNT_ATTR_*`. It is to be made once: two mounts of
    /// one upper directory would spoil it.
    package borrowing func mount(attributes: UInt32 = 0) throws(ImagesError) -> OwnedDescriptor {
        let own = place
        let upper = try open("upper")
        let work = try open("work")
        guard hold.record.layers.isEmpty else {
            do throws(ImagesError) {
                return try OverlayMount.make(
                    lowers: hold.lowers, writable: (upper.view, work.view), attributes: attributes)
            } catch {
                // Linux before 6.15 takes nothing for an overlay that is not mounted somewhere.
                guard hasDisk, case .system(let refusal) = error, refusal.code == .EINVAL else { throw error }
                return try mountAttached(attributes: attributes)
            }
        }
        // overlayfs wants something below: an empty directory for an image without layers.
        let empty = try system { () throws(SystemError) in
            try own.makeDirectory("empty", mode: 0o755)
            return try own.open("empty", O_RDONLY | O_DIRECTORY)
        }
        return try OverlayMount.make(lowers: [empty.view], writable: (upper.view, work.view), attributes: attributes)
    }

    private var hasDisk: Bool {
        switch disk {
        case .some: true
        case .none: false
        }
    }

    /// The same with the file system for what is written attached to the directory that it stands for, in a mount namespace
    /// that nobody else sees. All that the overlay is made of is opened anew in there, since it must be of one namespace.
    borrowing func mountAttached(attributes: UInt32 = 0) throws(ImagesError) -> OwnedDescriptor {
        var paths: [String] = []
        let own = own.view, disk = place
        let lowers = hold.lowers
        try system { () throws(SystemError) in
            let here = Descriptor.workingDirectory
            for directory in [own] + lowers { paths.append(try here.readLink("/proc/self/fd/\(directory.number)")) }
        }
        let mounts = try system { () throws(SystemError) in try OwnMounts.enter() }
        let made: OwnedDescriptor
        do throws(ImagesError) {
            made = try OverlayRootfs.make(paths, attaching: disk, attributes)
        } catch {
            do throws(SystemError) { try mounts.leave() } catch { throw .system(error) }
            throw error
        }
        do throws(SystemError) { try mounts.leave() } catch { throw .system(error) }
        return made
    }

    /// `paths`: of the container's own directory, and of the layers.
    private static func make(
        _ paths: [String], attaching disk: Descriptor, _ attributes: UInt32
    ) throws(ImagesError) -> OwnedDescriptor {
        let here = Descriptor.workingDirectory
        let target = paths[0] + "/upper"
        try system { () throws(SystemError) in try disk.moveMount(to: target, in: here) }
        let flags = O_RDONLY | O_DIRECTORY
        let upper = try system { () throws(SystemError) in try here.openFollowing(target + "/upper", flags) }
        let work = try system { () throws(SystemError) in try here.openFollowing(target + "/work", flags) }
        var lowers: [Descriptor] = []
        defer { for lower in lowers { _ = OwnedDescriptor(taking: lower.number) } }
        do throws(SystemError) {
            for path in paths.dropFirst() {
                lowers.append(Descriptor(try here.openFollowing(path, flags).release()))
            }
        } catch { throw .system(error) }
        return try OverlayMount.make(lowers: lowers, writable: (upper.view, work.view), attributes: attributes)
    }

    /// Lets the directories live on, for ``ImageStore/removeRootfs(_:)`` to remove.
    package consuming func keep() { isKept = true }

    private borrowing func open(_ path: String) throws(ImagesError) -> OwnedDescriptor {
        let directory = place
        return try system { () throws(SystemError) in try directory.open(path, O_RDONLY | O_DIRECTORY) }
    }

    /// Where `upper` and `work` are.
    private var place: Descriptor {
        switch disk {
        case .some(let disk): disk.view
        case .none: own.view
        }
    }

    /// The root of a mount is that of its upper directory: it takes the attributes of the image's.
    private borrowing func prepare() throws(ImagesError) {
        let own = place
        let top = hold.lowers.first
        try system { () throws(SystemError) in
            do throws(SystemError) { try own.makeDirectory("work", mode: 0o700) } catch  where error.code == .EEXIST {}
            let upper = try own.open("upper", O_RDONLY | O_DIRECTORY)
            guard let top else { return try upper.view.setMode(0o755) }
            let status = try top.status()
            try NodeCopy.copyAttributes(of: status, from: top, to: upper.view)
            try upper.view.setTimes(
                of: "", seconds: status.modified.seconds, nanoseconds: status.modified.nanoseconds)
        }
    }

    /// Where the directories of the container `id` are, or will be: absolute.
    package static func path(of id: String, in store: ImageStore) throws(ImagesError) -> String {
        try system { () throws(SystemError) in try AbsolutePath.of(store.path) + "/containers/\(id)" }
    }

    static func isIdentifier(_ text: String) -> Bool {
        let isWord = { (c: UInt8) in
            (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c) || c == 95 || c == 46 || c == 45
        }
        return (1...128).contains(text.utf8.count) && text.utf8.allSatisfy(isWord) && text != "." && text != ".."
    }
}

extension ImageStore {
    /// Removes the directories of a container whose ``OverlayRootfs`` was kept or whose owner was killed. There need be
    /// none.
    package func removeRootfs(_ id: String) throws(ImagesError) {
        let directory = root.view
        try system { () throws(SystemError) in
            guard OverlayRootfs.isIdentifier(id) else { throw SystemError("unlinkat", id, .EINVAL) }
            try directory.removeTree("containers/\(id)")
        }
    }
}
