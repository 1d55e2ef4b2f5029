/// One probe of a container that runs: when it is carried out next, and what it has come to. Times in nanoseconds of
/// `CLOCK_BOOTTIME`. It begins anew with each life of the container, and with each supervisor.
struct ProbeLife: Hashable, Sendable {
    enum Kind: Int, Hashable, Sendable, CaseIterable {
        case startup, readiness, liveness
    }

    /// What a result means.
    enum Verdict: Hashable, Sendable {
        case passed, failed
    }

    let probe: Probe
    /// When it begins next; nil: it is being carried out.
    private(set) var nextAt: UInt64?
    /// When the one that is being carried out has taken too long.
    private(set) var timeoutAt: UInt64?
    private var begunAt: UInt64 = 0
    private(set) var successes = 0
    private(set) var failures = 0

    private static let second: UInt64 = 1_000_000_000

    /// Of a container that began at `start`.
    init(_ probe: Probe, start: UInt64, now: UInt64) {
        self.probe = probe
        nextAt = max(start &+ probe.initialDelay &* ProbeLife.second, now)
    }

    /// When there is something to do.
    var wake: UInt64? { nextAt ?? timeoutAt }

    mutating func begin(at now: UInt64) {
        (nextAt, begunAt) = (nil, now)
        timeoutAt = now &+ probe.timeout &* ProbeLife.second
    }

    /// nil: there have not been enough of them in a row.
    mutating func end(success: Bool, at now: UInt64) -> Verdict? {
        timeoutAt = nil
        nextAt = max(begunAt &+ probe.period &* ProbeLife.second, now)
        if success {
            (successes, failures) = (successes + 1, 0)
            return successes >= probe.successThreshold ? .passed : nil
        }
        (successes, failures) = (0, failures + 1)
        return failures >= probe.failureThreshold ? .failed : nil
    }
}
