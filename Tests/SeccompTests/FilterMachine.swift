import Seccomp

/// A classic BPF machine, as far as filters of system calls use it: what the kernel would say, without a kernel.
struct FilterMachine {
    let program: [FilterInstruction]

    init(_ program: SeccompProgram) {
        self.program = FilterInstruction.all(in: program.bytes)
    }

    /// The verdict on call `number` of `architecture` (an audit value); nil if the program runs out or is malformed.
    func verdict(_ number: UInt32, _ architecture: UInt32, _ arguments: [UInt64] = []) -> SeccompAction? {
        run(number, architecture, arguments)?.action
    }

    /// The verdict, and how many instructions it took.
    func run(_ number: UInt32, _ architecture: UInt32, _ arguments: [UInt64] = []) -> (
        action: SeccompAction, steps: Int
    )? {
        var data = [UInt32](repeating: 0, count: 16)
        data[0] = number
        data[1] = architecture
        for (index, argument) in arguments.enumerated() {
            data[4 + 2 * index] = UInt32(truncatingIfNeeded: argument)
            data[5 + 2 * index] = UInt32(truncatingIfNeeded: argument >> 32)
        }
        var (accumulator, at, steps): (UInt32, Int, Int) = (0, 0, 0)
        var scratch = [UInt32](repeating: 0, count: 16)
        while at < program.count {
            let now = program[at]
            at += 1
            steps += 1
            func branch(_ condition: Bool) { at += Int(condition ? now.jumpTrue : now.jumpFalse) }
            switch now.code {
            case FilterCode.load: accumulator = data[Int(now.operand) / 4]
            case FilterCode.and: accumulator &= now.operand
            case FilterCode.store: scratch[Int(now.operand)] = accumulator
            case FilterCode.loadScratch: accumulator = scratch[Int(now.operand)]
            case FilterCode.jump: at += Int(now.operand)
            case FilterCode.jumpIfEqual: branch(accumulator == now.operand)
            case FilterCode.jumpIfGreater: branch(accumulator > now.operand)
            case FilterCode.jumpIfGreaterOrEqual: branch(accumulator >= now.operand)
            case FilterCode.jumpIfAnySet: branch(accumulator & now.operand != 0)
            case FilterCode.return: return (SeccompAction(returnValue: now.operand), steps)
            default: return nil
            }
        }
        return nil
    }

    /// The verdict on the call `name`.
    func verdict(
        _ name: String, _ arguments: [UInt64] = [], on architecture: SeccompArchitecture = .x86_64
    ) -> SeccompAction? {
        guard let number = architecture.number(of: name), number >= 0 else { return nil }
        return verdict(UInt32(number), architecture.auditValue, arguments)
    }
}
