/// A compiled filter: what seccomp(2) with `SECCOMP_SET_MODE_FILTER` takes.
package struct SeccompProgram: Hashable, Sendable {
    /// The instructions as the kernel reads them, `struct sock_filter` one behind the other.
    package let bytes: [UInt8]
    /// The flags argument of seccomp(2).
    package let flags: SeccompFlags
    /// Names in the profile that no architecture of it knows: their rules were left out, and the caller warns.
    package let unknownNames: [String]

    /// The number of instructions, at most 4096.
    package var count: Int { bytes.count / FilterInstruction.size }
}

/// The flags of seccomp(2), `SECCOMP_FILTER_FLAG_`.
package struct SeccompFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The filter goes to all threads.
    package static let threadSync = SeccompFlags(rawValue: 1 << 0)
    /// Every action but "allow" is logged, as far as the host's `actions_logged` says.
    package static let log = SeccompFlags(rawValue: 1 << 1)
    /// Speculative store bypass is not disabled (before Linux 5.16 a filter did so).
    package static let speculationAllowed = SeccompFlags(rawValue: 1 << 2)
    /// seccomp(2) returns a descriptor for the notifications of `SCMP_ACT_NOTIFY`.
    package static let newListener = SeccompFlags(rawValue: 1 << 3)
    /// A failed thread sync is reported as ESRCH: what lets `threadSync` and `newListener` stand together (Linux 5.7).
    package static let threadSyncAsESRCH = SeccompFlags(rawValue: 1 << 4)
    /// A call whose notification was received waits killable (Linux 5.19).
    package static let waitKillable = SeccompFlags(rawValue: 1 << 5)

    /// Those that profiles may ask for.
    package static let names = [
        "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    ]
}
