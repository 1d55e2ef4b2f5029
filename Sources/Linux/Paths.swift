internal import CLinux
internal import Glibc

// Paths are C strings here: a Swift String can be passed as it is, and names that are not UTF-8 (archives bring them)
// go through unharmed. `self` is the directory that a relative path starts at.
extension Descriptor {
    /// Opens `path`; a symbolic link as its last component is not followed (ELOOP). Wraps `openat(2)` with `O_NOFOLLOW`.
    package func open(_ path: UnsafePointer<CChar>, _ flags: Int32, mode: UInt32 = 0) throws(SystemError)
        -> OwnedDescriptor
    {
        try openFollowing(path, flags | O_NOFOLLOW, mode: mode)
    }

    /// Opens `path` and follows links, as the kernel does by default: for paths that the caller's user typed, never for
    /// what an image or a container brought. Wraps `openat(2)`.
    package func openFollowing(_ path: UnsafePointer<CChar>, _ flags: Int32, mode: UInt32 = 0) throws(SystemError)
        -> OwnedDescriptor
    {
        let n = retrying { clinux_openat(number, path, flags, mode) }
        return OwnedDescriptor(taking: Int32(try check(n, "openat", String(cString: path))))
    }

    /// Opens the directory `path`, which no link leads to: nil where one does, or where there is nothing. Wraps `openat2(2)`
    /// with `RESOLVE_NO_SYMLINKS`.
    package func openDirectly(_ path: UnsafePointer<CChar>) throws(SystemError) -> OwnedDescriptor? {
        let n = retrying {
            clinux_openat2(number, path, UInt64(O_RDONLY | O_DIRECTORY), 0, UInt64(RESOLVE_NO_SYMLINKS))
        }
        if n == -Int(Errno.ELOOP.rawValue) || n == -Int(Errno.ENOENT.rawValue) { return nil }
        return OwnedDescriptor(taking: Int32(try check(n, "openat2", String(cString: path))))
    }

    /// Opens `path` as if this directory were `/`: absolute links and `..` stay inside, magic links (those of
    /// `/proc/PID/fd`) are refused with ELOOP. Without an error, what was opened was inside the root at one moment of
    /// the resolution. Wraps `openat2(2)` with `RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS`.
    package func openInRoot(
        _ path: UnsafePointer<CChar>, _ flags: Int32, mode: UInt32 = 0, crossingMounts: Bool = true
    ) throws(SystemError) -> OwnedDescriptor {
        var resolve = UInt64(RESOLVE_IN_ROOT) | UInt64(RESOLVE_NO_MAGICLINKS)
        if !crossingMounts { resolve |= UInt64(RESOLVE_NO_XDEV) }
        while true {
            let n = clinux_openat2(number, path, UInt64(UInt32(bitPattern: flags)), UInt64(mode), resolve)
            // EAGAIN: something was renamed meanwhile, and the kernel could not be sure that `..` stayed inside.
            if n == -Int(Errno.EINTR.rawValue) || n == -Int(Errno.EAGAIN.rawValue) { continue }
            return OwnedDescriptor(taking: Int32(try check(n, "openat2", String(cString: path))))
        }
    }

    /// Opens `path`, which must lie below this directory: `..` and absolute links that lead out are EXDEV. Without `links`
    /// any link on the way is ELOOP, and one at the end too, unless `flags` have `O_PATH | O_NOFOLLOW`. Wraps `openat2(2)`
    /// with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS`.
    package func openBeneath(
        _ path: UnsafePointer<CChar>, _ flags: Int32, mode: UInt32 = 0, links: Bool = false,
        crossingMounts: Bool = true
    ) throws(SystemError) -> OwnedDescriptor {
        var resolve = UInt64(RESOLVE_BENEATH) | UInt64(RESOLVE_NO_MAGICLINKS)
        if !links { resolve |= UInt64(RESOLVE_NO_SYMLINKS) }
        if !crossingMounts { resolve |= UInt64(RESOLVE_NO_XDEV) }
        while true {
            let n = clinux_openat2(number, path, UInt64(UInt32(bitPattern: flags)), UInt64(mode), resolve)
            // EAGAIN: as in `openInRoot`.
            if n == -Int(Errno.EINTR.rawValue) || n == -Int(Errno.EAGAIN.rawValue) { continue }
            return OwnedDescriptor(taking: Int32(try check(n, "openat2", String(cString: path))))
        }
    }

    /// Opens for reading what an `O_PATH` descriptor is of: whoever asked before what it is gets that very file, and no
    /// device that was put in its place.
    package func reopen(_ flags: Int32) throws(SystemError) -> OwnedDescriptor {
        try Descriptor.workingDirectory.openFollowing("/proc/self/fd/\(number)", flags)
    }

    /// What `path` is; a link is not followed. Wraps `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`.
    package func status(of path: UnsafePointer<CChar>) throws(SystemError) -> FileStatus {
        var s = stat()
        _ = try check(
            clinux_fstatat(number, path, &s, AT_SYMLINK_NOFOLLOW), "fstatat", String(cString: path))
        return FileStatus(s)
    }

    /// Makes a directory. Wraps `mkdirat(2)`; the umask takes its share of `mode`.
    package func makeDirectory(_ path: UnsafePointer<CChar>, mode: UInt32) throws(SystemError) {
        _ = try check(clinux_mkdirat(number, path, mode), "mkdirat", String(cString: path))
    }

    /// Makes a FIFO, socket, device node or whiteout; `mode` has the type. Wraps `mknodat(2)`.
    package func makeNode(_ path: UnsafePointer<CChar>, mode: UInt32, device: UInt64) throws(SystemError) {
        _ = try check(clinux_mknodat(number, path, mode, device), "mknodat", String(cString: path))
    }

    /// Makes the symbolic link `path` with the text `target`. Wraps `symlinkat(2)`.
    package func makeSymlink(_ path: UnsafePointer<CChar>, to target: UnsafePointer<CChar>) throws(SystemError) {
        _ = try check(clinux_symlinkat(target, number, path), "symlinkat", String(cString: path))
    }

    /// The text of the symbolic link `path`. Wraps `readlinkat(2)`.
    package func readLink(_ path: UnsafePointer<CChar>) throws(SystemError) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let n = try check(
            buffer.withUnsafeMutableBytes {
                clinux_readlinkat(number, path, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
            }, "readlinkat",
            String(cString: path))
        return String(decoding: buffer[..<n], as: UTF8.self)
    }

    /// Gives the file `path` a second name, `name` in `directory`. Wraps `linkat(2)`.
    package func link(
        _ path: UnsafePointer<CChar>, to name: UnsafePointer<CChar>, in directory: Descriptor, flags: Int32 = 0
    ) throws(SystemError) {
        _ = try check(
            clinux_linkat(number, path, directory.number, name, flags), "linkat", String(cString: name))
    }

    /// Removes a file, or with `AT_REMOVEDIR` an empty directory. Wraps `unlinkat(2)`.
    package func unlink(_ path: UnsafePointer<CChar>, flags: Int32 = 0) throws(SystemError) {
        _ = try check(clinux_unlinkat(number, path, flags), "unlinkat", String(cString: path))
    }

    /// For ``rename(_:to:in:flags:)``: what has the name already is EEXIST.
    package static let noReplace: UInt32 = 1

    /// Moves `path` to `name` in `directory`; `flags` as ``noReplace``. Wraps `renameat2(2)`.
    package func rename(
        _ path: UnsafePointer<CChar>, to name: UnsafePointer<CChar>, in directory: Descriptor, flags: UInt32 = 0
    ) throws(SystemError) {
        _ = try check(
            clinux_renameat2(number, path, directory.number, name, flags), "renameat2", String(cString: name))
    }

    /// Sets this open file's permission bits. Wraps `fchmod(2)`.
    package func setMode(_ mode: UInt32) throws(SystemError) {
        _ = try check(clinux_fchmod(number, mode), "fchmod", subject)
    }

    /// Sets owner and group of `path`; a link is not followed. Wraps `fchownat(2)`.
    package func setOwner(of path: UnsafePointer<CChar>, uid: UInt32, gid: UInt32) throws(SystemError) {
        _ = try check(
            clinux_fchownat(number, path, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH), "fchownat",
            String(cString: path))
    }

    /// Whether `path` exists (a dangling link does). An error is no answer.
    package func exists(_ path: UnsafePointer<CChar>) throws(SystemError) -> Bool {
        do throws(SystemError) { _ = try status(of: path) } catch {
            if error.code == .ENOENT || error.code == .ENOTDIR { return false }
            throw error
        }
        return true
    }

    /// Makes `path` and the directories before it as far as they are missing, all with `mode`.
    package func makeDirectories(_ path: String, mode: UInt32) throws(SystemError) {
        do throws(SystemError) { return try makeDirectory(path, mode: mode) } catch {
            if error.code == .EEXIST { return }
            guard error.code == .ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
                throw error
            }
            try makeDirectories(String(path[..<slash]), mode: mode)
        }
        do throws(SystemError) { try makeDirectory(path, mode: mode) } catch  where error.code == .EEXIST {}
    }

    /// A name of ``entries()`` as text; what is no UTF-8 is replaced.
    package static func text(ofEntry name: [CChar]) -> String {
        String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The names in this directory without `.` and `..`, unsorted, as the bytes that the file system holds. `self` must
    /// be open for reading. Wraps `getdents64(2)`.
    package func entries() throws(SystemError) -> [[CChar]] {
        var names: [[CChar]] = []
        try eachName(buffer: 4096) { name in
            names.append(Self.bytes(name))
            return true
        }
        return names
    }

    /// Hands each name of this directory without `.` and `..` to `body`, until that says false: for directories that may
    /// have more names than memory holds. `self` must be open for reading. Wraps `getdents64(2)`.
    package func eachEntry(_ body: ([CChar]) throws(SystemError) -> Bool) throws(SystemError) {
        try eachName(buffer: 32768) { name throws(SystemError) in try body(Self.bytes(name)) }
    }

    private static func bytes(_ name: UnsafePointer<CChar>) -> [CChar] {
        Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))
    }

    /// ``eachEntry(_:)`` without a copy of the name, read into `size` bytes at once.
    package func eachName(
        buffer size: Int = 4096, _ body: (UnsafePointer<CChar>) throws(SystemError) -> Bool
    ) throws(SystemError) {
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        defer { buffer.deallocate() }
        try seek(to: 0)
        while true {
            let n = try check(clinux_getdents(number, buffer, size), "getdents64", subject)
            if n == 0 { return }
            var at = 0
            while at < n {
                // struct linux_dirent64: u64 inode, s64 offset, u16 length, u8 type, then the name
                let length = Int((buffer + at + 16).loadUnaligned(as: UInt16.self))
                let name = (buffer + at + 19).assumingMemoryBound(to: CChar.self)
                let isOwn = strcmp(name, ".") == 0 || strcmp(name, "..") == 0
                if !isOwn, try !body(name) { return }
                at += length
            }
        }
    }

    /// Removes `path` and all below it, of any depth, never following a link and never entering a mount: one that was
    /// forgotten there stays whole, and removing then fails with EBUSY.
    package func removeTree(_ path: UnsafePointer<CChar>) throws(SystemError) { try TreeRemoval.remove(path, in: self) }

    /// Reads the file `path` below this directory: a link is not followed, and it must be a regular file of at most
    /// `limit` bytes (EINVAL otherwise, without waiting where it is a FIFO).
    package func readFile(_ path: UnsafePointer<CChar>, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY | O_NONBLOCK)
        let status = try file.view.status()
        guard status.isRegular else {
            throw SystemError("open", String(cString: path), detail: "not a regular file,", .EINVAL)
        }
        do throws(SystemError) { return try file.view.readAll(limit: limit, size: status.size) } catch {
            throw SystemError(error.call, String(cString: path), detail: error.detail, error.code)
        }
    }

    /// Writes `text` to the existing file `path` in one write(2), as files of /proc and /sys want it.
    package func writeFile(_ path: UnsafePointer<CChar>, _ text: String) throws(SystemError) {
        let file = try open(path, O_WRONLY)
        let bytes = Array(text.utf8)
        _ = try check(
            bytes.withUnsafeBytes { buffer in
                retrying { clinux_write(file.view.number, buffer.baseAddress, buffer.count) }
            },
            "write", String(cString: path), detail: "'\(text)'")
    }

    private static let draftEnd = ".new"

    /// Whether a file of this name is what ``replaceFile(_:with:mode:exactMode:)`` writes before it renames it: whoever is killed
    /// leaves it.
    package static func isDraft(_ name: String) -> Bool { name.hasSuffix(draftEnd) }

    /// Puts `bytes` where `path` is, all or nothing: written beside it under a name of its own, then renamed.
    ///
    /// - Parameter exactMode: its permissions, whatever the umask says.
    package func replaceFile(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o600, exactMode: UInt32? = nil
    ) throws(SystemError) {
        let temporary = "\(path).\(getpid())" + Self.draftEnd
        let file = try open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        do throws(SystemError) {
            if let exactMode { try file.view.setMode(exactMode) }
            try file.view.write(bytes)
            try rename(temporary, to: path, in: self)
        } catch {
            _ = clinux_unlinkat(number, temporary, 0)
            throw SystemError(error.call, path, detail: error.detail, error.code)
        }
    }

    /// Writes a file that nobody sees before it is whole, since its directory is a draft.
    package func makeFile(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o600) throws(SystemError) {
        let file = try open(path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        do throws(SystemError) {
            try file.view.write(bytes)
            try file.close()
        } catch { throw SystemError(error.call, path, detail: error.detail, error.code) }
    }
}
