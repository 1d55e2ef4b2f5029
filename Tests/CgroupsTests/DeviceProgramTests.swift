import Linux
import Testing

@testable import Cgroups

struct DeviceProgramTests {
    /// Runs `program` as the kernel would for a request; only what the generator emits is understood.
    static func run(_ program: [UInt64], _ kind: UInt32, _ major: UInt32, _ minor: UInt32, _ access: UInt32) -> Bool? {
        var r = [UInt32](repeating: 0, count: 11)
        let context = [access << 16 | kind, major, minor]
        var at = 0
        while at < program.count {
            let i = program[at]
            let target = Int(i >> 8 & 15), source = Int(i >> 12 & 15)
            let offset = Int(Int16(truncatingIfNeeded: i >> 16)), value = UInt32(i >> 32)
            at += 1
            switch i & 0xff {
            case 0x61: r[target] = context[offset / 4]
            case 0xbc: r[target] = r[source]
            case 0x54: r[target] &= value
            case 0x74: r[target] >>= value
            case 0x64: r[target] <<= value
            case 0x4c: r[target] |= r[source]
            case 0x05: at += offset
            case 0xb7: r[target] = value
            case 0x56: if r[target] != value { at += offset }
            case 0x16: if r[target] == value { at += offset }
            case 0x95: return r[0] != 0
            default: return nil
            }
        }
        return nil
    }

    /// The rule list read as its documentation says: each access is decided by the last rule that matches it.
    static func expected(_ rules: [DeviceRule], _ kind: UInt32, _ major: UInt32, _ minor: UInt32, _ access: UInt32)
        -> Bool
    {
        [1, 2, 4].filter { access & $0 != 0 }.allSatisfy { bit in
            rules.last {
                ($0.kind == .any || $0.kind.rawValue == kind) && ($0.major ?? major) == major
                    && ($0.minor ?? minor) == minor && $0.access.rawValue & bit != 0
            }?.isAllowed ?? false
        }
    }

    private static func randomRules() -> [DeviceRule] {
        (0..<Int.random(in: 0...8)).map { _ in
            DeviceRule(
                allow: Bool.random(), DeviceRule.Kind(rawValue: UInt32.random(in: 0...2)) ?? .any,
                [nil, 1, 2, .max].randomElement() ?? nil, [nil, 3, 0xfffff, .max].randomElement() ?? nil,
                DeviceRule.Access(rawValue: UInt32.random(in: 1...7)))
        }
    }

    @Test("the kernel's verifier takes the program of any list: nothing in it is unreachable")
    func verified() throws {
        for _ in 0..<300 {
            let rules = Self.randomRules()
            do { _ = try DeviceFilter(loading: DeviceProgram.instructions(for: rules)) } catch {
                Issue.record("\(rules): \(error)")
            }
        }
        let rules = DeviceRule(allow: false, .block, 8, nil, .read)
        let many = [DeviceRule](repeating: rules, count: DeviceProgram.limit)
        _ = try DeviceFilter(loading: DeviceProgram.instructions(for: many))
    }

    @Test("the program decides as the last matching rule does, for random lists and all requests")
    func random() {
        for _ in 0..<1000 {
            let rules = Self.randomRules()
            let program = DeviceProgram.instructions(for: rules)
            for kind in [UInt32(1), 2] {
                for (major, minor) in [(UInt32(1), UInt32(3)), (1, 0xfffff), (2, 3), (9, 9)] {
                    for access in UInt32(1)...7 {
                        let want = Self.expected(rules, kind, major, minor, access)
                        #expect(Self.run(program, kind, major, minor, access) == want, "\(rules) \(kind) \(access)")
                    }
                }
            }
        }
    }

    @Test("v1 gets a default and exceptions; a later rule that cuts a hole is refused, not misread")
    func list() throws {
        let deny = DeviceRule(allow: false, .any, nil, nil, .all)
        let null = DeviceRule(allow: true, .character, 1, 3, .all)
        #expect(try DeviceList([deny, null]).writes.map(\.text) == ["a", "c 1:3 rwm"])
        let noWrite = DeviceRule(allow: false, .character, 1, nil, .write)
        #expect(try DeviceList([deny, null, noWrite]).writes.map(\.text) == ["a", "c 1:3 rm"])
        let wide = DeviceRule(allow: true, .character, 1, nil, .all)
        let hole = DeviceRule(allow: false, .character, 1, 3, .read)
        #expect(throws: CgroupError.self) { _ = try DeviceList([deny, wide, hole]) }
    }
}
