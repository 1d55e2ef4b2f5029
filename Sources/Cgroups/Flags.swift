internal import Glibc

/// The numbers of libc that groups need.
enum Flags {
    static let read = O_RDONLY
    static let write = O_WRONLY
    static let listing = O_RDONLY | O_DIRECTORY
    static let killSignal = SIGKILL
    static let removeDirectory = AT_REMOVEDIR
}
