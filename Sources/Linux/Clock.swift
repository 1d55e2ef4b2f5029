internal import Glibc

/// Readings of the kernel's clocks. Wraps `clock_gettime(2)`.
package enum Clock {
    /// Nanoseconds since some moment, never set back: for durations.
    package static func monotonic() -> UInt64 { read(CLOCK_MONOTONIC) }
    /// Nanoseconds since the boot, time asleep included: for deadlines.
    package static func boot() -> UInt64 { read(CLOCK_BOOTTIME) }
    /// Nanoseconds since 1970 UTC.
    package static func wall() -> UInt64 { read(CLOCK_REALTIME) }
    /// Nanoseconds of processor time that this thread has used.
    package static func processor() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var t = timespec()
        clock_gettime(clock, &t)
        return UInt64(t.tv_sec) * 1_000_000_000 + UInt64(t.tv_nsec)
    }

    /// `nanoseconds` since 1970 as RFC 3339 in UTC with nine decimals: `2026-11-21T05:24:03.000000001Z`.
    package static func rfc3339(_ nanoseconds: UInt64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var t = tm()
        gmtime_r(&seconds, &t)
        func padded(_ n: some BinaryInteger, _ width: Int) -> String {
            let text = String(n)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let day = "\(t.tm_year + 1900)-\(padded(t.tm_mon + 1, 2))-\(padded(t.tm_mday, 2))"
        let time = "\(padded(t.tm_hour, 2)):\(padded(t.tm_min, 2)):\(padded(t.tm_sec, 2))"
        return "\(day)T\(time).\(padded(nanoseconds % 1_000_000_000, 9))Z"
    }
}
