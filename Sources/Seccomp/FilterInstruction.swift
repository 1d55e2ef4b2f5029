/// One instruction of a classic BPF program, `struct sock_filter` of `<linux/filter.h>`: eight bytes.
package struct FilterInstruction: Hashable, Sendable {
    /// Class, size, mode or operation.
    package let code: UInt16
    /// Of a conditional jump, how many instructions to skip if the condition holds.
    package let jumpTrue: UInt8
    /// And how many if it does not.
    package let jumpFalse: UInt8
    /// The operand.
    package let operand: UInt32

    /// The size in memory.
    package static let size = 8

    /// Puts an instruction together.
    package init(_ code: UInt16, _ operand: UInt32, jumpTrue: UInt8 = 0, jumpFalse: UInt8 = 0) {
        self.code = code
        self.operand = operand
        self.jumpTrue = jumpTrue
        self.jumpFalse = jumpFalse
    }

    // The kernel reads programs in its own byte order; both architectures that we build for are little-endian.
    init(bytes: UnsafeRawPointer) {
        code = bytes.loadUnaligned(as: UInt16.self)
        jumpTrue = (bytes + 2).load(as: UInt8.self)
        jumpFalse = (bytes + 3).load(as: UInt8.self)
        operand = (bytes + 4).loadUnaligned(as: UInt32.self)
    }

    /// The instructions that `bytes` hold.
    package static func all(in bytes: [UInt8]) -> [FilterInstruction] {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return [] }
            return (0..<buffer.count / size).map { FilterInstruction(bytes: base + $0 * size) }
        }
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: code))
        bytes.append(UInt8(truncatingIfNeeded: code >> 8))
        bytes.append(jumpTrue)
        bytes.append(jumpFalse)
        for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: operand >> shift)) }
    }
}

/// The instruction codes that filters of system calls use: those that the kernel's `seccomp_check_filter` lets pass,
/// named as in `<linux/bpf_common.h>`.
package enum FilterCode {
    /// `BPF_LD | BPF_W | BPF_ABS`: a word of `struct seccomp_data` into the accumulator.
    package static let load: UInt16 = 0x20
    /// `BPF_ALU | BPF_AND | BPF_K`.
    package static let and: UInt16 = 0x54
    /// `BPF_JMP | BPF_JA`: a jump of any length.
    package static let jump: UInt16 = 0x05
    /// `BPF_JMP | BPF_JEQ | BPF_K`.
    package static let jumpIfEqual: UInt16 = 0x15
    /// `BPF_JMP | BPF_JGT | BPF_K`.
    package static let jumpIfGreater: UInt16 = 0x25
    /// `BPF_JMP | BPF_JGE | BPF_K`.
    package static let jumpIfGreaterOrEqual: UInt16 = 0x35
    /// `BPF_JMP | BPF_JSET | BPF_K`.
    package static let jumpIfAnySet: UInt16 = 0x45
    /// `BPF_RET | BPF_K`.
    package static let `return`: UInt16 = 0x06
    /// `BPF_ST`, `BPF_LD | BPF_MEM`: the accumulator to and from one of sixteen words of scratch memory.
    package static let store: UInt16 = 0x02
    package static let loadScratch: UInt16 = 0x60
}

/// `struct seccomp_data` of `<linux/seccomp.h>`, what a filter sees of a call.
package enum FilterData {
    /// Where the call's number is.
    package static let number: UInt32 = 0
    /// Where the `AUDIT_ARCH_` value is.
    package static let architecture: UInt32 = 4
    /// The size in bytes; six arguments of 64 bits end it.
    package static let size: UInt32 = 64
}

/// Whether `bytes` are a program that the kernel would take: whole instructions, at most `BPF_MAXINSNS` (4096), only
/// the codes above, every jump forward and inside, every load inside the data, and a return at the end.
package func isSoundFilter(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress, bytes.count % FilterInstruction.size == 0 else { return false }
    let count = bytes.count / FilterInstruction.size
    guard count > 0, count <= 4096 else { return false }
    for index in 0..<count {
        let instruction = FilterInstruction(bytes: base + index * FilterInstruction.size)
        let rest = count - index - 1
        switch instruction.code {
        case FilterCode.load:
            guard instruction.operand % 4 == 0, instruction.operand < FilterData.size else { return false }
        case FilterCode.store, FilterCode.loadScratch:
            guard instruction.operand < 16 else { return false }
        case FilterCode.jump:
            guard Int(instruction.operand) < rest else { return false }
        case FilterCode.jumpIfEqual, FilterCode.jumpIfGreater, FilterCode.jumpIfGreaterOrEqual, FilterCode.jumpIfAnySet:
            guard Int(instruction.jumpTrue) < rest, Int(instruction.jumpFalse) < rest else { return false }
        case FilterCode.and, FilterCode.return:
            break
        default:
            return false
        }
    }
    let last = FilterInstruction(bytes: base + (count - 1) * FilterInstruction.size)
    return last.code == FilterCode.return
}
