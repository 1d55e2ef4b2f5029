/// A filter rewritten to the same verdicts in fewer instructions.
///
/// Loading a filter is on the path of every launch, and its price is the kernel's translation of each instruction and its
/// trial run for each call number: for the default profile on x86-64 0.83 ms as libseccomp's list (1011 instructions),
/// 0.35 as its tree (1256), 0.09 as written here (246). For neighbouring numbers mostly have one verdict. So the program
/// is run for each architecture and for one number of each interval that its comparisons can tell apart; numbers whose
/// verdict doesn't depend on arguments become a search over runs of equal verdicts, and the others lead to the part of
/// the program that looks at arguments, which is copied as it is.
///
/// Nothing is assumed of the form of the program: where it does what this does not follow, it is left as it is.
struct FilterCompaction {
    private typealias Outcome = VerdictSearch.Outcome
    private typealias Line = VerdictSearch.Line

    private let program: [FilterInstruction]

    /// The program that says the same as `program` if it is shorter, else `program`; `architectures` are the audit values
    /// that it treats apart.
    static func compacted(_ program: [FilterInstruction], architectures: [UInt32]) -> [FilterInstruction] {
        guard let shorter = FilterCompaction(program: program).rewritten(architectures), shorter.count < program.count
        else { return program }
        return shorter
    }

    private func rewritten(_ architectures: [UInt32]) -> [FilterInstruction]? {
        // Values of the architecture that no comparison names share one verdict; this one stands for them.
        let foreign = (UInt32(0)...).first { value in !program.contains { $0.operand == value } && value & 1 << 30 == 0
        }
        guard let foreign, case .verdict(let otherwise)? = run(foreign, 0) else { return nil }
        let numbers = representatives
        guard numbers.allSatisfy({ run(foreign, $0) == .verdict(otherwise) }) else { return nil }

        var lines: [Line] = [.instruction(FilterInstruction(FilterCode.load, FilterData.architecture))]
        var blocks: [Int] = []
        for architecture in architectures {
            var outcomes: [(number: UInt32, outcome: Outcome)] = []
            for number in numbers {
                guard let outcome = run(architecture, number) else { return nil }
                if outcomes.last?.outcome != outcome { outcomes.append((number, outcome)) }
                if case .block(let start) = outcome, !blocks.contains(start) { blocks.append(start) }
            }
            guard let search = search(outcomes) else { return nil }
            if let rest = UInt8(exactly: search.count + 1) {
                let isOwn = FilterInstruction(FilterCode.jumpIfEqual, architecture, jumpFalse: rest)
                lines.append(.instruction(isOwn))
            } else {
                lines.append(.instruction(FilterInstruction(FilterCode.jumpIfEqual, architecture, jumpTrue: 1)))
                lines.append(.instruction(FilterInstruction(FilterCode.jump, UInt32(search.count + 1))))
            }
            lines.append(.instruction(FilterInstruction(FilterCode.load, FilterData.number)))
            lines += search
        }
        lines.append(.instruction(FilterInstruction(FilterCode.return, otherwise)))
        return linked(lines, blocks)
    }

    /// The code for one architecture, whose numbers from each of `outcomes` to the next have that: either over all numbers,
    /// or over the native ones, with those of x32 before it, of which most fare as the native ones do.
    private func search(_ outcomes: [(number: UInt32, outcome: Outcome)]) -> [Line]? {
        let whole = VerdictSearch.lines(outcomes.map { VerdictSearch.Run(start: $0.number, outcomes: [$0.outcome]) })
        guard let (native, others) = divided(outcomes), let below = VerdictSearch.lines(native),
            let above = VerdictSearch.lines(others), let skipped = UInt8(exactly: above.count),
            above.count + below.count + 1 < whole?.count ?? .max
        else { return whole }
        let x32 = FilterInstruction(
            FilterCode.jumpIfGreaterOrEqual, SeccompArchitecture.x32Bit, jumpFalse: skipped)
        return [.instruction(x32)] + above + below
    }

    /// The numbers below x32's bit, and those from it on; nil if there are none of the former.
    private func divided(
        _ outcomes: [(number: UInt32, outcome: Outcome)]
    ) -> (native: [VerdictSearch.Run], others: [VerdictSearch.Run])? {
        let bit = SeccompArchitecture.x32Bit
        func outcome(_ number: UInt32) -> Outcome? { outcomes.last { $0.number <= number }?.outcome }
        let native = outcomes.filter { $0.number < bit }
        let bounds = Set(native.map { $0.number | bit } + outcomes.map(\.number).filter { $0 >= bit } + [bit])
        var others: [VerdictSearch.Run] = []
        for start in bounds.sorted() {
            guard let own = outcome(start), let plain = outcome(start & ~bit) else { return nil }
            let choice = start < 2 * bit && own == plain ? [.native, own] : [own]
            if others.last?.outcomes != choice { others.append(VerdictSearch.Run(start: start, outcomes: choice)) }
        }
        return (native.map { VerdictSearch.Run(start: $0.number, outcomes: [$0.outcome]) }, others)
    }

    /// One number of each interval in which no comparison of the program can tell two numbers apart, ascending from 0.
    private var representatives: [UInt32] {
        // Besides equality and order there is the test of x32's bit; `run` refuses tests of other bits.
        var points: Set<UInt32> = [0, 1 << 30, 2 << 30, 3 << 30]
        for instruction in program where instruction.code != FilterCode.return {
            points.insert(instruction.operand)
            if instruction.operand < .max { points.insert(instruction.operand + 1) }
        }
        return points.sorted()
    }

    /// What `number` on `architecture` comes to; nil if the program computes with them in a way not followed here.
    private func run(_ architecture: UInt32, _ number: UInt32) -> Outcome? {
        var (accumulator, at): (UInt32?, Int) = (nil, 0)
        // Of the architecture only equality is followed: else other foreign values could fare differently.
        var comparesNumber = false
        while at < program.count {
            let now = program[at]
            func branch(_ condition: Bool) { at += 1 + Int(condition ? now.jumpTrue : now.jumpFalse) }
            switch (now.code, accumulator) {
            case (FilterCode.load, _):
                switch now.operand {
                case FilterData.number: accumulator = number
                case FilterData.architecture: accumulator = architecture
                default: return .block(at)
                }
                comparesNumber = now.operand == FilterData.number
                at += 1
            case (FilterCode.jump, _): at += 1 + Int(now.operand)
            case (FilterCode.jumpIfEqual, let value?): branch(value == now.operand)
            case (FilterCode.jumpIfGreater, let value?) where comparesNumber: branch(value > now.operand)
            case (FilterCode.jumpIfGreaterOrEqual, let value?) where comparesNumber: branch(value >= now.operand)
            case (FilterCode.jumpIfAnySet, let value?) where comparesNumber:
                guard now.operand == SeccompArchitecture.x32Bit else { return nil }
                branch(value & now.operand != 0)
            case (FilterCode.return, _): return .verdict(now.operand)
            default: return nil
            }
        }
        return nil
    }

    /// `lines` with the blocks behind them and the jumps to blocks filled in.
    private func linked(_ lines: [Line], _ blocks: [Int]) -> [FilterInstruction]? {
        var places: [Int: Int] = [:]
        var tail: [FilterInstruction] = []
        for start in blocks {
            places[start] = lines.count + tail.count
            guard let block = block(start) else { return nil }
            tail += block
        }
        var result: [FilterInstruction] = []
        for (index, line) in lines.enumerated() {
            switch line {
            case .instruction(let instruction): result.append(instruction)
            case .block(let start):
                guard let place = places[start] else { return nil }
                result.append(FilterInstruction(FilterCode.jump, UInt32(place - index - 1)))
            }
        }
        return result + tail
    }

    /// What can be reached from the instruction at `start`, in its order. Jumps go forward only, so what lies between two
    /// instructions never grows, and no jump becomes too long.
    private func block(_ start: Int) -> [FilterInstruction]? {
        var reached: Set<Int> = []
        var open = [start]
        while let at = open.popLast() {
            guard at < program.count else { return nil }
            if reached.insert(at).inserted { open += successors(at) }
        }
        let order = reached.sorted()
        var places: [Int: Int] = [:]
        for (place, at) in order.enumerated() { places[at] = place }
        var result: [FilterInstruction] = []
        for (place, at) in order.enumerated() {
            let now = program[at]
            let distances = successors(at).map { (places[$0] ?? 0) - place - 1 }
            switch (now.code, distances.count) {
            case (FilterCode.jump, _): result.append(FilterInstruction(now.code, UInt32(distances[0])))
            case (_, 2):
                result.append(
                    FilterInstruction(
                        now.code, now.operand, jumpTrue: UInt8(distances[0]), jumpFalse: UInt8(distances[1])))
            default: result.append(now)
            }
        }
        return result
    }

    private func successors(_ at: Int) -> [Int] {
        let now = program[at]
        switch now.code {
        case FilterCode.return: return []
        case FilterCode.jump: return [at + 1 + Int(now.operand)]
        case FilterCode.jumpIfEqual, FilterCode.jumpIfGreater, FilterCode.jumpIfGreaterOrEqual, FilterCode.jumpIfAnySet:
            return [at + 1 + Int(now.jumpTrue), at + 1 + Int(now.jumpFalse)]
        default: return [at + 1]
        }
    }
}
