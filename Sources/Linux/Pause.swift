internal import CLinux

extension Clock {
    /// Waits `nanoseconds`, or less where a signal came: between two tries of what the kernel finishes soon, where it
    /// offers nothing to poll. Wraps `nanosleep(2)`.
    package static func pause(_ nanoseconds: Int64) { _ = clinux_nanosleep(nanoseconds) }
}
