internal import CLinux
internal import Glibc

/// An error number of the kernel, as `errno(3)` lists them.
package struct Errno: RawRepresentable, Hashable, Sendable {
    /// The positive number, as in `<errno.h>`.
    package let rawValue: Int32

    /// Wraps the positive number `rawValue`.
    package init(rawValue: Int32) { self.rawValue = rawValue }

    // RawRepresentable's own is generic, and has a launch look for a conformance first.
    package static func == (a: Errno, b: Errno) -> Bool { a.rawValue == b.rawValue }

    package static let EPERM = Errno(rawValue: Glibc.EPERM)
    package static let ENOENT = Errno(rawValue: Glibc.ENOENT)
    package static let ESRCH = Errno(rawValue: Glibc.ESRCH)
    package static let EINTR = Errno(rawValue: Glibc.EINTR)
    package static let EIO = Errno(rawValue: Glibc.EIO)
    package static let ENXIO = Errno(rawValue: Glibc.ENXIO)
    package static let E2BIG = Errno(rawValue: Glibc.E2BIG)
    package static let ENOEXEC = Errno(rawValue: Glibc.ENOEXEC)
    package static let EBADF = Errno(rawValue: Glibc.EBADF)
    package static let ECHILD = Errno(rawValue: Glibc.ECHILD)
    package static let EAGAIN = Errno(rawValue: Glibc.EAGAIN)
    package static let ENOMEM = Errno(rawValue: Glibc.ENOMEM)
    package static let EACCES = Errno(rawValue: Glibc.EACCES)
    package static let EBUSY = Errno(rawValue: Glibc.EBUSY)
    package static let EEXIST = Errno(rawValue: Glibc.EEXIST)
    package static let EXDEV = Errno(rawValue: Glibc.EXDEV)
    package static let ENODEV = Errno(rawValue: Glibc.ENODEV)
    package static let ENOTDIR = Errno(rawValue: Glibc.ENOTDIR)
    package static let EISDIR = Errno(rawValue: Glibc.EISDIR)
    package static let EINVAL = Errno(rawValue: Glibc.EINVAL)
    package static let EMFILE = Errno(rawValue: Glibc.EMFILE)
    package static let EFBIG = Errno(rawValue: Glibc.EFBIG)
    package static let ENOSPC = Errno(rawValue: Glibc.ENOSPC)
    package static let EROFS = Errno(rawValue: Glibc.EROFS)
    package static let EPIPE = Errno(rawValue: Glibc.EPIPE)
    package static let ECONNREFUSED = Errno(rawValue: Glibc.ECONNREFUSED)
    package static let ECONNRESET = Errno(rawValue: Glibc.ECONNRESET)
    package static let ERANGE = Errno(rawValue: Glibc.ERANGE)
    package static let ENAMETOOLONG = Errno(rawValue: Glibc.ENAMETOOLONG)
    package static let ENOSYS = Errno(rawValue: Glibc.ENOSYS)
    package static let ENOTEMPTY = Errno(rawValue: Glibc.ENOTEMPTY)
    package static let EDQUOT = Errno(rawValue: Glibc.EDQUOT)
    package static let ELOOP = Errno(rawValue: Glibc.ELOOP)
    package static let ENODATA = Errno(rawValue: Glibc.ENODATA)
    package static let EOPNOTSUPP = Errno(rawValue: Glibc.EOPNOTSUPP)
    package static let EADDRINUSE = Errno(rawValue: Glibc.EADDRINUSE)
    package static let EADDRNOTAVAIL = Errno(rawValue: Glibc.EADDRNOTAVAIL)
    package static let ETIMEDOUT = Errno(rawValue: Glibc.ETIMEDOUT)

    /// The C name, `EPERM`; a number without a name reads `errno 4711`.
    package var name: String {
        guard let name = strerrorname_np(rawValue) else { return "errno \(rawValue)" }
        return String(cString: name)
    }

    /// The words of `strerror(3)` in lower case, "operation not permitted".
    package var words: String {
        guard let text = strerrordesc_np(rawValue) else { return "unknown error" }
        var words = String(cString: text)
        if let first = words.first, words.dropFirst().first?.isUppercase == false {
            words = first.lowercased() + words.dropFirst()
        }
        return words
    }
}
