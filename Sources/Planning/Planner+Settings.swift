internal import OCI

// What few configurations ask for: scheduling, labels, memory policy, clocks, interfaces.
extension Planner {
    /// Of the process, while it has its privileges still.
    func settingSteps() throws(PlanningError) -> [Step] {
        if process.settings == nil && spec.linux.settings == nil { return [] }
        var steps: [Step] = []
        if let personality = spec.linux.settings?.personality { steps.append(try step(of: personality)) }
        if let policy = spec.linux.settings?.memoryPolicy { steps.append(try step(of: policy)) }
        if let scheduler = process.settings?.scheduler { steps.append(try step(of: scheduler)) }
        if let priority = process.settings?.ioPriority { steps.append(try step(of: priority)) }
        if let profile = process.settings?.apparmorProfile { steps.append(.securityLabel(.apparmor, profile)) }
        if let label = process.settings?.selinuxLabel { steps.append(.securityLabel(.selinux, label)) }
        return steps
    }

    /// Whether a step of the process writes below /proc.
    var needsProc: Bool {
        process.oomScoreAdj != nil || process.settings?.apparmorProfile != nil || process.settings?.selinuxLabel != nil
    }

    private func step(of personality: LinuxSettings.Personality) throws(PlanningError) -> Step {
        let at = "/linux/personality"
        guard personality.flags.isEmpty else {
            throw .invalid("flags", at: at, why: "the specification knows no flag of a personality")
        }
        switch personality.domain {
        case "LINUX": return .personality(0)
        case "LINUX32": return .personality(8)
        default: throw .invalid(personality.domain, at: at + "/domain", why: "neither LINUX nor LINUX32")
        }
    }

    private func step(of policy: LinuxSettings.MemoryPolicy) throws(PlanningError) -> Step {
        let at = "/linux/memoryPolicy"
        // Each stands at its number.
        let modes = [
            "MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED_MANY",
            "MPOL_WEIGHTED_INTERLEAVE",
        ]
        // From bit 13 on.
        let flags = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]
        guard let mode = modes.firstIndex(of: policy.mode) else {
            throw .invalid(policy.mode, at: at + "/mode", why: "set_mempolicy(2) has no such mode")
        }
        var number = UInt32(mode)
        for flag in policy.flags {
            guard let bit = flags.firstIndex(of: flag) else {
                throw .invalid(flag, at: at + "/flags", why: "set_mempolicy(2) has no such flag")
            }
            number |= 1 << UInt32(13 + bit)
        }
        if !policy.nodes.isEmpty, NumberList(policy.nodes) == nil {
            throw .invalid(policy.nodes, at: at + "/nodes", why: "not a list like 0-3,7")
        }
        return .memoryPolicy(mode: number, nodes: policy.nodes)
    }

    private func step(of scheduler: ProcessSettings.Scheduler) throws(PlanningError) -> Step {
        let at = "/process/scheduler"
        guard let policy = SchedulerSettings.policies.firstIndex(of: scheduler.policy), policy != 4 else {
            throw .invalid(scheduler.policy, at: at + "/policy", why: "Linux has no such policy; see sched(7)")
        }
        var flags: UInt64 = 0
        for flag in scheduler.flags {
            guard let bit = SchedulerSettings.flagNames.firstIndex(of: flag) else {
                throw .invalid(flag, at: at + "/flags", why: "sched_setattr(2) has no such flag")
            }
            flags |= 1 << UInt64(bit)
        }
        guard let priority = UInt32(exactly: scheduler.priority) else {
            throw .invalid("\(scheduler.priority)", at: at + "/priority", why: "a priority can't be negative")
        }
        return .scheduler(
            SchedulerSettings(
                policy: UInt32(policy), flags: flags, nice: scheduler.nice, priority: priority,
                runtime: scheduler.runtime, deadline: scheduler.deadline, period: scheduler.period))
    }

    private func step(of priority: ProcessSettings.IOPriority) throws(PlanningError) -> Step {
        let at = "/process/ioPriority"
        // From 1 on.
        let classes = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"]
        guard let number = classes.firstIndex(of: priority.priorityClass) else {
            throw .invalid(priority.priorityClass, at: at + "/class", why: "ioprio_set(2) has no such class")
        }
        guard (0...7).contains(priority.priority) else {
            throw .invalid("\(priority.priority)", at: at + "/priority", why: "not from 0 to 7")
        }
        return .ioPriority(class: UInt32(number) + 1, level: UInt32(priority.priority))
    }

    // MARK: the further process of a container

    /// Where it runs until it is in the container's group, and from then on.
    func affinitySteps() throws(PlanningError) -> (initial: [Step], final: [Step]) {
        guard let affinity = process.settings?.execCPUAffinity else { return ([], []) }
        for (name, list) in [("initial", affinity.initial), ("final", affinity.final)] {
            guard let list, NumberList(list) == nil else { continue }
            throw .invalid(list, at: "/process/execCPUAffinity/" + name, why: "not a list like 0-3,7")
        }
        return (
            affinity.initial.map { [.placeChild(processors: $0)] } ?? [], affinity.final.map { [.processors($0)] } ?? []
        )
    }

    // MARK: namespaces

    /// nil: no clock is set; the namespace, if there is a new one, is made with the others.
    func timeNamespace() throws(PlanningError) -> Step? {
        guard let offsets = spec.linux.settings?.timeOffsets else { return nil }
        guard isNew("time") else { throw .needsNamespace("time", at: "/linux/timeOffsets") }
        func offset(_ clock: LinuxSettings.TimeOffsets.Offset?) -> ClockOffset? {
            clock.map { ClockOffset(seconds: $0.seconds, nanoseconds: $0.nanoseconds) }
        }
        return .makeTimeNamespace(monotonic: offset(offsets.monotonic), boottime: offset(offsets.boottime))
    }

    /// Whether any is to be moved.
    var movesNetworkDevices: Bool { spec.linux.settings?.netDevices.isEmpty == false }

    /// The step, once the descriptors are known; nil: there is none.
    func networkDevices() throws(PlanningError) -> Step? {
        guard let devices = spec.linux.settings?.netDevices, !devices.isEmpty else { return nil }
        guard spec.linux.namespaces.contains(where: { $0.type == "network" }) else {
            throw .needsNamespace("network", at: "/linux/netDevices")
        }
        let joined = descriptors.firstIndex {
            if case .namespace(.network, _) = $0 { true } else { false }
        }
        return .moveNetworkDevices(
            devices.map { NetworkDevice(hostName: $0.hostName, name: $0.name) }, index: joined)
    }

    // MARK: resctrl

    /// nil: the container stays in the class that the runtime is in.
    var resctrlGroup: ResctrlGroup? {
        ResctrlGroup(spec, identifier: context.identifier)
    }
}
