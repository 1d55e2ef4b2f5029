internal import Linux

/// The groups below one that a container may have made itself: of any number, depth and name. So the walk is a loop and
/// no recursion, holds one open directory at a time, and takes names as bytes: nested long enough, a path has none that
/// fits in PATH_MAX. Going back is `..`, since a group can't be moved to another parent.
enum CgroupTree {
    /// The names of the groups directly in `directory`. Two system calls where there are none: the link count of a
    /// group's directory is 2 and one for each group below.
    private static func children(of directory: Descriptor) throws(SystemError) -> [[CChar]] {
        guard try directory.status().links > 2 else { return [] }
        var names: [[CChar]] = []
        for name in try directory.entries() {
            do throws(SystemError) { if try directory.status(of: name).isDirectory { names.append(name) } } catch {
                if error.code != .ENOENT { throw error }
            }
        }
        return names
    }

    private static func openIfPresent(_ name: UnsafePointer<CChar>, in directory: Descriptor) throws(SystemError)
        -> OwnedDescriptor?
    {
        do throws(SystemError) { return try directory.open(name, Flags.listing) } catch {
            if error.code == .ENOENT { return nil }
            throw error
        }
    }

    /// The processes in the group `path` and in all below; none where it is gone.
    static func processes(below path: String) throws(SystemError) -> [Int32] {
        guard var here = try openIfPresent(path, in: .workingDirectory) else { return [] }
        var result = try members(of: here.view)
        // For each directory on the way down, those of its groups that are still to be read.
        var pending = [try children(of: here.view)]
        while let names = pending.last {
            guard let name = names.last else {
                pending.removeLast()
                if !pending.isEmpty { here = try here.view.open("..", Flags.listing) }
                continue
            }
            pending[pending.count - 1].removeLast()
            guard let child = try openIfPresent(name, in: here.view) else { continue }
            result += try members(of: child.view)
            pending.append(try children(of: child.view))
            here = child
        }
        return result
    }

    private static func members(of directory: Descriptor) throws(SystemError) -> [Int32] {
        do throws(SystemError) {
            return try CgroupFile.readRaw("cgroup.procs", in: directory).split(separator: "\n").compactMap { Int32($0) }
        } catch {
            // EOPNOTSUPP: a threaded group, whose processes its domain above lists. ENODEV: removed after the open.
            if error.code == .ENOENT || error.code == .ENODEV || error.code == .EOPNOTSUPP { return [] }
            throw error
        }
    }

    /// Removes the group `path` with all below. While one has processes that are dying it waits, until `end` on the
    /// monotonic clock; false then.
    static func remove(_ path: String, until end: UInt64) throws(SystemError) -> Bool {
        let root = Descriptor.workingDirectory
        var pause: Int64 = 50_000
        while try !unlink(path, in: root) {
            let isEmptied: Bool
            if let directory = try openIfPresent(path, in: root) {
                isEmptied = try removeChildren(of: directory, until: end)
            } else {
                isEmptied = true
            }
            if !isEmptied || Clock.monotonic() > end { return false }
            Clock.pause(pause)
            pause = min(pause * 2, 10_000_000)
        }
        return true
    }

    private static func removeChildren(of directory: consuming OwnedDescriptor, until end: UInt64) throws(SystemError)
        -> Bool
    {
        var here = directory
        var pause: Int64 = 50_000
        var pending = [try children(of: here.view)]
        while let names = pending.last {
            guard let name = names.last else {
                pending.removeLast()
                if !pending.isEmpty { here = try here.view.open("..", Flags.listing) }
                continue
            }
            if try unlink(name, in: here.view) {
                pending[pending.count - 1].removeLast()
                continue
            }
            if Clock.monotonic() > end { return false }
            guard let child = try openIfPresent(name, in: here.view) else { continue }
            let inner = try children(of: child.view)
            if inner.isEmpty {
                Clock.pause(pause)
                pause = min(pause * 2, 10_000_000)
            } else {
                pending.append(inner)
                here = child
            }
        }
        return true
    }

    /// Whether it is gone; false where it has processes or groups.
    private static func unlink(_ name: UnsafePointer<CChar>, in directory: Descriptor) throws(SystemError) -> Bool {
        do throws(SystemError) { try directory.unlink(name, flags: Flags.removeDirectory) } catch {
            if error.code == .EBUSY || error.code == .ENOTEMPTY { return false }
            if error.code != .ENOENT { throw error }
        }
        return true
    }
}
