import OCI
import Testing

@testable import Seccomp

struct SeccompExplanationTests {
    @Test(
        "the explanation and the program agree on every call that libseccomp knows", arguments: [[], ["CAP_SYS_ADMIN"]])
    func agreement(capabilities: [String]) throws {
        let profile = try DefaultProfile.resolved(Set(capabilities))
        let machine = FilterMachine(try SeccompFilter.compile(profile))
        let values: [UInt64] = [0, 8, 17, 38, 39, 40, 41, 131072, 131080, 0x1000_0000, 0x7e02_0000, 0xffff_ffff]
        var seen = 0
        for number: Int32 in 0..<600 {
            guard let name = SeccompArchitecture.native.name(of: number) else { continue }
            seen += 1
            for value in values {
                let explained = try SeccompExplanation(of: name, arguments: [value], in: profile)
                #expect(
                    machine.verdict(name, [value], on: .native) == explained.verdict,
                    "\(name)(\(value)): \(explained)")
            }
        }
        #expect(seen > 250)
    }

    @Test("the deciding rule is named")
    func reasons() throws {
        let text = #"""
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["socket"], "action": "SCMP_ACT_TRAP", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]}
            """#
        let profile = try LinuxSeccomp(JSON(parsing: Array(text.utf8)))
        func ask(_ name: String, _ arguments: [UInt64] = []) throws -> String {
            try SeccompExplanation(of: name, arguments: arguments, in: profile).description
        }
        #expect(try ask("read") == "allow (rule 0)")
        #expect(try ask("socket", [2]) == "trap (rule 1)")
        #expect(try ask("socket", [3]) == "errno 1 (no rule)")
        #expect(try ask("clone3") == "errno 38 (newer than the profile)")
    }

    @Test("rules that contradict each other are decided as the program decides", arguments: [false, true])
    func contradictions(reversed: Bool) throws {
        let plain = #"{"names": ["socket"], "action": "SCMP_ACT_ALLOW"}"#
        let filtered =
            #"{"names": ["socket"], "action": "SCMP_ACT_TRAP", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}"#
        let rules = reversed ? "\(filtered), \(plain)" : "\(plain), \(filtered)"
        let text = #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\#(rules)]}"#
        let profile = try LinuxSeccomp(JSON(parsing: Array(text.utf8)))
        let machine = FilterMachine(try SeccompFilter.compile(profile))
        for value: UInt64 in [1, 2] {
            let explained = try SeccompExplanation(of: "socket", arguments: [value], in: profile)
            #expect(machine.verdict("socket", [value], on: .native) == explained.verdict)
        }
    }
}
