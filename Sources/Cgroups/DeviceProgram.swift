/// The eBPF program of a rule list, for cgroup v2.
///
/// The kernel asks for a set of accesses to one node. The rules are tried from the last to the first; an allow rule takes
/// its accesses off those that are still undecided, and once none is left the answer is yes; a deny rule that meets an
/// undecided one answers no, and so does the end of the list. So each access is decided by the last rule that matches it.
///
/// A launch pays for each branch that the kernel verifies: what leads to the same answer jumps to it, a kind is asked for once
/// for all the rules in a row that are about it, and a node's two numbers are compared as one.
package enum DeviceProgram {
    /// The most rules that a program is made of: its jumps reach 32,767 instructions.
    static let limit = 4000

    /// The instructions for `rules`, `limit` at most, each the eight bytes of the kernel's `struct bpf_insn`.
    package static func instructions(for rules: [DeviceRule]) -> [UInt64] {
        var program = Assembly()
        // struct bpf_cgroup_dev_ctx: u32 access << 16 | kind, u32 major, u32 minor; r1 points to it
        program.add([
            .load(.kind, offset: 0), .move(.access, .kind), .and(.kind, 0xffff), .shiftRight(.access, 16),
            .load(.major, offset: 4), .load(.minor, offset: 8),
            .move(.number, .major), .shiftLeft(.number, 20), .or(.number, .minor),
        ])
        var kind = DeviceRule.Kind.any
        var isDecided = false
        for rule in rules.reversed() {
            if rule.kind != kind {
                if kind != .any { program.place(.nextKind) }
                kind = rule.kind
                isDecided = false
                if kind != .any { program.jump(.ifNotEqual, .kind, kind.rawValue, to: .nextKind) }
            }
            // What can't be reached the kernel refuses.
            if isDecided { continue }
            add(rule, to: &program)
            isDecided = rule.major == nil && rule.minor == nil && rule.access == .all
            if isDecided, kind == .any { return program.finished(fallingThroughTo: nil) }
        }
        if kind != .any { program.place(.nextKind) }
        return program.finished(fallingThroughTo: .no)
    }

    /// A rule about the kind that is known here.
    private static func add(_ rule: DeviceRule, to program: inout Assembly) {
        let answer = rule.isAllowed ? Assembly.Label.yes : .no
        if rule.access == .all {
            switch (number(rule), rule.major, rule.minor) {
            case (let number?, _, _): program.jump(.ifEqual, .number, number, to: answer)
            case (nil, let major?, nil): program.jump(.ifEqual, .major, major, to: answer)
            case (nil, nil, let minor?): program.jump(.ifEqual, .minor, minor, to: answer)
            case (nil, nil, nil): program.jump(.always, .result, 0, to: answer)
            case (nil, let major?, let minor?):
                program.jump(.ifNotEqual, .major, major, to: .nextRule)
                program.jump(.ifEqual, .minor, minor, to: answer)
            }
        } else {
            if let number = number(rule) {
                program.jump(.ifNotEqual, .number, number, to: .nextRule)
            } else {
                if let major = rule.major { program.jump(.ifNotEqual, .major, major, to: .nextRule) }
                if let minor = rule.minor { program.jump(.ifNotEqual, .minor, minor, to: .nextRule) }
            }
            if rule.isAllowed {
                program.add([.and(.access, ~rule.access.rawValue)])
                program.jump(.ifEqual, .access, 0, to: .yes)
            } else {
                program.add([.move(.scratch, .access), .and(.scratch, rule.access.rawValue)])
                program.jump(.ifNotEqual, .scratch, 0, to: .no)
            }
        }
        program.place(.nextRule)
    }

    /// Both numbers in one, as the kernel has them: 12 and 20 bits. nil where there is one alone, or none that fits.
    private static func number(_ rule: DeviceRule) -> UInt32? {
        guard let major = rule.major, let minor = rule.minor, major < 1 << 12, minor < 1 << 20 else { return nil }
        return major << 20 | minor
    }
}

/// A program whose jumps are all forward, to places that become known later.
private struct Assembly {
    enum Label: Hashable { case yes, no, nextRule, nextKind }

    private var instructions: [Instruction] = []
    private var jumps: [(at: Int, to: Label)] = []

    mutating func add(_ more: [Instruction]) { instructions += more }

    mutating func jump(_ condition: Instruction.Condition, _ register: Register, _ value: UInt32, to label: Label) {
        jumps.append((instructions.count, label))
        instructions.append(.jump(condition, register, value))
    }

    /// The jumps to `label` so far lead here.
    mutating func place(_ label: Label) {
        let here = instructions.count
        for jump in jumps where jump.to == label { instructions[jump.at].offset = Int16(here - jump.at - 1) }
        jumps.removeAll { $0.to == label }
    }

    /// The program with its answers; `label` is given where it runs to its end, the first of them.
    mutating func finished(fallingThroughTo label: Label?) -> [UInt64] {
        let order: [Label] = label == .yes ? [.yes, .no] : [.no, .yes]
        for answer in order where answer == label || jumps.contains(where: { $0.to == answer }) {
            place(answer)
            add([.set(.result, answer == .yes ? 1 : 0), .exit])
        }
        return instructions.map(\.encoded)
    }
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
    case number = 7
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
    /// ALU | LSH | K
    static func shiftLeft(_ target: Register, _ bits: UInt32) -> Instruction {
        Instruction(code: 0x64, target: target, value: bits)
    }
    /// ALU | OR | X
    static func or(_ target: Register, _ source: Register) -> Instruction {
        Instruction(code: 0x4c, target: target, source: source)
    }
    /// JMP | JA, JMP32 | JEQ | K, JMP32 | JNE | K: device numbers use all 32 bits, and JMP would sign-extend the value.
    enum Condition: UInt8 { case always = 0x05, ifEqual = 0x16, ifNotEqual = 0x56 }
    static func jump(_ condition: Condition, _ target: Register, _ value: UInt32) -> Instruction {
        Instruction(code: condition.rawValue, target: target, value: value)
    }
    /// JMP | EXIT
    static let exit = Instruction(code: 0x95, target: .result)
}
