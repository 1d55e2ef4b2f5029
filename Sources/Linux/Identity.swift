internal import CLinux
internal import Glibc

/// What the calling process is and may do.
package enum Identity {
    /// Real user id: who called. Wraps getuid(2).
    package static var user: UInt32 { getuid() }

    /// Effective user id. Wraps geteuid(2).
    package static var effectiveUser: UInt32 { geteuid() }

    /// The process's own number.
    package static var process: Int32 { getpid() }

    /// Whether there is a process of that number, or one that has ended and is not waited for yet. Wraps kill(2).
    package static func exists(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno != ESRCH }

    /// The permitted capabilities, bit n for capability n. Wraps capget(2).
    package static func permittedCapabilities() throws(SystemError) -> UInt64 {
        var low: UInt32 = 0
        var high: UInt32 = 0
        _ = try check(clinux_capget_permitted(&low, &high), "capget", "")
        return UInt64(high) << 32 | UInt64(low)
    }

    /// From here on nobody but a host's root may look into this process: prctl(2), PR_SET_DUMPABLE.
    package static func hideMemory() { _ = clinux_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) }

    /// `CAP_LAST_CAP` of the running kernel: prctl(2), PR_CAPBSET_READ, which knows no number beyond it.
    package static var lastCapability: Int {
        var last = 40
        while last < 63, clinux_prctl(PR_CAPBSET_READ, UInt(last + 1), 0, 0, 0) >= 0 { last += 1 }
        while last > 0, clinux_prctl(PR_CAPBSET_READ, UInt(last), 0, 0, 0) < 0 { last -= 1 }
        return last
    }
}
