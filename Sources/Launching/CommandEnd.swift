internal import CLaunch
internal import Glibc
package import Linux

/// What a container's init has written of its command's end: `struct launch_exit`.
package struct CommandEnd: Hashable, Sendable {
    package let cause: ProcessEnd.Cause
    /// The init has ended it, at the deadline that nobody else kept.
    package let isOverdue: Bool
    /// Nanoseconds since 1970.
    package let wall: UInt64

    /// Reads the record's file; nil: there is none yet.
    package init?(_ bytes: [UInt8]) {
        let size = MemoryLayout<launch_exit>.size
        guard bytes.count >= size else { return nil }
        let end = bytes.withUnsafeBytes { $0.loadUnaligned(as: launch_exit.self) }
        guard end.magic == LAUNCH_MAGIC else { return nil }
        let signal = end.status & 0x7f
        cause = signal != 0 ? .signalled(signal, dumped: end.status & 0x80 != 0) : .exited(end.status >> 8 & 0xff)
        isOverdue = end.is_overdue != 0
        wall = end.wall
    }
}
