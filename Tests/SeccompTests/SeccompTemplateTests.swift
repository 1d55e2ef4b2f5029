import OCI
import Testing

@testable import Seccomp

struct SeccompTemplateTests {
    @Test("the default profile's rules are sorted, commented and say nothing twice")
    func form() throws {
        let template = try JSON(parsing: DefaultProfile.text)
        #expect(template["defaultErrnoRet"]?.value == .integer(1))
        for rule in try template.required("syscalls").items() {
            let names = try rule.required("names").strings()
            #expect(names == names.sorted() && Set(names).count == names.count, "\(rule.pointer)")
            #expect(try !rule.required("comment").string().isEmpty)
        }
        let plain = try DefaultProfile.resolved().syscalls.filter { $0.args.isEmpty }.flatMap(\.names)
        #expect(Set(plain).count == plain.count)
    }

    @Test("the architecture brings its relatives")
    func architectures() throws {
        #expect(
            try DefaultProfile.resolved([], .x86_64).architectures == [
                "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32",
            ])
        let arm = try DefaultProfile.resolved([], .aarch64)
        #expect(arm.architectures == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"])
        let names = Set(arm.syscalls.flatMap(\.names))
        #expect(names.contains("set_tls") && !names.contains("modify_ldt"))
    }

    private let conditional = #"""
        {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_X", "CAP_Y"]}},
            {"names": ["b"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_X", "CAP_Y"]}},
            {"names": ["c"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5.10"}},
            {"names": ["d"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "5.10"}},
            {"names": ["e"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}, "excludes": {}}]}
        """#

    @Test(
        "includes want all of their capabilities, excludes one, and kernels compare as numbers",
        arguments: [
            (["CAP_X"], 5, 9, "de"), (["CAP_X", "CAP_Y"], 5, 10, "ace"), ([], 6, 1, "bce"), ([], 4, 20, "bde"),
        ])
    func conditions(capabilities: [String], major: Int, minor: Int, names: String) throws {
        let target = SeccompTemplate.Target(
            capabilities: Set(capabilities), architecture: .aarch64, kernel: (major, minor))
        let profile = try SeccompTemplate(parsing: Array(conditional.utf8)).resolved(for: target)
        #expect(profile.syscalls.flatMap(\.names).joined() == names)
    }

    @Test(
        "a template that says what we don't know is refused",
        arguments: [
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"cap": []}}]}"#,
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5"}}]}"#,
            #"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86"], "archMap": []}"#,
        ])
    func refusals(text: String) {
        #expect(throws: SeccompError.self) { _ = try SeccompTemplate(parsing: Array(text.utf8)) }
    }
}
