internal import OCI

// The root file system and what is mounted into it.
extension Planner {
    /// The mounts in three parts: what the cgroup mount needs first, itself, and what comes after.
    struct MountSteps {
        var beforeCgroup: [Step] = []
        var cgroup: [Step] = []
        var after: [Step] = []
    }

    /// `console` is what is mounted into /dev when all else of it is there.
    mutating func mountSteps(console: Step?) throws(PlanningError) -> MountSteps {
        var steps: [Step] = []
        var cgroupAt: Int?
        var attributes: [Step] = []
        for (i, mount) in spec.mounts.enumerated() {
            let at = "/mounts/\(i)"
            let options = try MountOptions(mount, at: at + "/options")
            if options.isRemount {
                steps += try remount(mount, options, at: at)
                continue
            }
            guard !Planner.isRoot(mount.destination) else {
                throw .unsupported("a mount over the root", at: at + "/destination")
            }
            if !options.isBind { try refuse(options, of: mount, at: at) }
            if options.isBind {
                steps.append(try bind(mount, options, at: at))
            } else if mount.type == "cgroup" || mount.type == "cgroup2" {
                cgroupAt = cgroupAt ?? steps.count
                steps += cgroupMounts(mount, options, &attributes)
            } else {
                steps += fileSystem(mount, options, i, &attributes)
            }
        }
        if spec.mounts.contains(where: { $0.destination == "/dev" }) { steps += deviceSteps() }
        steps += try extraDevices()
        if let console { steps.append(console) }
        steps += attributes
        if spec.root.readonly {
            steps.append(
                .setMountAttributes(path: "/", attributes: .init(set: MountAttributes.readOnly), recursive: false))
        }
        let split = cgroupAt ?? steps.count
        return MountSteps(beforeCgroup: Array(steps[..<split]), cgroup: Array(steps[split...]), after: [])
    }

    /// The image's own links must not lead these elsewhere.
    private func isStrict(_ target: String) -> Bool {
        ["/proc", "/sys", "/dev"].contains { target == $0 || target.hasPrefix($0 + "/") }
    }

    private mutating func bind(
        _ mount: MountSpec, _ options: MountOptions, at: String
    ) throws(PlanningError) -> Step {
        guard let source = mount.source, !source.isEmpty else { throw .unsupported("a bind mount of nothing", at: at) }
        for option in options.data {
            guard !context.isStrict else {
                throw .mountOption(option.key, at: at + "/options", why: "a bind mount has no options of a file system")
            }
            warnings.append("\(at)/options: a bind mount has no options of a file system; '\(option.key)' is left out")
        }
        if options.copiesUp {
            throw .mountOption("tmpcopyup", at: at + "/options", why: "a bind mount has its own content")
        }
        let owners = try ownerMap(mount, options, at: at)
        var index: Int?
        let isPlain = owners == nil && options.link == .followed
        if isPlain && isOpenedByChild(source) {
            index = nil
        } else if isPlain {
            index = open(.bindSource(path: source, recursive: options.isRecursive))
        } else {
            index = open(
                .specialSource(
                    SpecialSource(path: source, recursive: options.isRecursive, link: options.link, owners: owners)))
        }
        var bind = BindMount(
            index: index, source: source, target: mount.destination,
            attributes: options.attributes.forChange, recursiveAttributes: options.recursiveAttributes.forChange,
            propagation: options.propagation, strict: isStrict(mount.destination))
        bind.coversLink = options.coversLink
        bind.isRecursive = index == nil && options.isRecursive
        return .bind(bind)
    }

    /// Whether the child sees and may open what the runtime would: not from a user or mount namespace that it joins, not
    /// where the host's mounts are hidden from it, and not by paths that mean something else to each process.
    private func isOpenedByChild(_ source: String) -> Bool {
        let isOwn = spec.linux.namespaces.contains { $0.type == "mount" && $0.path == nil }
        let isUsers = spec.linux.namespaces.contains { $0.type == "user" }
        return isOwn && !isUsers && outerPropagation == .slave && source.hasPrefix("/")
            && !["/proc/", "/dev/fd", "/dev/std"].contains(where: source.hasPrefix)
    }

    /// `/`, also written as `//.`.
    private static func isRoot(_ path: String) -> Bool {
        path.utf8.allSatisfy { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ".") }
            && path.split(separator: "/").allSatisfy { $0 == "." || $0 == ".." }
    }

    /// What only a bind mount can have.
    private func refuse(_ options: MountOptions, of mount: MountSpec, at: String) throws(PlanningError) {
        let option: String? =
            switch (options.link, options.coversLink, options.owners) {
            case (.copied, _, _): "copy-symlink"
            case (.mounted, _, _): "src-nofollow"
            case (_, true, _): "dest-nofollow"
            case (_, _, .mapped): "idmap"
            case (_, _, .mappedBelowToo): "ridmap"
            default: nil
            }
        if let option {
            throw .mountOption(option, at: at + "/options", why: "it is an option of bind mounts")
        }
        if mount.identityMaps != nil { throw .unsupported("a mapping of what is no bind mount", at: at) }
        if options.copiesUp, mount.type != "tmpfs" {
            throw .mountOption("tmpcopyup", at: at + "/options", why: "it is an option of tmpfs")
        }
    }

    /// Attributes of a mount that is there already. The file system's own options would be changed for the host too.
    private func remount(
        _ mount: MountSpec, _ options: MountOptions, at: String
    ) throws(PlanningError) -> [Step] {
        if let option = options.data.first {
            throw .mountOption(
                option.key, at: at + "/options",
                why: "remount changes a mount, and not its file system, which is the host's too")
        }
        var steps: [Step] = []
        for (attributes, isRecursive) in [(options.recursiveAttributes, true), (options.attributes, false)]
        where attributes != MountAttributes() {
            steps.append(
                .setMountAttributes(path: mount.destination, attributes: attributes.forChange, recursive: isRecursive))
        }
        return steps
    }

    private func ownerMap(
        _ mount: MountSpec, _ options: MountOptions, at: String
    ) throws(PlanningError) -> SpecialSource.OwnerMap? {
        if options.owners == .asTheyAre && mount.identityMaps == nil { return nil }
        let isRecursive = options.owners == .mappedBelowToo
        let user = spec.linux.namespaces.first { $0.type == "user" }
        if mount.identityMaps == nil, let path = user?.path { return .namespace(path: path, recursive: isRecursive) }
        let uid = mount.identityMaps?.uid ?? spec.linux.uidMappings
        let gid = mount.identityMaps?.gid ?? spec.linux.gidMappings
        guard !uid.isEmpty, !gid.isEmpty else {
            let what = "an id-mapped mount without uidMappings and gidMappings, its own or a user namespace's,"
            throw .unsupported(what, at: at)
        }
        return .ranges(uid: uid.map(IdentityRange.init), gid: gid.map(IdentityRange.init), recursive: isRecursive)
    }

    /// A read-only mount below which something is mounted later, or nodes are made, is made read-only at the end.
    private func fileSystem(
        _ mount: MountSpec, _ options: MountOptions, _ index: Int, _ late: inout [Step]
    ) -> [Step] {
        var attributes = MountAttributes(set: options.attributes.set | options.recursiveAttributes.set)
        let inside = mount.destination + "/"
        let later = spec.mounts[(index + 1)...].contains { $0.destination.hasPrefix(inside) }
        let isFilled = later || options.copiesUp || mount.destination == "/dev"
        if attributes.set & MountAttributes.readOnly != 0, mount.type == "tmpfs", isFilled {
            attributes.set &= ~MountAttributes.readOnly
            late.append(
                .setMountAttributes(
                    path: mount.destination, attributes: .init(set: MountAttributes.readOnly), recursive: false))
        }
        var made = FileSystemMount(
            type: mount.type ?? "none", source: mount.source ?? "", target: mount.destination,
            options: options.data, attributes: attributes, strict: isStrict(mount.destination),
            propagation: options.propagation)
        if mount.type == "tmpfs" {
            made.copiesUp = options.copiesUp
            made.takesMode = !options.data.contains { $0.key == "mode" }
        }
        if let label = spec.linux.settings?.mountLabel, !Planner.unlabelled.contains(made.type) {
            made.options.append(.init("context", label))
        }
        return [.mount(made)]
    }

    /// File systems whose files the policy labels.
    private static let unlabelled = ["proc", "sysfs", "mqueue", "cgroup", "cgroup2"]

    /// What `cgroup` means depends on the host: the one v2 tree, or a tmpfs with a v1 hierarchy in each directory.
    private mutating func cgroupMounts(_ mount: MountSpec, _ options: MountOptions, _ late: inout [Step]) -> [Step] {
        let attributes = MountAttributes(set: options.attributes.set)
        func tree(_ type: String, _ target: String, _ data: [FileSystemMount.Option]) -> Step {
            .mount(
                FileSystemMount(
                    type: type, source: "cgroup", target: target, options: data, attributes: attributes, strict: true))
        }
        guard case .legacy(let hierarchies, let hybrid) = host.cgroups, mount.type == "cgroup" else {
            if let path = sharedTree {
                let index = isOpenedByChild(path) ? nil : open(.bindSource(path: path, recursive: false))
                return [
                    .bind(
                        BindMount(
                            index: index, source: path, target: mount.destination,
                            attributes: options.attributes.forChange, strict: true))
                ]
            }
            return host.cgroups == .none ? [] : [tree("cgroup2", mount.destination, [])]
        }
        var steps: [Step] = [
            .mount(
                FileSystemMount(
                    type: "tmpfs", source: "tmpfs", target: mount.destination, options: [.init("mode", "755")],
                    attributes: .init(set: attributes.set & ~MountAttributes.readOnly), strict: true))
        ]
        /// In the host's cgroup namespace a hierarchy shows all groups there are: the container gets its own alone.
        func add(_ type: String, _ target: String, _ controllers: [String], _ data: [FileSystemMount.Option]) {
            guard !unsharesCgroup, context.cgroupPath != nil else { return steps.append(tree(type, target, data)) }
            steps.append(
                .bind(
                    BindMount(
                        index: open(.cgroup(controllers: controllers)), source: "its own group", target: target,
                        attributes: options.attributes.forChange, strict: true)))
        }
        for controllers in hierarchies where isJoined(controllers, hybrid: hybrid) {
            let isNamed = controllers.first?.hasPrefix("name=") ?? false
            let name = controllers.map { isNamed ? String($0.dropFirst(5)) : $0 }.joined(separator: ",")
            let data: [FileSystemMount.Option] =
                isNamed ? [.init("none"), .init("name", name)] : controllers.map { .init($0) }
            add("cgroup", "\(mount.destination)/\(name)", controllers, data)
            if controllers.count > 1 {
                steps += controllers.map { .symlink(path: "\(mount.destination)/\($0)", target: name) }
            }
        }
        if hybrid { add("cgroup2", mount.destination + "/unified", [], []) }
        if attributes.set & MountAttributes.readOnly != 0 {
            late.append(
                .setMountAttributes(
                    path: mount.destination, attributes: .init(set: MountAttributes.readOnly), recursive: false))
        }
        return steps
    }

    /// The host's v2 tree, where the container shares the host's cgroup namespace. A mount of its own would set the
    /// tree's options anew for the host as well (its nsdelegate would be gone; cgroups(7), "Delegation"), and wait for
    /// all processes that fork (cgroup_favor_dynmods in kernel/cgroup/cgroup.c).
    private var sharedTree: String? {
        if spec.linux.namespaces.contains(where: { $0.type == "cgroup" }) { return nil }
        switch host.cgroups {
        case .unified: return "/sys/fs/cgroup"
        case .legacy(_, let hybrid): return hybrid ? "/sys/fs/cgroup/unified" : nil
        case .none: return nil
        }
    }

    /// Whether the container is put into the v1 hierarchy of `controllers`: of another one it would see, and as far as
    /// its rights go change, the group that the runtime is in (CVE-2022-0492).
    private func isJoined(_ controllers: [String], hybrid: Bool) -> Bool {
        var joined = ["devices", "memory", "cpu", "cpuacct", "pids"]
        let resources = spec.linux.resources
        if resources.cpu.namesSets { joined.append("cpuset") }
        if !resources.hugepageLimits.isEmpty { joined.append("hugetlb") }
        if let rare = resources.rare {
            if rare.blockIO != nil { joined.append("blkio") }
            if rare.classID != nil { joined.append("net_cls") }
            if !rare.priorities.isEmpty { joined.append("net_prio") }
            if !rare.rdma.isEmpty { joined.append("rdma") }
        }
        if !hybrid { joined.append("freezer") }
        return controllers.contains { joined.contains($0) }
    }

    // MARK: /dev

    /// config-linux.md, "Default Devices", and the links that programs expect.
    private mutating func deviceSteps() -> [Step] {
        let character: UInt32 = 0o020000
        func device(_ path: String, _ major: UInt32, _ minor: UInt32) -> Step {
            node(.init(path: path, mode: character | 0o666, major: major, minor: minor, uid: 0, gid: 0))
        }
        return [
            device("/dev/null", 1, 3), device("/dev/zero", 1, 5), device("/dev/full", 1, 7),
            device("/dev/random", 1, 8), device("/dev/urandom", 1, 9), device("/dev/tty", 5, 0),
            .symlink(path: "/dev/fd", target: "/proc/self/fd"), .symlink(path: "/dev/stdin", target: "/proc/self/fd/0"),
            .symlink(path: "/dev/stdout", target: "/proc/self/fd/1"),
            .symlink(path: "/dev/stderr", target: "/proc/self/fd/2"),
            .symlink(path: "/dev/core", target: "/proc/kcore"),
            .symlink(path: "/dev/ptmx", target: "pts/ptmx"),
        ]
    }

    /// In a user namespace no node can be made: the host's is bound.
    private mutating func node(_ node: DeviceNode) -> Step {
        guard spec.linux.namespaces.contains(where: { $0.type == "user" }) else { return .device(node) }
        descriptors.append(.bindSource(path: node.path, recursive: false))
        return .bind(BindMount(index: descriptors.count - 1, source: node.path, target: node.path))
    }

    private mutating func extraDevices() throws(PlanningError) -> [Step] {
        var steps: [Step] = []
        for (i, device) in spec.linux.devices.enumerated() {
            guard device.path.hasPrefix("/"), let major = UInt32(exactly: device.major),
                let minor = UInt32(exactly: device.minor), major < 4096, minor < 1 << 20
            else {
                throw .unsupported("device '\(device.path)' \(device.major):\(device.minor)", at: "/linux/devices/\(i)")
            }
            let type: UInt32 = device.type == "b" ? 0o060000 : device.type == "p" ? 0o010000 : 0o020000
            steps.append(
                node(
                    .init(
                        path: device.path, mode: type | (device.fileMode ?? 0o666) & 0o7777, major: major, minor: minor,
                        uid: device.uid, gid: device.gid)))
        }
        return steps
    }

    // MARK: propagation

    /// Of the host's tree as the child sees it: a shared root needs it shared, all else a slave.
    var outerPropagation: Propagation.Kind {
        guard let text = spec.linux.rootfsPropagation, let wanted = Propagation(text) else { return .slave }
        return wanted.kind == .private || wanted.kind == .unbindable ? .private : .slave
    }

    /// Whether the root file system itself is to show what the host mounts in it.
    var rootFollows: Bool {
        guard let text = spec.linux.rootfsPropagation, let wanted = Propagation(text) else { return false }
        return wanted.kind == .slave
    }

    func rootPropagation() throws(PlanningError) -> Propagation? {
        guard let text = spec.linux.rootfsPropagation, !text.isEmpty else { return nil }
        guard let wanted = Propagation(text) else {
            throw .unsupported("propagation '\(text)'", at: "/linux/rootfsPropagation")
        }
        return wanted
    }
}
