/// The code that finds what becomes of a call's number, in few comparisons.
///
/// Each instruction is translated at every launch, so their number counts first. A run of one number amid another outcome
/// takes one comparison with that number, where leaving it out of a search over intervals would take two. Then the kernel
/// tries each number of its own once (`seccomp_cache_prepare`), so the searches halve those.
struct VerdictSearch {
    /// What becomes of a number.
    enum Outcome: Hashable {
        /// Decided.
        case verdict(UInt32)
        /// Up to the code at this index of the old program, which begins by loading an argument.
        case block(Int)
        /// What becomes of the number without x32's bit; the code for that follows at once.
        case native
    }

    /// The numbers from `start` to the next run's: any of `outcomes` will do for them.
    struct Run {
        let start: UInt32
        var outcomes: [Outcome]
    }

    /// An instruction, or a jump to a block whose place is not known yet.
    enum Line { case instruction(FilterInstruction), block(Int) }

    /// Of the accumulator, with a line for each outcome behind the comparisons; nil if a jump is too far for its eight bits.
    static func lines(_ runs: [Run]) -> [Line]? {
        let tree = branches(intervals(runs)[...], below: .max)
        return written(tree.branches, from: tree.entry)
    }

    // MARK: Intervals

    /// Numbers from `start` on that have `outcome`, but for some.
    private struct Interval {
        let start: UInt32
        let outcome: Outcome
        var exceptions: [(number: UInt32, outcome: Outcome)] = []
    }

    /// What was decided for a run, after all that was decided for those before it.
    private struct Step {
        let previous: Int?
        let run: Int
        let outcome: Outcome
        let isException: Bool
    }

    /// The runs as intervals: of all ways the one with the fewest comparisons, an exception counting as much as a bound.
    private static func intervals(_ runs: [Run]) -> [Interval] {
        // Of those for each outcome that the last interval may have, the cheapest: more than some lead nowhere, and a profile may
        // have a verdict for each call.
        let most = 16
        var steps: [Step] = []
        var ways: [(cost: Int, outcome: Outcome, last: Int)] = []
        for (index, run) in runs.enumerated() {
            var next: [(cost: Int, outcome: Outcome, step: Step)] = []
            func offer(_ cost: Int, in outcome: Outcome, after last: Int?, _ own: Outcome, isException: Bool = false) {
                let step = Step(previous: last, run: index, outcome: own, isException: isException)
                guard let same = next.firstIndex(where: { $0.outcome == outcome }) else {
                    return next.append((cost, outcome, step))
                }
                if cost < next[same].cost { next[same] = (cost, outcome, step) }
            }
            if ways.isEmpty { for outcome in run.outcomes { offer(0, in: outcome, after: nil, outcome) } }
            let isSingle = index + 1 < runs.count && runs[index + 1].start == run.start + 1
            for way in ways {
                for outcome in run.outcomes {
                    offer(way.cost + (outcome == way.outcome ? 0 : 1), in: outcome, after: way.last, outcome)
                }
                if isSingle, let own = run.outcomes.first {
                    offer(way.cost + 1, in: way.outcome, after: way.last, own, isException: true)
                }
            }
            if next.count > most { next = Array(next.sorted { $0.cost < $1.cost }.prefix(most)) }
            ways = next.map { way in
                steps.append(way.step)
                return (way.cost, way.outcome, steps.count - 1)
            }
        }
        return intervals(runs, steps, from: ways.min { $0.cost < $1.cost }?.last)
    }

    /// Of the steps that end with `last`.
    private static func intervals(_ runs: [Run], _ steps: [Step], from last: Int?) -> [Interval] {
        var way: [Step] = []
        var at = last
        while let index = at {
            way.append(steps[index])
            at = steps[index].previous
        }
        var intervals: [Interval] = []
        for step in way.reversed() {
            let start = runs[step.run].start
            if step.isException, !intervals.isEmpty {
                intervals[intervals.count - 1].exceptions.append((start, step.outcome))
            } else if intervals.last?.outcome != step.outcome {
                intervals.append(Interval(start: start, outcome: step.outcome))
            }
        }
        return intervals
    }

    // MARK: Comparisons

    /// Where a comparison leads: past so many of those behind it, or out.
    private enum Target { case next(Int), leaf(Outcome) }

    private struct Branch {
        let code: UInt16
        let operand: UInt32
        let ifTrue: Target
        let ifFalse: Target
    }

    /// `end` is where the last interval ends.
    private static func branches(
        _ intervals: ArraySlice<Interval>, below end: UInt32
    ) -> (entry: Target, branches: [Branch]) {
        guard let first = intervals.first else { return (.next(0), []) }
        if intervals.count == 1 {
            if let halves = halves(first) { return branches(halves[...], below: end) }
            return chain(first)
        }
        let middle = middle(intervals, below: end)
        let bound = intervals[middle].start
        let low = branches(intervals[..<middle], below: bound)
        let high = branches(intervals[middle...], below: end)
        var ifTrue = high.entry
        if case .next = ifTrue { ifTrue = .next(low.branches.count) }
        let branch = Branch(
            code: FilterCode.jumpIfGreaterOrEqual, operand: bound, ifTrue: ifTrue, ifFalse: low.entry)
        return (.next(0), [branch] + low.branches + high.branches)
    }

    /// The comparisons with an interval's exceptions.
    private static func chain(_ interval: Interval) -> (entry: Target, branches: [Branch]) {
        var branches: [Branch] = []
        for (number, outcome) in interval.exceptions.reversed() {
            branches.insert(
                Branch(
                    code: FilterCode.jumpIfEqual, operand: number, ifTrue: .leaf(outcome),
                    ifFalse: branches.isEmpty ? .leaf(interval.outcome) : .next(0)), at: 0)
        }
        return (branches.isEmpty ? .leaf(interval.outcome) : .next(0), branches)
    }

    /// Of an interval whose exceptions would be a long way for each of its numbers: one more comparison halves it.
    private static func halves(_ interval: Interval) -> [Interval]? {
        let most = 6
        guard interval.exceptions.count > most else { return nil }
        var low = interval
        let high = low.exceptions[(low.exceptions.count / 2)...]
        low.exceptions.removeLast(high.count)
        return [
            low, Interval(start: high[high.startIndex].number, outcome: interval.outcome, exceptions: Array(high)),
        ]
    }

    /// The bound that halves the numbers which the kernel tries, and where there are none of them the intervals.
    private static func middle(_ intervals: ArraySlice<Interval>, below end: UInt32) -> Int {
        // The kernel's own numbers end below that, on every architecture.
        let tried: UInt32 = 512
        let each = 4
        func weight(_ index: Int) -> Int {
            let next = index + 1 < intervals.endIndex ? intervals[index + 1].start : end
            return each + Int(min(next, tried) - min(intervals[index].start, tried))
        }
        let whole = intervals.indices.map(weight).reduce(0, +)
        var (before, best, distance) = (0, intervals.startIndex + 1, Int.max)
        for index in intervals.indices.dropLast() {
            before += weight(index)
            if abs(2 * before - whole) < distance { (best, distance) = (index + 1, abs(2 * before - whole)) }
        }
        return best
    }

    // MARK: Code

    private static func written(_ branches: [Branch], from entry: Target) -> [Line]? {
        var leaves: [Outcome] = []
        func note(_ target: Target) {
            if case .leaf(let outcome) = target, !leaves.contains(outcome) { leaves.append(outcome) }
        }
        note(entry)
        for branch in branches {
            note(branch.ifTrue)
            note(branch.ifFalse)
        }
        // What follows at once is the last.
        if let native = leaves.firstIndex(of: .native) { leaves.append(leaves.remove(at: native)) }
        var lines: [Line] = []
        for (index, branch) in branches.enumerated() {
            func distance(_ target: Target) -> UInt8? {
                switch target {
                case .next(let skipped): return UInt8(exactly: skipped)
                case .leaf(let outcome):
                    guard let place = leaves.firstIndex(of: outcome) else { return nil }
                    return UInt8(exactly: branches.count - index - 1 + place)
                }
            }
            guard let yes = distance(branch.ifTrue), let no = distance(branch.ifFalse) else { return nil }
            lines.append(
                .instruction(FilterInstruction(branch.code, branch.operand, jumpTrue: yes, jumpFalse: no)))
        }
        for leaf in leaves {
            switch leaf {
            case .verdict(let value): lines.append(.instruction(FilterInstruction(FilterCode.return, value)))
            case .block(let start): lines.append(.block(start))
            case .native:
                lines.append(.instruction(FilterInstruction(FilterCode.and, ~SeccompArchitecture.x32Bit)))
            }
        }
        return lines
    }
}
