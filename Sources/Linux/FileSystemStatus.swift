internal import CLinux
internal import Glibc

extension Descriptor {
    /// Whether the mount that holds this file forbids execution. Wraps fstatfs(2), ST_NOEXEC.
    package func mountIsNoexec() throws(SystemError) -> Bool {
        var s = statfs()
        _ = try check(clinux_fstatfs(number, &s), "fstatfs", subject)
        return s.f_flags & 8 != 0
    }
}
