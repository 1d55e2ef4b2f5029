package import OCI

// A further process in a container that runs.
extension Planner {
    /// Makes the plan that executes `spec.process` in the container whose first process is `first`, in the namespaces
    /// `namespaces`, which that process has and the runtime has not. `context.cgroupPath` is the container's group.
    package static func planExec(
        _ spec: RuntimeSpec, joining namespaces: [LaunchPlan.Namespace], of first: Int32, on host: HostFacts,
        _ context: Context
    ) throws(PlanningError) -> LaunchPlan {
        guard let process = spec.process else {
            throw .unsupported("a configuration without a process", at: "/process")
        }
        func path(_ namespace: LaunchPlan.Namespace) -> String { "/proc/\(first)/ns/\(namespace.rawValue)" }
        var inside = spec
        inside.linux.namespaces = namespaces.filter { $0 != .mount }.map { namespace in
            let type = namespace == .network ? "network" : namespace.rawValue
            return LinuxSpec.Namespace(type: type, path: path(namespace))
        }
        var planner = Planner(spec: inside, process: process, host: host, context: context)
        return try planner.planExec(namespaces.contains(.mount) ? path(.mount) : nil, first)
    }

    private mutating func planExec(_ mountNamespace: String?, _ first: Int32) throws(PlanningError) -> LaunchPlan {
        let bounding = try capabilitySteps()
        let joins = try joinSteps(makesOthers: false)
        let mount = mountNamespace.map { open(.namespace(.mount, path: $0)) }
        let root = mount == nil ? open(.rootOf(process: first)) : nil
        let terminal = terminalStep(isConsole: false)
        let before = descriptors.indices.map { Step.openDescriptor(index: $0) } + joins.before

        // The group first: what the process does counts there, and is limited, from its first step on.
        let affinity = try affinitySteps()
        var beside = affinity.initial, child: [Step] = []
        if let path = context.cgroupPath {
            beside += [.joinCgroup(path: path), .signal(.cgroupJoined)]
            child = [.await(.cgroupJoined)]
        }
        child += affinity.final
        if let listener = try listenerStep() { beside.append(listener) }
        child += joins.child
        // Last of the namespaces: from here on no path of the host is left, and the root is the container's.
        if let mount { child.append(.join(.mount, index: mount)) }
        // Where the container shares ours, its first process is below a root of its own.
        if let root { child.append(.changeRoot(index: root)) }
        child.append(.newSession)
        if let keyring = context.keyring { child.append(.sessionKeyring(name: keyring)) }
        if let terminal { child.append(terminal) }
        if needsProc { child.append(.openProc(goesWithRoot: false)) }
        child += try processSteps(bounding, awaiting: nil, nil)
        return LaunchPlan(
            before: before, clone: .init(namespaces: [], intoCgroup: false), beside: beside, child: child,
            descriptors: descriptors, warnings: warnings)
    }
}
