internal import Glibc

/// The mode bits that new files do not get, of the whole process. Wraps umask(2).
package enum CreationMask {
    /// Runs `body` with no bit held back, so that a file is born with the mode that it is to have. Not for a process
    /// with several threads.
    package static func none<Value>(_ body: () throws(SystemError) -> Value) throws(SystemError) -> Value {
        let before = umask(0)
        defer { _ = umask(before) }
        return try body()
    }
}
