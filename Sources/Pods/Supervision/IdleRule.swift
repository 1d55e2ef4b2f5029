/// When a container counts as idle: for a time, its processes have used next to nothing of a processor.
struct IdleRule: Hashable, Sendable {
    /// From the last look at which it did something, in nanoseconds.
    let limit: UInt64
    /// Between two looks.
    let interval: UInt64
    /// Nanoseconds of CLOCK_BOOTTIME.
    private var lookedAt: UInt64
    private var activeAt: UInt64
    /// Of its processes together, in microseconds.
    private var used: UInt64

    /// Below two hundredths of a processor between two looks it does nothing.
    private static let share: UInt64 = 50
    private static let longestInterval: UInt64 = 60_000_000_000
    private static let shortestInterval: UInt64 = 100_000_000

    /// It counts as active at the beginning.
    init(limit: UInt64, now: UInt64, used: UInt64) {
        self.limit = limit
        interval = min(max(limit / 4, IdleRule.shortestInterval), IdleRule.longestInterval)
        (lookedAt, activeAt, self.used) = (now, now, used)
    }

    /// Whether it has been idle for the time. `isExempt` counts as activity.
    mutating func look(at now: UInt64, used: UInt64, isExempt: Bool) -> Bool {
        let time = (used &- min(used, self.used)) &* 1000
        if isExempt || time >= (now &- lookedAt) / IdleRule.share { activeAt = now }
        (lookedAt, self.used) = (now, used)
        return now &- activeAt >= limit
    }

    /// When the next look is due.
    var next: UInt64 { lookedAt &+ interval }
}
