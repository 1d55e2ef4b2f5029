import Testing

@testable import Pods

struct IdleRuleTests {
    private let second: UInt64 = 1_000_000_000

    /// What each look at `(second, microseconds used)` says.
    private func looks(_ rule: IdleRule, _ at: [(UInt64, UInt64)], exempt: Set<UInt64> = []) -> [Bool] {
        var rule = rule
        return at.map { time, used in rule.look(at: time * second, used: used, isExempt: exempt.contains(time)) }
    }

    @Test("It is idle once it has used less than a fiftieth of a processor for the whole time")
    func limit() {
        let rule = IdleRule(limit: 400 * second, now: 1000 * second, used: 5_000_000)
        #expect(rule.interval == 60 * second && rule.next == 1060 * second)
        // Three seconds of a hundred, then one, then nothing.
        let at: [(UInt64, UInt64)] = [(1100, 8_000_000), (1200, 9_000_000), (1499, 9_000_000), (1500, 9_000_000)]
        #expect(looks(rule, at) == [false, false, false, true])
    }

    @Test("What exempts it counts as activity, and a counter that begins anew as none")
    func exempt() {
        let rule = IdleRule(limit: 2 * second, now: 0, used: 100)
        #expect(rule.interval == second / 2)
        #expect(looks(rule, [(5, 100), (6, 0), (7, 0)], exempt: [5]) == [false, false, true])
        #expect(looks(rule, [(5, 100)]) == [true])
        #expect(IdleRule(limit: 1, now: 0, used: 0).interval == second / 10)
    }
}
