import OCI
import Testing

@testable import Seccomp

struct FilterCompactionTests {
    private static let permissive = #"""
        {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"], "syscalls": [
            {"names": ["mount", "ptrace"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5},
            {"names": ["socket"], "action": "SCMP_ACT_TRAP", "args": [
                {"index": 0, "value": 4294967298, "op": "SCMP_CMP_GT"}, {"index": 2, "value": 7, "op": "SCMP_CMP_NE"}]}]}
        """#
    private static let alone = #"""
        {"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [{"names": ["exit_group"], "action": "SCMP_ACT_ALLOW"}]}
        """#

    /// A verdict of its own for each of the first `count` calls: more than a search keeps ways for, and at last more than its
    /// jumps reach.
    private static func manifold(_ count: Int32) -> String {
        let rules = (0..<count).compactMap { number in
            SeccompArchitecture.native.name(of: number).map { name in
                #"{"names": ["\#(name)"], "action": "SCMP_ACT_ERRNO", "errnoRet": \#(number + 1)}"#
            }
        }
        let architectures = #""SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64""#
        return """
            {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [\(architectures)], "syscalls": [
            \(rules.joined(separator: ","))]}
            """
    }

    private static func profiles() throws -> [LinuxSeccomp] {
        [
            try DefaultProfile.resolved(), try DefaultProfile.resolved(["CAP_SYS_ADMIN"]),
            try LinuxSeccomp(JSON(parsing: Array(permissive.utf8))),
            try LinuxSeccomp(JSON(parsing: Array(alone.utf8))),
            try LinuxSeccomp(JSON(parsing: Array(manifold(60).utf8))),
            try LinuxSeccomp(JSON(parsing: Array(manifold(330).utf8))),
        ]
    }

    @Test("a compacted filter says what the one of libseccomp says, to every call", arguments: 0..<6)
    func agreement(index: Int) throws {
        let profile = try FilterCompactionTests.profiles()[index]
        let long = FilterMachine(try SeccompFilter.compile(profile, compacting: false))
        let short = FilterMachine(try SeccompFilter.compile(profile))
        let values: [UInt64] = [0, 2, 8, 38, 39, 40, 131_080, 0x1000_0000, 0xffff_ffff, 4_294_967_299]
        let bases: [UInt32] = [0, 1 << 30, 1 << 31, 3 << 30, .max - 600]
        let architectures: [SeccompArchitecture] = [.x86_64, .x86, .aarch64, .arm]
        for architecture in architectures.map(\.auditValue) + [0, 1, 38, .max] {
            for base in bases {
                for offset: UInt32 in 0...600 {
                    for value in values {
                        let arguments = [value, 7, value &- 1]
                        let said = short.verdict(base + offset, architecture, arguments)
                        guard said == long.verdict(base + offset, architecture, arguments), said != nil else {
                            Issue.record("call \(base + offset) of \(architecture) with \(value)")
                            return
                        }
                    }
                }
            }
        }
    }

    @Test("the default filter becomes less than half as long")
    func gain() throws {
        let profile = try DefaultProfile.resolved()
        let long = try SeccompFilter.compile(profile, compacting: false)
        let short = try SeccompFilter.compile(profile)
        #expect(short.count * 2 < long.count, "\(short.count) of \(long.count)")
    }

    @Test("a program that computes with the number is left as it is")
    func foreignForm() {
        let program = [
            FilterInstruction(FilterCode.load, FilterData.number), FilterInstruction(FilterCode.and, 1),
            FilterInstruction(FilterCode.jumpIfEqual, 0, jumpTrue: 1),
            FilterInstruction(FilterCode.return, SeccompAction.allow.returnValue),
            FilterInstruction(FilterCode.return, SeccompAction.killProcess.returnValue),
        ]
        #expect(FilterCompaction.compacted(program, architectures: [1, 2]) == program)
    }
}
