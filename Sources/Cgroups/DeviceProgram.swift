/// The eBPF program of a rule list, for cgroup v2.
///
/// The kernel asks for a set of accesses to one node. The rules are tried from the last to the first; an allow rule takes
/// its accesses off those that are still undecided, and once none is left the answer is yes; a deny rule that meets an
/// undecided one answers no, and so does the end of the list. So each access is decided by the last rule that matches it.
package enum DeviceProgram {
    /// The instructions for `rules`, each the eight bytes of the kernel's `struct bpf_insn`.
    package static func instructions(for rules: [DeviceRule]) -> [UInt64] {
        // struct bpf_cgroup_dev_ctx: u32 access << 16 | kind, u32 major, u32 minor; r1 points to it
        var program: [Instruction] = [
            .load(.kind, offset: 0), .move(.access, .kind), .and(.kind, 0xffff), .shiftRight(.access, 16),
            .load(.major, offset: 4), .load(.minor, offset: 8),
        ]
        for rule in rules.reversed() {
            program += instructions(for: rule)
            // What follows could not be reached, and the verifier refuses such programs.
            if rule.coversEverything { return program.map(\.encoded) }
        }
        program += answer(false)
        return program.map(\.encoded)
    }

    private static func instructions(for rule: DeviceRule) -> [Instruction] {
        var decision: [Instruction] = []
        if rule.access == .all {
            decision = answer(rule.isAllowed)
        } else if rule.isAllowed {
            decision = [.and(.access, ~rule.access.rawValue), .jumpIfNotEqual(.access, 0, over: 2)] + answer(true)
        } else {
            decision = [
                .move(.scratch, .access), .and(.scratch, rule.access.rawValue), .jumpIfEqual(.scratch, 0, over: 2),
            ]
            decision += answer(false)
        }
        var tests: [(register: Register, value: UInt32)] = []
        if rule.kind != .any { tests.append((.kind, rule.kind.rawValue)) }
        if let major = rule.major { tests.append((.major, major)) }
        if let minor = rule.minor { tests.append((.minor, minor)) }
        let jumps = tests.enumerated().map { index, test in
            Instruction.jumpIfNotEqual(test.register, test.value, over: tests.count - 1 - index + decision.count)
        }
        return jumps + decision
    }

    private static func answer(_ allowed: Bool) -> [Instruction] { [.set(.result, allowed ? 1 : 0), .exit] }
}

/// What the program keeps in which register.
private enum Register: UInt8 {
    case result = 0
    case context = 1
    case kind = 2
    case access = 3
    case major = 4
    case minor = 5
    case scratch = 6
}

/// One eBPF instruction: Documentation/bpf/standardization/instruction-set.rst. Arithmetic is on 32 bits.
private struct Instruction {
    var code: UInt8
    var target: Register
    var source: Register = .result
    var offset: Int16 = 0
    var value: UInt32 = 0

    var encoded: UInt64 {
        // The two registers are bit fields; Linux on the machines that we know is little-endian.
        UInt64(code) | UInt64(source.rawValue << 4 | target.rawValue) << 8
            | UInt64(UInt16(bitPattern: offset)) << 16 | UInt64(value) << 32
    }

    /// LDX | MEM | W
    static func load(_ target: Register, offset: Int16) -> Instruction {
        Instruction(code: 0x61, target: target, source: .context, offset: offset)
    }
    /// ALU | MOV | X
    static func move(_ target: Register, _ source: Register) -> Instruction {
        Instruction(code: 0xbc, target: target, source: source)
    }
    /// ALU | AND | K
    static func and(_ target: Register, _ value: UInt32) -> Instruction {
        Instruction(code: 0x54, target: target, value: value)
    }
    /// ALU | RSH | K
    static func shiftRight(_ target: Register, _ bits: UInt32) -> Instruction {
        Instruction(code: 0x74, target: target, value: bits)
    }
    /// ALU64 | MOV | K
    static func set(_ target: Register, _ value: UInt32) -> Instruction {
        Instruction(code: 0xb7, target: target, value: value)
    }
    /// JMP32 | JNE | K: device numbers use all 32 bits, and JMP would sign-extend the value.
    static func jumpIfNotEqual(_ target: Register, _ value: UInt32, over count: Int) -> Instruction {
        Instruction(code: 0x56, target: target, offset: Int16(count), value: value)
    }
    /// JMP32 | JEQ | K
    static func jumpIfEqual(_ target: Register, _ value: UInt32, over count: Int) -> Instruction {
        Instruction(code: 0x16, target: target, offset: Int16(count), value: value)
    }
    /// JMP | EXIT
    static let exit = Instruction(code: 0x95, target: .result)
}
