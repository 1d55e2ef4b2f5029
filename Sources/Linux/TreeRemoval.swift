internal import CLinux
internal import Glibc

/// Empties a directory that somebody else has filled: its depth is what they liked, so this is a loop that has at most
/// a few directories open. The way back to one that was closed is `..`, which is believed only if it has the inode that
/// was there on the way down: a directory that was moved meanwhile may lie outside the tree by then.
struct TreeRemoval: ~Copyable {
    /// How many directories stay open, the deepest: most trees are flatter, and then no `..` is needed.
    private static let mostOpen = 16
    private static let bufferSize = 32768
    /// `DT_DIR`.
    private static let directoryType: UInt8 = 4

    private let buffer = UnsafeMutableRawPointer.allocate(byteCount: Self.bufferSize, alignment: 8)
    /// From the top to the deepest directory; -1 is one that was closed, as only the first ones are.
    private var directories: [Int32] = []
    /// Device and inode of each that was closed.
    private var identities: [UInt64] = []
    /// What is to be emptied in each of `directories`, one after the other. The last of a directory that is not the
    /// deepest is the name of the next one.
    private var names: [[CChar]] = []
    /// For each of `directories`, where its part of `names` begins.
    private var begins: [Int] = []

    init() {}

    deinit {
        for number in directories where number >= 0 { _ = clinux_close(number) }
        buffer.deallocate()
    }

    /// Removes what is in `directory`. What others move or make meanwhile may stay.
    mutating func empty(_ directory: consuming OwnedDescriptor) throws(SystemError) {
        try enter(directory)
        while let here = directories.last, let begin = begins.last {
            if names.count == begin {
                guard try leave() else { return }
            } else if let child = try Self.open(names[names.count - 1], in: Descriptor(here)) {
                try enter(child)
            } else {
                names.removeLast()
            }
        }
    }

    /// nil where it is no directory any more.
    private static func open(_ name: UnsafePointer<CChar>, in directory: Descriptor) throws(SystemError)
        -> OwnedDescriptor?
    {
        do throws(SystemError) {
            return try directory.openInRoot(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, crossingMounts: false)
        } catch {
            if error.code == .ENOENT || error.code == .ENOTDIR || error.code == .ELOOP { return nil }
            if error.code == .EXDEV { throw SystemError("unlinkat", String(cString: name), .EBUSY) }
            throw error
        }
    }

    private mutating func enter(_ directory: consuming OwnedDescriptor) throws(SystemError) {
        directories.append(directory.release())
        begins.append(names.count)
        let far = directories.count - 1 - Self.mostOpen
        if far >= 0, directories[far] >= 0 {
            let status = try Descriptor(directories[far]).status()
            identities.append(status.device)
            identities.append(status.inode)
            _ = clinux_close(directories[far])
            directories[far] = -1
        }
        try removeEntries(of: Descriptor(directories[directories.count - 1]))
    }

    /// Goes from the deepest directory to the one above and removes it there; false at the top, and where the way is
    /// lost.
    private mutating func leave() throws(SystemError) -> Bool {
        let left = OwnedDescriptor(taking: directories.removeLast())
        begins.removeLast()
        guard let above = directories.last else { return false }
        if above < 0 {
            let parent = try left.view.open("..", O_RDONLY | O_DIRECTORY)
            let status = try parent.view.status()
            guard identities.popLast() == status.inode, identities.popLast() == status.device else { return false }
            directories[directories.count - 1] = parent.release()
        }
        _ = try Self.remove(
            names.removeLast(), isDirectory: true, from: Descriptor(directories[directories.count - 1]))
        return true
    }

    /// Removes what needs no emptying while the names are read, so that a directory of millions takes no memory.
    private mutating func removeEntries(of directory: Descriptor) throws(SystemError) {
        while true {
            let n = try check(
                clinux_getdents(directory.number, buffer, Self.bufferSize), "getdents64", directory.subject)
            if n == 0 { return }
            var at = 0
            while at < n {
                // struct linux_dirent64: u64 inode, s64 offset, u16 length, u8 type, then the name
                let length = Int((buffer + at + 16).loadUnaligned(as: UInt16.self))
                let type = (buffer + at + 18).load(as: UInt8.self)
                let name = (buffer + at + 19).assumingMemoryBound(to: CChar.self)
                at += length
                if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { continue }
                if try !Self.remove(name, isDirectory: type == Self.directoryType, from: directory) {
                    names.append(Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1)))
                }
            }
        }
    }

    /// Whether it is gone; false is a directory that is not empty. `isDirectory` is what to try first. A mount point is
    /// EBUSY here, also one of the same file system, and so never entered.
    private static func remove(
        _ name: UnsafePointer<CChar>, isDirectory: Bool, from directory: Descriptor
    ) throws(SystemError) -> Bool {
        var flags = isDirectory ? AT_REMOVEDIR : 0
        var result = clinux_unlinkat(directory.number, name, flags)
        let other = isDirectory ? Errno.ENOTDIR : Errno.EISDIR
        if result == -Int(other.rawValue) {
            flags ^= AT_REMOVEDIR
            result = clinux_unlinkat(directory.number, name, flags)
        }
        if result == -Int(Errno.ENOENT.rawValue) { return true }
        // EEXIST: what some file systems say for ENOTEMPTY, as POSIX allows.
        if result == -Int(Errno.ENOTEMPTY.rawValue) || result == -Int(Errno.EEXIST.rawValue) { return false }
        _ = try check(result, "unlinkat", String(cString: name))
        return true
    }

    /// Removes `path` in `directory` with all below.
    static func remove(_ path: UnsafePointer<CChar>, in directory: Descriptor) throws(SystemError) {
        // Again, since something may have been moved or made meanwhile; not for ever, since it may go on.
        for _ in 0..<16 {
            // As a directory first: nearly all are, and one that is a mount point by mistake must not be emptied.
            if try remove(path, isDirectory: true, from: directory) { return }
            var removal = TreeRemoval()
            do throws(SystemError) {
                try removal.empty(try directory.open(path, O_RDONLY | O_DIRECTORY))
            } catch {
                if error.code == .ENOENT { continue }
                throw error
            }
        }
        if try !remove(path, isDirectory: true, from: directory) {
            throw SystemError("unlinkat", String(cString: path), .ENOTEMPTY)
        }
    }
}
