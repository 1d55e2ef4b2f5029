internal import CLinux
internal import Glibc

/// Which file system a path lies on, by the magic number of `statfs(2)`.
package struct FileSystemKind: RawRepresentable, Hashable, Sendable {
    /// `f_type`, cut to the 32 bits that the magic numbers have.
    package let rawValue: UInt32

    /// Wraps a magic number of `<linux/magic.h>`.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Of its own, for the library's for raw values is generic, and looks up the type at run time.
    package static func == (a: FileSystemKind, b: FileSystemKind) -> Bool { a.rawValue == b.rawValue }

    /// A cgroup v1 hierarchy: CGROUP_SUPER_MAGIC.
    package static let cgroup = FileSystemKind(rawValue: 0x27_e0eb)
    /// The cgroup v2 hierarchy: CGROUP2_SUPER_MAGIC.
    package static let cgroup2 = FileSystemKind(rawValue: 0x6367_7270)
    /// TMPFS_MAGIC
    package static let tmpfs = FileSystemKind(rawValue: 0x0102_1994)

    /// The kind of the file system that `path` lies on; links are followed. Wraps `statfs(2)`.
    package init(of path: UnsafePointer<CChar>) throws(SystemError) {
        var s = statfs()
        _ = try check(retrying { clinux_statfs(path, &s) }, "statfs", String(cString: path))
        rawValue = UInt32(truncatingIfNeeded: s.f_type)
    }
}
