internal import OCI

// Capabilities and resource limits.
extension Planner {
    /// The sets of the process, as the kernel takes them.
    struct Sets {
        var bounding: UInt64 = 0
        var ambient: UInt64 = 0
        var effective: UInt64 = 0
        var permitted: UInt64 = 0
        var inheritable: UInt64 = 0

        var step: Step { .capabilities(effective: effective, permitted: permitted, inheritable: inheritable) }
    }

    mutating func capabilitySteps() throws(PlanningError) -> Sets {
        guard let wanted = process.capabilities else { return Sets() }
        let at = "/process/capabilities"
        let bounding = try set(wanted.bounding, at: at + "/bounding", within: host.capabilities)
        let permitted = try set(wanted.permitted, at: at + "/permitted", within: host.capabilities)
        let effective = try set(wanted.effective, at: at + "/effective", within: permitted)
        let inheritable = try set(wanted.inheritable, at: at + "/inheritable", within: host.capabilities)
        // The kernel raises in the ambient set only what is permitted and inheritable.
        let ambient = try set(wanted.ambient, at: at + "/ambient", within: permitted & inheritable)
        return Sets(
            bounding: bounding, ambient: ambient, effective: effective, permitted: permitted, inheritable: inheritable)
    }

    /// What can't be granted is left out with a warning, or in a configuration of our user's words an error.
    private mutating func set(_ names: [String], at: String, within possible: UInt64) throws(PlanningError) -> UInt64 {
        var set: UInt64 = 0
        for name in names {
            guard let number = Capability.number(name) else {
                if context.isStrict { throw .unknownCapability(name, at: at) }
                warnings.append("\(at): unknown capability \(name) is left out")
                continue
            }
            guard possible >> UInt64(number) & 1 == 1 else {
                if at.hasSuffix("/ambient") { continue }  // as everywhere: ambient follows the other sets silently
                warnings.append("\(at): \(name) can't be granted and is left out")
                continue
            }
            set |= 1 << UInt64(number)
        }
        return set
    }

    func limitSteps() throws(PlanningError) -> [Step] {
        var steps: [Step] = []
        for (i, limit) in process.rlimits.enumerated() {
            guard ResourceLimit.number(of: limit.type) != nil else {
                throw .unknownLimit(limit.type, at: "/process/rlimits/\(i)/type")
            }
            steps.append(.rlimit(name: limit.type, soft: limit.soft, hard: limit.hard))
        }
        if let score = process.oomScoreAdj { steps.append(.oomScoreAdjust(score)) }
        return steps
    }
}

/// The kernel's numbers of `RLIMIT_*`, getrlimit(2).
package enum ResourceLimit {
    /// Each stands at its number.
    private static let names = [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
        "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
        "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
    ]

    package static func number(of name: String) -> UInt32? { names.firstIndex(of: name).map { UInt32($0) } }
}
