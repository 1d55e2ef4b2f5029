package import OCI

// Namespaces, names, cgroup membership, sysctls.
extension Planner {
    func kind(_ type: String) -> LaunchPlan.Namespace? {
        switch type {
        case "mount": .mount
        case "network": .network
        default: LaunchPlan.Namespace(rawValue: type)
        }
    }

    /// The namespaces that the clone makes, in the order of their flags.
    func newNamespaces() throws(PlanningError) -> [LaunchPlan.Namespace] {
        let wanted = spec.linux.namespaces.filter { $0.path == nil }.compactMap { kind($0.type) }
        if sharesMounts, spec.linux.namespaces.contains(where: { $0.type == "user" }) {
            throw .unsupported("a user namespace without a mount namespace", at: "/linux/namespaces")
        }
        // One with clocks of its own is made before.
        let isTimeApart = spec.linux.settings?.timeOffsets != nil
        return LaunchPlan.Namespace.allCases.filter {
            (wanted.contains($0) || ($0 == .mount && sharesMounts)) && $0 != .cgroup && !($0 == .time && isTimeApart)
        }
    }

    /// The container is in the runtime's mount namespace. Its root is made in one of its own all the same, so that the
    /// host sees nothing of it, and then taken along.
    var sharesMounts: Bool { !spec.linux.namespaces.contains { $0.type == "mount" } }

    /// Whether the network namespace is made beside the launch. It must be by another processor, and belong to the
    /// user namespace that the runtime is in.
    package static func makesNetworkBeside(_ namespaces: [LinuxSpec.Namespace], processors: Int) -> Bool {
        var isNew = false
        for namespace in namespaces {
            if namespace.type == "user" { return false }
            if namespace.type == "network" { isNew = namespace.path == nil }
        }
        return isNew && processors > 1
    }

    func isNew(_ type: String) -> Bool { spec.linux.namespaces.contains { $0.type == type && $0.path == nil } }

    var unsharesCgroup: Bool { isNew("cgroup") }

    /// Joining by path: pid and time namespaces take only children in, so the runtime enters them; the rest is the
    /// child's work, the user namespace first, since it gives the rights for the others. With `makesOthers` the child
    /// is born in it, or what is made new would not be its own.
    mutating func joinSteps(makesOthers: Bool) throws(PlanningError) -> (before: [Step], child: [Step]) {
        var before: [Step] = [], child: [Step] = []
        let joined = spec.linux.namespaces.filter { $0.path != nil }
        for namespace in joined.sorted(by: { $0.type == "user" && $1.type != "user" }) {
            guard let path = namespace.path, let kind = kind(namespace.type) else { continue }
            let index = open(.namespace(kind, path: path))
            if kind == .user && makesOthers {
                before.append(.enterForChildren(kind, index: index))
                child.append(.becomeNamespaceRoot)
            } else if kind == .pid || kind == .time {
                before.append(.enterForChildren(kind, index: index))
            } else {
                child.append(.join(kind, index: index))
                if kind == .user { child.append(.becomeNamespaceRoot) }
            }
        }
        return (before, child)
    }

    func identityMaps() -> Step {
        .writeIdentityMaps(
            uid: spec.linux.uidMappings.map(IdentityRange.init), gid: spec.linux.gidMappings.map(IdentityRange.init))
    }

    func nameSteps(_ new: [LaunchPlan.Namespace]) throws(PlanningError) -> [Step] {
        var steps: [Step] = []
        if let name = try utsName("hostname", spec.hostname) { steps.append(.hostname(name)) }
        if let name = try utsName("domainname", spec.domainname) { steps.append(.domainname(name)) }
        return steps
    }

    private func utsName(_ name: String, _ text: String?) throws(PlanningError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard spec.linux.namespaces.contains(where: { $0.type == "uts" }) else {
            throw .needsNamespace("uts", at: "/\(name)")
        }
        guard text.utf8.count <= 64 else { throw .unsupported("a \(name) of more than 64 bytes", at: "/\(name)") }
        return text
    }

    // MARK: cgroups

    /// On v2, and on a hybrid host's v2 tree, the child is born in its group.
    var bornInCgroup: Bool {
        switch host.cgroups {
        case .unified: true
        case .legacy(_, let hybrid): hybrid
        case .none: false
        }
    }

    /// v1 groups are joined by a move, after the birth.
    var joinsCgroupLate: Bool {
        if case .legacy = host.cgroups { return true }
        return false
    }

    /// Whether executing the stage, of which some 200 KB are the kernel's, may be too much for the group.
    var mayRunOutOfMemoryEarly: Bool {
        let resources = spec.linux.resources
        let little: Int64 = 16 << 20
        if let limit = resources.memory.limit, limit > 0, limit < little { return true }
        return resources.unified.contains { name, value in
            // The kernel knows suffixes: what is no plain number counts as little.
            name == "memory.max" && value != "max" && Int64(value) ?? 0 < little
        }
    }

    /// The limits, for people.
    func limitTexts() -> [String] {
        let resources = spec.linux.resources
        var texts: [String] = []
        if let bytes = resources.memory.limit { texts.append("memory=\(bytes)") }
        if let bytes = resources.memory.swap { texts.append("memory+swap=\(bytes)") }
        if let quota = resources.cpu.quota { texts.append("cpu=\(quota)/\(resources.cpu.period ?? 100_000)") }
        if let shares = resources.cpu.shares { texts.append("cpu.shares=\(shares)") }
        if let cpus = resources.cpu.cpus { texts.append("cpuset=\(cpus)") }
        if let pids = resources.pids { texts.append("pids=\(pids)") }
        if !resources.hugepageLimits.isEmpty {
            for (size, limit) in resources.hugepageLimits { texts.append("hugetlb.\(size)=\(limit)") }
        }
        for (name, value) in resources.unified { texts.append("\(name)=\(value)") }
        if let rare = resources.rare { texts += rare.texts }
        return texts
    }

    // MARK: sysctls

    /// Only what belongs to a namespace of the container's own: anything else would be the host's.
    func sysctlSteps(_ new: [LaunchPlan.Namespace]) throws(PlanningError) -> [Step] {
        var steps: [Step] = []
        for entry in spec.linux.sysctl {
            // What is decided on is the file that will be opened, below /proc/sys.
            let parts = Planner.path(ofSysctl: entry.key).split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
                throw .sysctl(entry.key, why: "not a name of a sysctl")
            }
            guard let owner = Planner.namespace(ofSysctl: parts.joined(separator: ".")) else {
                throw .sysctl(entry.key, why: "it is the whole host's and not a container's")
            }
            let joined = spec.linux.namespaces.contains { kind($0.type) == owner }
            guard joined else { throw .needsNamespace(owner.rawValue, at: "/linux/sysctl/\(entry.key)") }
            steps.append(.sysctl(key: entry.key, value: entry.value))
        }
        return steps
    }

    /// sysctl.d(5): dots separate, and a slash stands for a dot in a name; a key whose first separator is a slash is a
    /// path already.
    package static func path(ofSysctl key: String) -> String {
        guard let first = key.first(where: { $0 == "." || $0 == "/" }), first == "." else { return key }
        return String(key.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
    }

    private static func namespace(ofSysctl key: String) -> LaunchPlan.Namespace? {
        let ipc = [
            "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
            "kernel.shmmni", "kernel.shm_rmid_forced",
        ]
        if ipc.contains(key) || key.hasPrefix("fs.mqueue.") { return .ipc }
        if key.hasPrefix("net.") { return .network }
        if key == "kernel.domainname" || key == "kernel.hostname" { return .uts }
        return nil
    }
}

extension IdentityRange {
    init(_ mapping: LinuxSpec.IdentityMapping) {
        self.init(inside: mapping.containerID, outside: mapping.hostID, count: mapping.size)
    }
}

extension LinuxResources.Rare {
    /// For people.
    fileprivate var texts: [String] {
        var texts: [String] = []
        if let weight = blockIO?.weight { texts.append("io.weight=\(weight)") }
        for row in blockIO?.rates ?? [] { texts.append("io.\(row.limit.rawValue)=\(row.device):\(row.rate)") }
        if let classID { texts.append("net_cls=\(classID)") }
        for (name, priority) in priorities { texts.append("net_prio.\(name)=\(priority)") }
        for row in rdma { texts.append("rdma.\(row.device)") }
        return texts
    }
}
