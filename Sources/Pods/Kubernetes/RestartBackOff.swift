internal import OCI

/// How long a container waits until it is begun again, as kubelet has it: not at all after the first end, then 10 s, and each
/// time twice as long, up to 300 s; anew after an end that comes more than 10 minutes after the one before. Times in
/// nanoseconds of `CLOCK_BOOTTIME`.
struct RestartBackOff: Hashable, Sendable {
    static let first: UInt64 = 10_000_000_000
    static let most: UInt64 = 300_000_000_000
    static let reset: UInt64 = 600_000_000_000

    /// What the next end comes to; 0: none has come yet.
    private(set) var delay: UInt64 = 0
    /// Of the last end.
    private(set) var last: UInt64 = 0

    init() {}

    /// An end at `now`: what is to be waited for from then on.
    mutating func next(at now: UInt64) -> UInt64 {
        if now &- last > RestartBackOff.reset { delay = 0 }
        let wait = delay
        delay = delay == 0 ? RestartBackOff.first : min(2 * delay, RestartBackOff.most)
        last = now
        return wait
    }

    init(_ json: JSON) throws(JSONError) {
        delay = try json["delay"]?.integer(UInt64.self) ?? 0
        last = try json["last"]?.integer(UInt64.self) ?? 0
    }

    var json: JSON.Value { .object([("delay", .unsigned(delay)), ("last", .unsigned(last))]) }
}
