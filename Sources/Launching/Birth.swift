internal import CLaunch
internal import Linux

/// The memory that a child uses until it has executed the stage. It must live until the child has executed its command
/// or has been reaped; then it is dropped.
final class Birth {
    private var memory: OpaquePointer?

    /// Makes the child: its pid, and a pidfd; or -errno.
    func begin(_ how: launch_clone, _ pidfd: inout Int32) -> Int {
        var how = how
        return launch_clone(&how, &pidfd, &memory)
    }

    /// Why the child could not execute the stage, once it has ended; nil: it could.
    var failure: Errno? {
        let failed = launch_birth_failure(memory)
        return failed == 0 ? nil : Errno(rawValue: Int32(-failed))
    }

    deinit { launch_birth_end(memory) }
}
