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
            if mount.hasIdentityMaps { throw .unsupported("an id-mapped mount", at: at) }
            guard !mount.destination.utf8.isEmpty, mount.destination != "/" else {
                throw .unsupported("a mount over the root", at: at + "/destination")
            }
            let options = try MountOptions(mount, at: at + "/options")
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
        guard source.hasPrefix("/") else { throw .unsupported("a relative source of a bind mount", at: at + "/source") }
        for option in options.data {
            guard !context.isStrict else {
                throw .mountOption(option.key, at: at + "/options", why: "a bind mount has no options of a file system")
            }
            warnings.append("\(at)/options: a bind mount has no options of a file system; '\(option.key)' is left out")
        }
        let index = open(.bindSource(path: source, recursive: options.isRecursive))
        return .bind(
            BindMount(
                index: index, source: source, target: mount.destination,
                attributes: options.attributes.forChange, recursiveAttributes: options.recursiveAttributes.forChange,
                propagation: options.propagation, strict: isStrict(mount.destination)))
    }

    /// A read-only mount below which something is mounted later, or nodes are made, is made read-only at the end.
    private func fileSystem(
        _ mount: MountSpec, _ options: MountOptions, _ index: Int, _ late: inout [Step]
    ) -> [Step] {
        var attributes = MountAttributes(set: options.attributes.set | options.recursiveAttributes.set)
        let inside = mount.destination + "/"
        let later = spec.mounts[(index + 1)...].contains { $0.destination.hasPrefix(inside) }
        if attributes.set & MountAttributes.readOnly != 0, mount.type == "tmpfs", later || mount.destination == "/dev" {
            attributes.set &= ~MountAttributes.readOnly
            late.append(
                .setMountAttributes(
                    path: mount.destination, attributes: .init(set: MountAttributes.readOnly), recursive: false))
        }
        return [
            .mount(
                FileSystemMount(
                    type: mount.type ?? "none", source: mount.source ?? "", target: mount.destination,
                    options: options.data, attributes: attributes, strict: isStrict(mount.destination),
                    propagation: options.propagation))
        ]
    }

    /// What `cgroup` means depends on the host: the one v2 tree, or a tmpfs with a v1 hierarchy in each directory.
    private mutating func cgroupMounts(_ mount: MountSpec, _ options: MountOptions, _ late: inout [Step]) -> [Step] {
        let attributes = MountAttributes(set: options.attributes.set)
        func tree(_ type: String, _ target: String, _ data: [FileSystemMount.Option]) -> Step {
            .mount(
                FileSystemMount(
                    type: type, source: "cgroup", target: target, options: data, attributes: attributes, strict: true))
        }
        guard case .legacy(let hierarchies, let hybrid) = host.cgroups, mount.type == "cgroup" else {
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

    /// Whether the container is put into the v1 hierarchy of `controllers`: of another one it would see, and as far as
    /// its rights go change, the group that the runtime is in (CVE-2022-0492).
    private func isJoined(_ controllers: [String], hybrid: Bool) -> Bool {
        var joined = ["devices", "memory", "cpu", "cpuacct", "pids"]
        let resources = spec.linux.resources
        if resources.cpu.cpus != nil || resources.cpu.mems != nil { joined.append("cpuset") }
        if !resources.hugepageLimits.isEmpty { joined.append("hugetlb") }
        if !hybrid { joined.append("freezer") }
        return controllers.contains { joined.contains($0) }
    }

    // MARK: /dev

    /// config-linux.md, "Default Devices", and the links that programs expect.
    private mutating func deviceSteps() -> [Step] {
        let devices: [(String, UInt32, UInt32)] = [
            ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
        ]
        var steps: [Step] = []
        for (name, major, minor) in devices {
            let character: UInt32 = 0o020000
            steps.append(
                node(.init(path: "/dev/\(name)", mode: character | 0o666, major: major, minor: minor, uid: 0, gid: 0)))
        }
        let links = [
            ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"), ("core", "/proc/kcore"), ("ptmx", "pts/ptmx"),
        ]
        return steps + links.map { .symlink(path: "/dev/" + $0.0, target: $0.1) }
    }

    /// In a user namespace no node can be made: the host's is bound.
    private mutating func node(_ node: DeviceNode) -> Step {
        guard isNew("user") else { return .device(node) }
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

    func rootPropagation() throws(PlanningError) -> Propagation? {
        guard let text = spec.linux.rootfsPropagation, !text.isEmpty else { return nil }
        guard let wanted = Propagation(text) else {
            throw .unsupported("propagation '\(text)'", at: "/linux/rootfsPropagation")
        }
        return wanted
    }
}
