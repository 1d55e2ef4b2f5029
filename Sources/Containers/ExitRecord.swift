internal import Linux
package import OCI

/// Why and how a container ended, and what it used.
package struct ExitRecord: Hashable, Sendable {
    /// Who or what ended it.
    package enum Reason: String, Hashable, Sendable {
        /// The command came to its end, with whatever code.
        case exited
        /// A signal, not from us.
        case signalled
        /// The kernel killed it for lack of memory within its limit.
        case outOfMemory = "out-of-memory"
        /// Its time was over.
        case deadline
        /// Whoever ran it asked for its end.
        case stopped
    }

    package var identifier: String
    package var reason: Reason
    /// The command's exit code; nil where a signal ended it.
    package var exitCode: Int32?
    /// The signal that ended the command.
    package var signal: Int32?
    /// Nanoseconds since 1970 UTC.
    package var startedAt: UInt64
    package var finishedAt: UInt64
    /// Processor time in microseconds, of the command and the children that it waited for.
    package var userTime: UInt64
    package var systemTime: UInt64
    /// Bytes; the cgroup's peak where it counts one, else the largest process's resident set.
    package var peakMemory: UInt64

    /// What the shell sees: the command's own code, 128 + signal, or 124 at the deadline.
    package var status: Int32 {
        if reason == .deadline { return 124 }
        return exitCode ?? signal.map { 128 + $0 } ?? 125
    }

    package var json: JSON.Value {
        // Each launch writes one: appended, which asks for no further type of array.
        var members: [(name: String, value: JSON.Value)] = []
        members.append(("id", .string(identifier)))
        members.append(("reason", .string(reason.rawValue)))
        if let exitCode { members.append(("exitCode", .integer(Int64(exitCode)))) }
        if let signal { members.append(("signal", .integer(Int64(signal)))) }
        members.append(("outOfMemory", .bool(reason == .outOfMemory)))
        members.append(("deadline", .bool(reason == .deadline)))
        members.append(("startedAt", .string(Clock.rfc3339(startedAt))))
        members.append(("finishedAt", .string(Clock.rfc3339(finishedAt))))
        members.append(("userTimeMicroseconds", .integer(Int64(userTime))))
        members.append(("systemTimeMicroseconds", .integer(Int64(systemTime))))
        members.append(("peakMemoryBytes", .integer(Int64(peakMemory))))
        return .object(members)
    }
}
