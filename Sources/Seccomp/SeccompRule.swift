internal import OCI

/// A rule of a profile, checked: what compiling and explaining share.
package struct SeccompRule {
    /// A condition on one argument.
    struct Condition {
        enum Test {
            case notEqual(UInt64), less(UInt64), lessOrEqual(UInt64), equal(UInt64), greaterOrEqual(UInt64)
            case greater(UInt64)
            case maskedEqual(mask: UInt64, UInt64)
        }

        /// 0 to 5.
        let argument: Int
        let test: Test

        func holds(_ value: UInt64) -> Bool {
            switch test {
            case .notEqual(let other): value != other
            case .less(let other): value < other
            case .lessOrEqual(let other): value <= other
            case .equal(let other): value == other
            case .greaterOrEqual(let other): value >= other
            case .greater(let other): value > other
            case .maskedEqual(let mask, let other): value & mask == other & mask
            }
        }
    }

    let names: [String]
    let action: SeccompAction
    let conditions: [Condition]
    /// `/syscalls/3`.
    let place: String

    /// Two conditions on one argument can't stand in one rule of libseccomp: each is then a rule of its own, as runc
    /// and crun do.
    var conditionsAreAlternatives: Bool { Set(conditions.map(\.argument)).count < conditions.count }

    /// Whether a call with `arguments` falls under this rule.
    func matches(_ arguments: [UInt64]) -> Bool {
        func holds(_ condition: Condition) -> Bool {
            condition.holds(condition.argument < arguments.count ? arguments[condition.argument] : 0)
        }
        return conditionsAreAlternatives ? conditions.contains(where: holds) : conditions.allSatisfy(holds)
    }

    /// The rules of `profile`, in its order.
    static func all(of profile: LinuxSeccomp) throws(SeccompError) -> [SeccompRule] {
        var rules: [SeccompRule] = []
        for (index, syscall) in profile.syscalls.enumerated() {
            rules.append(try SeccompRule(syscall, place: "/syscalls/\(index)"))
        }
        return rules
    }

    private init(_ syscall: LinuxSeccomp.Syscall, place: String) throws(SeccompError) {
        names = syscall.names
        action = try SeccompAction(name: syscall.action, number: syscall.errnoRet, place: "\(place)/action")
        if names.contains("") { throw .emptyName(place: "\(place)/names") }
        if action == .notify, names.contains("write") { throw .notifyOnWrite(place: place) }
        var conditions: [Condition] = []
        for (index, argument) in syscall.args.enumerated() {
            conditions.append(try Condition(argument, place: "\(place)/args/\(index)"))
        }
        self.conditions = conditions
        self.place = place
    }
}

extension SeccompRule {
    /// What profiles call the comparisons of an argument.
    package static let operators = [
        "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
    ]
}

extension SeccompRule.Condition {
    fileprivate init(_ argument: LinuxSeccomp.Argument, place: String) throws(SeccompError) {
        guard argument.index < 6 else { throw .argumentIndex(UInt64(argument.index), place: "\(place)/index") }
        self.argument = Int(argument.index)
        let value = argument.value
        switch argument.op {
        case "SCMP_CMP_NE": test = .notEqual(value)
        case "SCMP_CMP_LT": test = .less(value)
        case "SCMP_CMP_LE": test = .lessOrEqual(value)
        case "SCMP_CMP_EQ": test = .equal(value)
        case "SCMP_CMP_GE": test = .greaterOrEqual(value)
        case "SCMP_CMP_GT": test = .greater(value)
        case "SCMP_CMP_MASKED_EQ": test = .maskedEqual(mask: value, argument.valueTwo)
        default: throw .comparison(argument.op, place: "\(place)/op")
        }
    }
}
