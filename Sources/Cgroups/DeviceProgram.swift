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
        program.add(.load(.kind, offset: 0))
        program.add(.move(.access, .kind))
        program.add(.and(.kind, 0xffff))
        program.add(.shiftRight(.access, 16))
        program.add(.load(.major, offset: 4))
        program.add(.load(.minor, offset: 8))
        program.add(.move(.number, .major))
        program.add(.shiftLeft(.number, 20))
        program.add(.or(.number, .minor))
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
            if isDecided, kind == .any { return program.finished(isDecided: true) }
        }
        if kind != .any { program.place(.nextKind) }
        return program.finished(isDecided: false)
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
                program.add(.and(.access, ~rule.access.rawValue))
                program.jump(.ifEqual, .access, 0, to: .yes)
            } else {
                program.add(.move(.scratch, .access))
                program.add(.and(.scratch, rule.access.rawValue))
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
    enum Label { case yes, no, nextRule, nextKind }

    // Arrays of types that a launch has anyway: each further one costs it the making of its metadata.
    private var instructions: [UInt64] = []
    /// For each label where the jumps to it stand.
    private var yes: [UInt64] = [], no: [UInt64] = [], nextRule: [UInt64] = [], nextKind: [UInt64] = []

    mutating func add(_ instruction: Instruction) { instructions.append(instruction.encoded) }

    mutating func jump(_ condition: Instruction.Condition, _ register: Register, _ value: UInt32, to label: Label) {
        let here = UInt64(instructions.count)
        switch label {
        case .yes: yes.append(here)
        case .no: no.append(here)
        case .nextRule: nextRule.append(here)
        case .nextKind: nextKind.append(here)
        }
        add(.jump(condition, register, value))
    }

    /// The jumps to `label` so far lead here.
    mutating func place(_ label: Label) {
        switch label {
        case .yes: Assembly.lead(&yes, to: instructions.count, in: &instructions)
        case .no: Assembly.lead(&no, to: instructions.count, in: &instructions)
        case .nextRule: Assembly.lead(&nextRule, to: instructions.count, in: &instructions)
        case .nextKind: Assembly.lead(&nextKind, to: instructions.count, in: &instructions)
        }
    }

    private static func lead(_ jumps: inout [UInt64], to here: Int, in instructions: inout [UInt64]) {
        for jump in jumps { instructions[Int(jump)] |= (UInt64(here) - jump - 1) << Instruction.offsetShift }
        jumps = []
    }

    /// The program with the answers that can be reached; what is undecided at its end is denied.
    mutating func finished(isDecided: Bool) -> [UInt64] {
        if !isDecided || !no.isEmpty { answer(.no) }
        if !yes.isEmpty { answer(.yes) }
        return instructions
    }

    private mutating func answer(_ label: Label) {
        place(label)
        add(.set(.result, label == .yes ? 1 : 0))
        add(.exit)
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

    /// Where the offset of a jump stands.
    static let offsetShift: UInt64 = 16

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
