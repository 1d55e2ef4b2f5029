/// Capabilities by name and number, capabilities(7). A set of them is a number with bit n for capability n.
package enum Capability {
    /// In the order of their numbers, without `CAP_`.
    package static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    /// What a container has unless it is told otherwise: Docker's list.
    package static let defaults = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
        "CAP_SYS_CHROOT",
    ]

    /// CAP_SYS_ADMIN alone.
    static let administration: UInt64 = 1 << 21

    /// The number of `CAP_CHOWN`, or nil.
    package static func number(_ name: String) -> Int? {
        guard name.hasPrefix("CAP_") else { return nil }
        return names.firstIndex(of: String(name.dropFirst(4)))
    }

    /// The names in a set, for people.
    package static func names(in set: UInt64) -> [String] {
        (0..<64).filter { set >> UInt64($0) & 1 == 1 }.map { $0 < names.count ? "CAP_" + names[$0] : "CAP_\($0)" }
    }
}
