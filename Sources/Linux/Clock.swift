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
        // gmtime(3) would read the time zone's file first, and each launch writes two of these.
        let seconds = nanoseconds / 1_000_000_000
        let date = civilDate(daysSince1970: seconds / 86400)
        var text: [UInt8] = []
        func append(_ n: UInt64, digits: Int, then end: Character) {
            let number = String(n).utf8
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, digits - number.count)))
            text.append(contentsOf: number)
            text.append(contentsOf: end.utf8)
        }
        append(date.year, digits: 4, then: "-")
        append(date.month, digits: 2, then: "-")
        append(date.day, digits: 2, then: "T")
        append(seconds / 3600 % 24, digits: 2, then: ":")
        append(seconds / 60 % 60, digits: 2, then: ":")
        append(seconds % 60, digits: 2, then: ".")
        append(nanoseconds % 1_000_000_000, digits: 9, then: "Z")
        return String(decoding: text, as: UTF8.self)
    }

    /// The Gregorian date of a day. Years are counted from March, so that the day that comes and goes is the last, and
    /// in eras of 400, which all have 146097 days.
    private static func civilDate(daysSince1970 days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let sinceMarch0 = days + 719_468
        let ofEra = sinceMarch0 % 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let fromMarch = (5 * ofYear + 2) / 153
        let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        let year = yearOfEra + sinceMarch0 / 146_097 * 400 + (month <= 2 ? 1 : 0)
        return (year, month, ofYear - (153 * fromMarch + 2) / 5 + 1)
    }
}
