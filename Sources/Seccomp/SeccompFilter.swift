internal import CSeccomp
internal import Glibc
internal import Linux
package import OCI

/// Makes filters of profiles through libseccomp.
package enum SeccompFilter {
    /// Compiles `profile` for the kernel of this machine.
    ///
    /// As runc and crun do: this machine's architecture is always part of the filter; a name that libseccomp doesn't know
    /// is left out and reported; a rule whose action is the default is left out; a rule with two conditions on one
    /// argument becomes a rule for each condition; calls too new for the profile get ENOSYS (see ``UnknownCallStub``),
    /// unless the default action allows them or says so itself.
    package static func compile(_ profile: LinuxSeccomp) throws(SeccompError) -> SeccompProgram {
        try compile(profile, compacting: true)
    }

    static func compile(_ profile: LinuxSeccomp, compacting: Bool) throws(SeccompError) -> SeccompProgram {
        let fallback = try SeccompAction(
            name: profile.defaultAction, number: profile.defaultErrnoRet, place: "/defaultAction")
        guard fallback != .notify else { throw .action("SCMP_ACT_NOTIFY", place: "/defaultAction") }
        var architectures = [SeccompArchitecture.native]
        for name in profile.architectures {
            guard let architecture = SeccompArchitecture(name: name) else { throw .architecture(name) }
            if !architectures.contains(architecture) { architectures.append(architecture) }
        }
        let context = try FilterContext(default: fallback)
        for architecture in architectures.dropFirst() { try context.add(architecture) }
        let rules = try SeccompRule.all(of: profile)
        var unknown: [String] = []
        var added = 0
        var last = architectures.map { ($0, Int32(-1)) }
        for rule in rules {
            for name in rule.names {
                for index in last.indices {
                    last[index].1 = max(last[index].1, last[index].0.number(of: name) ?? -1)
                }
                guard let number = SeccompArchitecture.native.number(of: name) else {
                    unknown.append(name)
                    continue
                }
                if rule.action == fallback { continue }
                try context.add(rule, name, number)
                added += 1
            }
        }
        // A tree of few leaves is longer than a list, and libseccomp up to 2.5.4 fails at one without any.
        if added > 32 { try context.optimize() }
        var program: [FilterInstruction] = []
        if !fallback.isPermissive && fallback != .notImplemented {
            let stub = UnknownCallStub(last: last.filter { $0.1 >= 0 }.map { ($0.0, UInt32(bitPattern: $0.1)) })
            guard let head = stub.assembled(denying: SeccompAction.notImplemented.returnValue) else {
                throw .tooLong(architectures.count * 5)
            }
            program = head
        }
        program += FilterInstruction.all(in: try context.export())
        if compacting {
            var values: [UInt32] = []
            for architecture in architectures where !values.contains(architecture.auditValue) {
                values.append(architecture.auditValue)
            }
            program = FilterCompaction.compacted(program, architectures: values)
        }
        var bytes: [UInt8] = []
        for instruction in program { instruction.append(to: &bytes) }
        guard bytes.withUnsafeBytes(isSoundFilter) else { throw .tooLong(program.count) }
        let notifies = rules.contains { $0.action == .notify }
        return SeccompProgram(bytes: bytes, flags: try flags(profile, notifies: notifies), unknownNames: unknown)
    }

    private static func flags(_ profile: LinuxSeccomp, notifies: Bool) throws(SeccompError) -> SeccompFlags {
        var flags: SeccompFlags = notifies ? [.newListener] : []
        for name in profile.flags {
            switch name {
            case "SECCOMP_FILTER_FLAG_LOG": flags.insert(.log)
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": flags.insert(.speculationAllowed)
            case "SECCOMP_FILTER_FLAG_TSYNC":
                flags.formUnion(notifies ? [.threadSync, .threadSyncAsESRCH] : .threadSync)
            case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
                guard notifies else { throw .flag(name, why: "needs a rule with SCMP_ACT_NOTIFY") }
                flags.insert(.waitKillable)
            default: throw .flag(name, why: "is not known")
            }
        }
        return flags
    }
}

/// libseccomp's filter, released when this value goes.
private struct FilterContext: ~Copyable {
    private let context: scmp_filter_ctx

    init(default action: SeccompAction) throws(SeccompError) {
        guard let context = seccomp_init(action.returnValue) else {
            throw .library(.initialize, subject: "the default action \(action)", code: .EINVAL)
        }
        self.context = context
    }

    deinit { seccomp_release(context) }

    func add(_ architecture: SeccompArchitecture) throws(SeccompError) {
        try expect(
            seccomp_arch_add(context, architecture.token), .addArchitecture,
            "the architecture \(architecture.token)")
    }

    /// A binary tree over the numbers instead of one comparison behind the other.
    func optimize() throws(SeccompError) {
        try expect(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), .setAttribute, "the optimization level")
    }

    func add(_ rule: SeccompRule, _ name: String, _ number: Int32) throws(SeccompError) {
        let comparisons = rule.conditions.map(\.comparison)
        let groups = rule.conditionsAreAlternatives ? comparisons.map { [$0] } : [comparisons]
        for group in groups {
            try expect(
                seccomp_rule_add_array(context, rule.action.returnValue, number, UInt32(group.count), group),
                .addRule, "a rule for \(name) (\(rule.place))")
        }
    }

    /// The program. libseccomp 2.5 writes it to a descriptor only.
    func export() throws(SeccompError) -> [UInt8] {
        // The error of the write itself, and not ECANCELED for all.
        try expect(seccomp_attr_set(context, SCMP_FLTATR_API_SYSRAWRC, 1), .setAttribute, "plain error numbers")
        var bytes: [UInt8] = []
        var result: Int32 = 0
        do throws(SystemError) {
            let file = try MemoryFile.create("seccomp", sealable: false)
            result = seccomp_export_bpf(context, file.view.number)
            try file.view.seek(to: 0)
            bytes = try file.view.readAll(limit: 1 << 20)
        } catch { throw .system(error) }
        try expect(result, .export, "the filter")
        return bytes
    }

    private func expect(_ result: Int32, _ step: LibraryStep, _ subject: String) throws(SeccompError) {
        if result != 0 { throw .library(step, subject: subject, code: Errno(rawValue: -result)) }
    }
}

extension SeccompRule.Condition {
    fileprivate var comparison: scmp_arg_cmp {
        let parts: (scmp_compare, UInt64, UInt64) =
            switch test {
            case .notEqual(let value): (SCMP_CMP_NE, value, 0)
            case .less(let value): (SCMP_CMP_LT, value, 0)
            case .lessOrEqual(let value): (SCMP_CMP_LE, value, 0)
            case .equal(let value): (SCMP_CMP_EQ, value, 0)
            case .greaterOrEqual(let value): (SCMP_CMP_GE, value, 0)
            case .greater(let value): (SCMP_CMP_GT, value, 0)
            case .maskedEqual(let mask, let value): (SCMP_CMP_MASKED_EQ, mask, value)
            }
        return scmp_arg_cmp(arg: UInt32(argument), op: parts.0, datum_a: parts.1, datum_b: parts.2)
    }
}
