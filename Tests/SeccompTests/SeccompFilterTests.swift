import OCI
import Testing

@testable import Seccomp

struct SeccompFilterTests {
    private let denied = SeccompAction.errno(1)

    private func profile(_ json: String) throws -> LinuxSeccomp { try LinuxSeccomp(JSON(parsing: Array(json.utf8))) }

    private func rules(_ rules: String, fallback: String = "SCMP_ACT_ERRNO", more: String = "") throws -> LinuxSeccomp {
        try profile(#"{"defaultAction": "\#(fallback)", \#(more) "syscalls": [\#(rules)]}"#)
    }

    @Test("ordinary calls pass the default profile and calls of administration don't")
    func ordinary() throws {
        let machine = try DefaultProfile.machine()
        for name in ["read", "openat", "execve", "futex", "rseq", "set_robust_list", "getrandom", "prctl"] {
            #expect(machine.verdict(name, on: .native) == .allow, "\(name)")
        }
        for name in [
            "mount", "umount2", "pivot_root", "setns", "unshare", "bpf", "init_module", "kexec_load", "keyctl",
            "userfaultfd", "io_uring_setup", "open_by_handle_at", "reboot", "swapon", "perf_event_open", "open_tree",
        ] {
            #expect(machine.verdict(name, on: .native) == denied, "\(name)")
        }
    }

    @Test("clone makes threads and processes but no namespaces, and clone3 does not exist")
    func clone() throws {
        let machine = try DefaultProfile.machine()
        #expect(machine.verdict("clone", [0x3d0f00], on: .native) == .allow)
        #expect(machine.verdict("clone", [17], on: .native) == .allow)
        for flag: UInt64 in [
            0x20000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000, 0x1000_0011,
        ] {
            #expect(machine.verdict("clone", [flag], on: .native) == denied, "\(flag)")
        }
        #expect(machine.verdict("clone3", on: .native) == .notImplemented)
    }

    @Test("sockets of the hypervisor and of the kernel's cryptography are denied, in all 64 bits of the argument")
    func sockets() throws {
        let machine = try DefaultProfile.machine()
        for family: UInt64 in [1, 2, 10, 16, 37, 39, 41] {
            #expect(machine.verdict("socket", [family], on: .native) == .allow, "\(family)")
        }
        #expect(machine.verdict("socket", [38], on: .native) == denied)
        #expect(machine.verdict("socket", [40], on: .native) == denied)
        #expect(machine.verdict("personality", [0x40000], on: .native) == denied)
        #expect(machine.verdict("personality", [0xffff_ffff], on: .native) == .allow)
    }

    @Test("a capability opens its calls")
    func capabilities() throws {
        let machine = try DefaultProfile.machine(["CAP_SYS_ADMIN", "CAP_SYS_TIME"])
        for name in ["mount", "unshare", "clone3", "setns", "clock_settime"] {
            #expect(machine.verdict(name, on: .native) == .allow, "\(name)")
        }
        #expect(machine.verdict("clone", [0x1000_0000], on: .native) == .allow)
        #expect(machine.verdict("reboot", on: .native) == denied)
    }

    @Test("a call newer than the profile does not exist, and one that the profile left out is denied")
    func unknownCalls() throws {
        let machine = try DefaultProfile.machine()
        let native = SeccompArchitecture.native.auditValue
        #expect(machine.verdict(9999, native) == .notImplemented)
        #expect(machine.verdict("io_uring_enter", on: .native) == denied)
        let last = try rules(#"{"names": ["read", "close_range"], "action": "SCMP_ACT_ALLOW"}"#)
        let filter = FilterMachine(try SeccompFilter.compile(last))
        #expect(filter.verdict(436, native) == .allow)
        #expect(filter.verdict(435, native) == denied)
        #expect(filter.verdict(437, native) == .notImplemented)
    }

    #if arch(x86_64)
        @Test("calls of 32-bit x86 and of x32 are judged by their own numbers")
        func otherInterfaces() throws {
            let machine = try DefaultProfile.machine()
            let i386 = SeccompArchitecture.x86.auditValue
            #expect(machine.verdict(21, i386) == denied)  // mount
            #expect(machine.verdict(3, i386) == .allow)  // read
            #expect(machine.verdict(120, i386, [0x1000_0000]) == denied)  // clone
            #expect(machine.verdict(359, i386, [40]) == denied)  // socket
            #expect(machine.verdict(9999, i386) == .notImplemented)
            let x86_64 = SeccompArchitecture.x86_64.auditValue
            #expect(machine.verdict(0x4000_0000, x86_64) == .allow)
            #expect(machine.verdict(0x4000_0000 + 165, x86_64) == denied)
            #expect(machine.verdict(0x4000_0000 + 9999, x86_64) == .notImplemented)
            #expect(machine.verdict(1, 0x1234) == .killThread)
        }

        @Test("x32 that a profile doesn't list is a foreign architecture")
        func x32NotListed() throws {
            let filter = FilterMachine(
                try SeccompFilter.compile(rules(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW"}"#)))
            let x86_64 = SeccompArchitecture.x86_64.auditValue
            #expect(filter.verdict(0, x86_64) == .allow)
            #expect(filter.verdict(1, x86_64) == .notImplemented)
            #expect(filter.verdict(0x4000_0000, x86_64) == .killThread)
            #expect(filter.verdict(3, SeccompArchitecture.x86.auditValue) == .killThread)
        }

        @Test("x32 and 32-bit x86 listed without a call of theirs go to the filter, not to a neighbour's stub")
        func sections() throws {
            let listed = #""architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],"#
            let filter = FilterMachine(
                try SeccompFilter.compile(
                    rules(#"{"names": ["read", "mmap2"], "action": "SCMP_ACT_ALLOW"}"#, more: listed)))
            let x86_64 = SeccompArchitecture.x86_64.auditValue
            #expect(filter.verdict(192, SeccompArchitecture.x86.auditValue) == .allow)
            #expect(filter.verdict(191, SeccompArchitecture.x86.auditValue) == denied)
            #expect(filter.verdict(193, SeccompArchitecture.x86.auditValue) == .notImplemented)
            #expect(filter.verdict(0x4000_0000, x86_64) == .allow)
            #expect(filter.verdict(0x4000_0001, x86_64) == .notImplemented)
            #expect(filter.verdict(9, x86_64) == .notImplemented)
        }
    #endif

    @Test("a permissive default gets no stub, and neither does one that says ENOSYS itself")
    func noStub() throws {
        let native = SeccompArchitecture.native.auditValue
        for fallback in ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"] {
            let machine = FilterMachine(
                try SeccompFilter.compile(
                    rules(#"{"names": ["mount"], "action": "SCMP_ACT_ERRNO"}"#, fallback: fallback)))
            #expect(machine.verdict(9999, native) == (fallback == "SCMP_ACT_ALLOW" ? .allow : .log))
            #expect(machine.verdict("mount", on: .native) == denied)
        }
        let silent = try SeccompFilter.compile(
            rules(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW"}"#, more: #""defaultErrnoRet": 38,"#))
        #expect(silent.count < 12)
        #expect(FilterMachine(silent).verdict(9999, native) == .notImplemented)
    }

    @Test("names that nobody knows are left out and reported")
    func unknownNames() throws {
        let program = try SeccompFilter.compile(
            rules(#"{"names": ["read", "no_such_call"], "action": "SCMP_ACT_ALLOW"}"#))
        #expect(program.unknownNames == ["no_such_call"])
        #expect(FilterMachine(program).verdict("read", on: .native) == .allow)
    }

    @Test("two conditions on one argument are two rules, on two arguments they are one")
    func conditions() throws {
        let a = #"{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}"#
        let b = #"{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}"#
        let c = #"{"index": 1, "value": 4294967296, "op": "SCMP_CMP_GE"}"#
        let either = FilterMachine(
            try SeccompFilter.compile(
                rules(#"{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [\#(a), \#(b)]}"#)))
        #expect(either.verdict("socket", [1], on: .native) == .allow)
        #expect(either.verdict("socket", [2], on: .native) == .allow)
        #expect(either.verdict("socket", [3], on: .native) == denied)
        let both = FilterMachine(
            try SeccompFilter.compile(
                rules(#"{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [\#(a), \#(c)]}"#)))
        #expect(both.verdict("socket", [1, 1 << 32], on: .native) == .allow)
        #expect(both.verdict("socket", [1, 0xffff_ffff], on: .native) == denied)
        #expect(both.verdict("socket", [2, 1 << 32], on: .native) == denied)
    }

    @Test("flags become those of seccomp(2)")
    func flags() throws {
        let read = #"{"names": ["read"], "action": "SCMP_ACT_ALLOW"}"#
        let names = #""flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],"#
        #expect(try SeccompFilter.compile(rules(read, more: names)).flags == [.log, .speculationAllowed])
        let notify = #"{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}"#
        let sync = #""flags": ["SECCOMP_FILTER_FLAG_TSYNC"],"#
        #expect(
            try SeccompFilter.compile(rules(notify, more: sync)).flags == [
                .newListener, .threadSync, .threadSyncAsESRCH,
            ])
    }

    @Test("what a profile says wrongly is an error that names its place")
    func mistakes() throws {
        #expect(throws: SeccompError.action("SCMP_ACT_NOTIFY", place: "/defaultAction")) {
            _ = try SeccompFilter.compile(rules("", fallback: "SCMP_ACT_NOTIFY"))
        }
        #expect(throws: SeccompError.notifyOnWrite(place: "/syscalls/0")) {
            _ = try SeccompFilter.compile(rules(#"{"names": ["write"], "action": "SCMP_ACT_NOTIFY"}"#))
        }
        #expect(throws: SeccompError.emptyName(place: "/syscalls/0/names")) {
            _ = try SeccompFilter.compile(rules(#"{"names": [""], "action": "SCMP_ACT_ALLOW"}"#))
        }
        #expect(throws: SeccompError.argumentIndex(6, place: "/syscalls/0/args/0/index")) {
            _ = try SeccompFilter.compile(
                rules(
                    #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}"#
                ))
        }
    }

    @Test("names of actions, architectures, comparisons and flags that nobody knows are errors")
    func unknownWords() throws {
        let read = #"{"names": ["read"], "action": "SCMP_ACT_ALLOW"}"#
        #expect(throws: SeccompError.action("SCMP_ACT_SING", place: "/defaultAction")) {
            _ = try SeccompFilter.compile(rules(read, fallback: "SCMP_ACT_SING"))
        }
        #expect(throws: SeccompError.architecture("SCMP_ARCH_PDP11")) {
            _ = try SeccompFilter.compile(rules(read, more: #""architectures": ["SCMP_ARCH_PDP11"],"#))
        }
        #expect(throws: SeccompError.comparison("SCMP_CMP_ODD", place: "/syscalls/0/args/0/op")) {
            let odd = #"{"index": 0, "value": 0, "op": "SCMP_CMP_ODD"}"#
            _ = try SeccompFilter.compile(
                rules(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [\#(odd)]}"#))
        }
        let wait = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
        #expect(throws: SeccompError.flag(wait, why: "needs a rule with SCMP_ACT_NOTIFY")) {
            _ = try SeccompFilter.compile(rules(read, more: #""flags": ["\#(wait)"],"#))
        }
        #expect(throws: SeccompError.flag("SECCOMP_FILTER_FLAG_NONE", why: "is not known")) {
            _ = try SeccompFilter.compile(rules(read, more: #""flags": ["SECCOMP_FILTER_FLAG_NONE"],"#))
        }
    }

    @Test("the default filter is a tree: no call takes many steps")
    func length() throws {
        let program = try SeccompFilter.compile(DefaultProfile.resolved())
        #expect(program.count < 300)
        let machine = FilterMachine(program)
        let steps = (0..<500).compactMap { machine.run($0, SeccompArchitecture.native.auditValue)?.steps }
        #expect(steps.count == 500)
        #expect((steps.max() ?? .max) < 28)
    }
}
