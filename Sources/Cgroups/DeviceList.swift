/// A rule list as cgroup v1 can hold it: all allowed or all denied, but for a set of exceptions. v1 does not remember an
/// order, so that a list whose later rule cuts a hole into an earlier, wider one has no such form and is refused.
struct DeviceList {
    private(set) var allowsByDefault = false
    private(set) var exceptions: [DeviceRule] = []

    /// Carries out `rules` one after the other, from "all denied".
    init(_ rules: [DeviceRule]) throws(CgroupError) {
        for rule in rules {
            if rule.coversEverything {
                allowsByDefault = rule.isAllowed
                exceptions = []
            } else if rule.kind == .any {
                // An exception is of one kind.
                for kind in [DeviceRule.Kind.block, .character] {
                    var one = rule
                    one.kind = kind
                    try add(one)
                }
            } else {
                try add(rule)
            }
        }
    }

    private mutating func add(_ rule: DeviceRule) throws(CgroupError) {
        if rule.isAllowed != allowsByDefault {
            if let at = exceptions.firstIndex(where: { $0.names(sameAs: rule) }) {
                exceptions[at].access.formUnion(rule.access)
            } else {
                exceptions.append(rule)
            }
            return
        }
        // Back to the default: what is named alike loses these accesses; what is named otherwise must not overlap.
        for (at, exception) in exceptions.enumerated() where !exception.access.isDisjoint(with: rule.access) {
            if exception.isNarrower(than: rule) {
                exceptions[at].access.subtract(rule.access)
            } else if exception.overlaps(rule) {
                throw .unsupported(
                    property: "devices: '\(rule)' after '\(exception)'",
                    reason: "cgroup v1 can't except a part of what an earlier rule named")
            }
        }
        exceptions.removeAll { $0.access.isEmpty }
    }

    /// What is to be written, in this order; `isAllow` chooses between devices.allow and devices.deny.
    var writes: [(isAllow: Bool, text: String)] {
        [(allowsByDefault, "a")] + exceptions.map { (!allowsByDefault, $0.description) }
    }
}

extension DeviceRule {
    fileprivate func names(sameAs other: DeviceRule) -> Bool {
        kind == other.kind && major == other.major && minor == other.minor
    }

    /// Whether `other` names every node that this names.
    fileprivate func isNarrower(than other: DeviceRule) -> Bool {
        kind == other.kind && (other.major == nil || major == other.major)
            && (other.minor == nil || minor == other.minor)
    }

    /// Whether there is a node that both name.
    fileprivate func overlaps(_ other: DeviceRule) -> Bool {
        kind == other.kind && (major == nil || other.major == nil || major == other.major)
            && (minor == nil || other.minor == nil || minor == other.minor)
    }
}
