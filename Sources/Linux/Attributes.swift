internal import CLinux
internal import Glibc

// Extended attributes and times of files, and opening without links: what writing and copying trees needs.
extension Descriptor {
    /// Opens `path` below this directory and follows no link at all, not even in its middle (ELOOP); `..` and absolute
    /// paths can't leave it (EXDEV). Wraps `openat2(2)` with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS`.
    package func openWithoutLinks(_ path: UnsafePointer<CChar>, _ flags: Int32) throws(SystemError) -> OwnedDescriptor {
        let resolve = UInt64(RESOLVE_BENEATH) | UInt64(RESOLVE_NO_SYMLINKS)
        let n = retrying { clinux_openat2(number, path, UInt64(UInt32(bitPattern: flags)), 0, resolve) }
        return OwnedDescriptor(taking: Int32(try check(n, "openat2", String(cString: path))))
    }

    /// Moves the file's offset to the next data at or behind `offset`; nil: there is nothing but a hole. Wraps `lseek(2)`
    /// with `SEEK_DATA`.
    package func seekData(from offset: Int64) throws(SystemError) -> Int64? {
        do throws(SystemError) { return try seek(to: offset, from: 3) } catch  where error.code == .ENXIO { return nil }
    }

    /// Moves the file's offset to the next hole at or behind `offset`, the end at last. Wraps `lseek(2)` with
    /// `SEEK_HOLE`.
    package func seekHole(from offset: Int64) throws(SystemError) -> Int64 { try seek(to: offset, from: 4) }

    /// The bytes of the symbolic link `path`, ending in NUL. Wraps `readlinkat(2)`.
    package func readLinkBytes(_ path: UnsafePointer<CChar>) throws(SystemError) -> [CChar] {
        var buffer = [CChar](repeating: 0, count: 4097)
        let n = try check(
            buffer.withUnsafeMutableBufferPointer { clinux_readlinkat(number, path, $0.baseAddress, 4096) },
            "readlinkat", String(cString: path))
        buffer.removeLast(4096 - n)
        return buffer
    }

    /// Sets the permission bits of `path`, which must be no link: `fchmodat(2)` would follow it. For what was just made
    /// in a directory of our own.
    package func setMode(of path: UnsafePointer<CChar>, _ mode: UInt32) throws(SystemError) {
        _ = try check(clinux_fchmodat(number, path, mode), "fchmodat", String(cString: path))
    }

    /// Sets the time of the last change, and that of the last access to the same; a link is not followed, an empty path
    /// means this file. Wraps `utimensat(2)`.
    package func setTimes(of path: UnsafePointer<CChar>, seconds: Int, nanoseconds: Int) throws(SystemError) {
        let time = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
        let two = (time, time)
        let n = withUnsafeBytes(of: two) { buffer in
            clinux_utimensat(
                number, path, buffer.baseAddress?.assumingMemoryBound(to: timespec.self),
                AT_SYMLINK_NOFOLLOW | (path.pointee == 0 ? AT_EMPTY_PATH : 0))
        }
        _ = try check(n, "utimensat", path.pointee == 0 ? subject : String(cString: path))
    }

    /// Has it be accessed and modified now. Wraps `utimensat(2)`.
    package func touch(_ path: UnsafePointer<CChar>) throws(SystemError) {
        _ = try check(
            clinux_utimensat(number, path, nil, AT_SYMLINK_NOFOLLOW), "utimensat", String(cString: path))
    }

    /// Sets an extended attribute of this open file. Wraps `fsetxattr(2)`.
    package func setAttribute(_ name: UnsafePointer<CChar>, to value: UnsafeRawBufferPointer) throws(SystemError) {
        _ = try check(
            clinux_fsetxattr(number, name, value.baseAddress, value.count, 0), "fsetxattr", subject,
            detail: String(cString: name))
    }

    /// Sets an extended attribute of this open file to a text.
    package func setAttribute(_ name: UnsafePointer<CChar>, to value: StaticString) throws(SystemError) {
        try setAttribute(name, to: UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
    }

    /// An extended attribute of this open file, at most 64 KiB (the kernel's own limit); nil: it has none of this name.
    /// Wraps `fgetxattr(2)`.
    package func attribute(_ name: UnsafePointer<CChar>) throws(SystemError) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 256)
        while true {
            let n = value.withUnsafeMutableBytes { clinux_fgetxattr(number, name, $0.baseAddress, $0.count) }
            if n == -Int(Errno.ENODATA.rawValue) || n == -Int(Errno.EOPNOTSUPP.rawValue) { return nil }
            if n == -Int(Errno.ERANGE.rawValue), value.count < 65536 {
                value = [UInt8](repeating: 0, count: 65536)
                continue
            }
            return Array(value[..<(try check(n, "fgetxattr", subject, detail: String(cString: name)))])
        }
    }

    /// The names of this open file's extended attributes, each ending in NUL. Wraps `flistxattr(2)`.
    package func attributeNames() throws(SystemError) -> [[CChar]] {
        var names = [CChar](repeating: 0, count: 1024)
        while true {
            let n = names.withUnsafeMutableBufferPointer { clinux_flistxattr(number, $0.baseAddress, $0.count) }
            if n == -Int(Errno.EOPNOTSUPP.rawValue) { return [] }
            if n == -Int(Errno.ERANGE.rawValue), names.count < 65536 {
                names = [CChar](repeating: 0, count: 65536)
                continue
            }
            return names[..<(try check(n, "flistxattr", subject))].split(separator: 0).map { Array($0) + [0] }
        }
    }
}

/// Device numbers as `makedev(3)` packs them.
package enum DeviceNumber {
    /// The number of `major` and `minor`.
    package static func make(major: UInt32, minor: UInt32) -> UInt64 { clinux_makedev(major, minor) }
}
