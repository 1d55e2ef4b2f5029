import Foundation
import Testing

@testable import OCI
@testable import Planning

struct PlannerTests {
    static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")
    static let legacy = HostFacts.CgroupLayout.legacy(
        hierarchies: [["cpu", "cpuacct"], ["memory"], ["pids"], ["devices"]], hybrid: false)
    static let hybrid = HostFacts.CgroupLayout.legacy(hierarchies: [["memory"], ["pids"], ["devices"]], hybrid: true)

    static func host(_ cgroups: HostFacts.CgroupLayout) -> HostFacts {
        HostFacts(
            cgroups: cgroups, architecture: .arm64, lastCapability: 40, capabilities: 0x1ff_ffff_ffff & ~(1 << 24))
    }

    static func plan(
        _ spec: RuntimeSpec, _ cgroups: HostFacts.CgroupLayout = .unified, filter: Bool = false, strict: Bool = false
    ) throws(PlanningError) -> LaunchPlan {
        try Planner.plan(
            spec, on: host(cgroups),
            .init(
                cgroupPath: "perigee/0/web", rootDescription: "directory rootfs", keyring: "_ses.web",
                hasFilter: filter,
                isStrict: strict))
    }

    /// Compares with the file; with PERIGEE_GOLDEN=write in the environment it writes the file, for a review of the diff.
    static func compare(_ plan: LaunchPlan, _ name: String) throws {
        let file = golden.appending(path: name + ".plan")
        if ProcessInfo.processInfo.environment["PERIGEE_GOLDEN"] == "write" {
            try Data(plan.text.utf8).write(to: file)
        }
        #expect(plan.text == String(decoding: try Data(contentsOf: file), as: UTF8.self), "\(name)")
    }

    @Test(
        "the default configuration on each kind of host",
        arguments: [
            ("default-v2", HostFacts.CgroupLayout.unified), ("default-v1", legacy), ("default-hybrid", hybrid),
        ])
    func defaults(name: String, cgroups: HostFacts.CgroupLayout) throws {
        try Self.compare(try Self.plan(.standard(), cgroups), name)
    }

    /// It kills all that it sees.
    @Test("an init has a pid namespace of its own, or there is no plan")
    func initNeedsProcessNamespace() throws {
        let initial = ContainerInit(stopSignal: 15, grace: 1000, deadline: 0)
        for path in [nil, "/proc/1/ns/pid"] {
            var spec = try RuntimeSpec.standard()
            spec.linux.namespaces.removeAll { $0.type == "pid" }
            if let path { spec.linux.namespaces.append(.init(type: "pid", path: path)) }
            #expect(throws: PlanningError.self) {
                try Planner.plan(
                    spec, on: Self.host(.unified),
                    .init(
                        cgroupPath: nil, rootDescription: "", keyring: nil, hasFilter: false, isStrict: true,
                        initial: initial))
            }
        }
    }

    /// A mount in the host's cgroup namespace sets the options of the host's tree (cgroups(7)).
    @Test("a container in the host's cgroup namespace gets a bind of the host's tree, one with its own a mount")
    func sharedCgroupNamespace() throws {
        func step(_ own: LinuxSpec.Namespace?, _ cgroups: HostFacts.CgroupLayout, type: String) throws -> Step? {
            var spec = try RuntimeSpec.standard()
            spec.mounts.removeAll { $0.type == "cgroup" || $0.type == "cgroup2" }
            spec.mounts.append(
                .init(destination: "/sys/fs/cgroup", type: type, source: "cgroup", options: ["nosuid", "ro"]))
            spec.linux.namespaces.removeAll { $0.type == "cgroup" }
            if let own { spec.linux.namespaces.append(own) }
            return try Self.plan(spec, cgroups).child.first {
                switch $0 {
                case .mount(let mount): mount.target == "/sys/fs/cgroup"
                case .bind(let bind): bind.target == "/sys/fs/cgroup"
                default: false
                }
            }
        }
        for (cgroups, type, tree) in [
            (HostFacts.CgroupLayout.unified, "cgroup", "/sys/fs/cgroup"), (.unified, "cgroup2", "/sys/fs/cgroup"),
            (Self.hybrid, "cgroup2", "/sys/fs/cgroup/unified"),
        ] {
            guard case .bind(let bind) = try step(nil, cgroups, type: type) else {
                Issue.record("\(type) on \(cgroups)")
                continue
            }
            #expect(bind.source == tree && bind.strict && !bind.isRecursive)
            #expect(bind.attributes.set & MountAttributes.readOnly != 0)
        }
        for own in [LinuxSpec.Namespace(type: "cgroup"), .init(type: "cgroup", path: "/proc/7/ns/cgroup")] {
            guard case .mount(let mount) = try step(own, .unified, type: "cgroup") else {
                Issue.record("\(own)")
                continue
            }
            #expect(mount.type == "cgroup2")
        }
    }

    /// Of a hierarchy that it has not joined it would see the group that the runtime is in.
    @Test("a container is shown the cpuset hierarchy where its configuration names processors, with or without a value")
    func namedSets() throws {
        let cgroups = HostFacts.CgroupLayout.legacy(hierarchies: [["memory"], ["cpuset"]], hybrid: false)
        for (json, isShown) in [("{}", false), (#"{"cpu": {}}"#, true), (#"{"cpu": {"cpus": "0"}}"#, true)] {
            var spec = try RuntimeSpec.standard()
            spec.linux.resources = try LinuxResources(JSON(parsing: Array(json.utf8)))
            let shown = try Self.plan(spec, cgroups).child.contains {
                if case .mount(let mount) = $0 { mount.target == "/sys/fs/cgroup/cpuset" } else { false }
            }
            #expect(shown == isShown, "\(json)")
        }
    }

    @Test("with a second processor the network namespace is made beside, and joined before the sysfs that shows it")
    func networkBeside() throws {
        var host = Self.host(.unified)
        host.processors = 2
        let context = Planner.Context(
            cgroupPath: "perigee/0.web", rootDescription: "directory rootfs", keyring: "_ses.web", hasFilter: false,
            isStrict: false)
        var spec = try RuntimeSpec.standard()
        let plan = try Planner.plan(spec, on: host, context)
        try Self.compare(plan, "default-v2-beside")
        #expect(!plan.clone.namespaces.contains(.network) && !plan.child.contains(.loopbackUp))
        let take = try #require(plan.child.firstIndex(of: .takeNetwork(index: 0)))
        let sysfs = plan.child.firstIndex { if case .mount(let mount) = $0 { mount.type == "sysfs" } else { false } }
        #expect(try #require(sysfs) == take + 1)
        // It would belong to the runtime's user namespace, and not to the container's.
        spec.linux.namespaces.append(.init(type: "user", path: "/proc/1/ns/user"))
        let joined = try Planner.plan(spec, on: host, context)
        #expect(joined.clone.namespaces.contains(.network) && joined.child.contains(.loopbackUp))
    }

    @Test("a group that may have little memory gets no process in the runtime's")
    func memoryOfItsOwn() throws {
        var spec = try RuntimeSpec.standard()
        #expect(try Self.plan(spec).clone.sharesMemory)
        spec.linux.resources.memory.limit = 16 << 20
        spec.linux.resources.unified = [("memory.high", "4096"), ("memory.max", "max")]
        #expect(try Self.plan(spec).clone.sharesMemory)
        spec.linux.resources.memory.limit = 4096
        #expect(try !Self.plan(spec).clone.sharesMemory)
        spec.linux.resources.memory.limit = nil
        for value in ["0", "4096", "4k"] {
            spec.linux.resources.unified = [("memory.max", value)]
            #expect(try !Self.plan(spec).clone.sharesMemory, "\(value)")
        }
    }

    @Test(
        "an unprivileged user's filter is loaded before its last privilege goes, or with no_new_privs after it",
        arguments: [true, false])
    func seccomp(noNewPrivileges: Bool) throws {
        var spec = try RuntimeSpec.standard()
        spec.process?.noNewPrivileges = noNewPrivileges
        spec.process?.user.uid = 1000
        spec.process?.user.gid = 1000
        spec.process?.user.additionalGids = [7]
        let plan = try Self.plan(spec, filter: true)
        try Self.compare(plan, noNewPrivileges ? "seccomp-late" : "seccomp-early")
        let filter = try #require(plan.child.firstIndex(of: .seccomp(flags: [])))
        let uid = try #require(plan.child.firstIndex(of: .uid(1000)))
        #expect(filter > uid)
        let directory = try #require(plan.child.firstIndex(of: .workingDirectory("/")))
        #expect(filter > directory)
        // What a profile must allow: what comes after it.
        #expect(plan.child.count - 1 - filter == (noNewPrivileges ? 1 : 3))
    }

    @Test("a user namespace: maps before all else, nodes bound and not made")
    func userNamespace() throws {
        var spec = try RuntimeSpec.standard()
        spec.linux.namespaces.append(.init(type: "user"))
        spec.linux.uidMappings = [.init(containerID: 0, hostID: 100_000, size: 65536)]
        spec.linux.gidMappings = spec.linux.uidMappings
        let plan = try Self.plan(spec, Self.hybrid)
        try Self.compare(plan, "user-namespace")
        #expect(plan.child.first == .await(.identityMapsWritten))
        #expect(!plan.child.contains { if case .device = $0 { true } else { false } })
    }

    @Test("a terminal is made in the container's /dev, before that may be read-only, and replaces the caller's streams")
    func terminal() throws {
        var spec = try RuntimeSpec.standard()
        spec.process?.terminal = true
        spec.process?.user.uid = 1000
        spec.process?.consoleSize = .init(rows: 24, columns: 80)
        spec.root.readonly = true
        var context = Planner.Context(
            cgroupPath: "perigee/0/web", rootDescription: "", keyring: nil, hasFilter: false, isStrict: false,
            isParked: true, preserved: 3)
        let plan = try Planner.plan(spec, on: Self.host(.unified), context)
        try Self.compare(plan, "terminal")
        let at = try #require(plan.child.firstIndex { if case .terminal = $0 { true } else { false } })
        let session = try #require(plan.child.firstIndex(of: .newSession))
        let device = try #require(plan.child.lastIndex { if case .device = $0 { true } else { false } })
        let readOnly = try #require(
            plan.child.firstIndex { if case .setMountAttributes = $0 { true } else { false } })
        #expect(session < at && device < at && at < readOnly)
        let keep = try #require(plan.child.firstIndex(of: .preserveDescriptors(count: 3)))
        let park = try #require(plan.child.firstIndex { if case .park = $0 { true } else { false } })
        #expect(keep < park)
        for step in plan.child {
            if case .ownStandardStreams = step { Issue.record("the caller's streams change their owner") }
            if case .sessionKeyring = step { Issue.record("a keyring that was not wanted") }
        }
        // What the caller sees counts more than what the configuration says.
        context.terminalSize = .init(rows: 50, columns: 132)
        let seen = try Planner.plan(spec, on: Self.host(.unified), context)
        #expect(seen.text.contains("50 rows, 132 columns, user 1000"))
        // In a container that runs it is no console.
        let further = try Planner.planExec(spec, joining: [.mount, .pid], of: 7, on: Self.host(.unified), context)
        let join = try #require(further.child.firstIndex { if case .join(.mount, _) = $0 { true } else { false } })
        #expect(
            further.child.firstIndex(
                of: .terminal(
                    ContainerTerminal(index: 2, size: context.terminalSize, uid: 1000, isConsole: false)))
                == join + 2)
    }

    @Test("hooks: the child waits before it leaves the root, and before it becomes the command")
    func hooks() throws {
        var spec = try RuntimeSpec.standard()
        func hook(_ name: String) -> [Hooks.Hook] { [.init(path: "/" + name, args: ["x", "a b"], timeout: 1)] }
        spec.hooks = Hooks([
            .createRuntime: hook("cr") + hook("cr2"), .createContainer: hook("cc"), .startContainer: hook("sc"),
            .poststart: hook("ps"), .poststop: hook("st"),
        ])
        spec.linux.resources.devices = [.init(allow: false, access: "rwm")]
        var context = Planner.Context(
            cgroupPath: "perigee/0/web", rootDescription: "directory rootfs", keyring: "_ses.web", hasFilter: true,
            isStrict: false, rootPath: "/bundle/rootfs", hasListener: true)
        spec.linux.seccomp = LinuxSeccomp(defaultAction: "SCMP_ACT_ALLOW")
        #expect(throws: PlanningError.self) { try Planner.plan(spec, on: Self.host(.unified), context) }
        spec.linux.seccomp?.listenerPath = "/agent"
        let plan = try Planner.plan(spec, on: Self.host(.unified), context)
        try Self.compare(plan, "hooks")
        // A wait passes over what it is not for.
        let devices = try #require(plan.child.firstIndex(of: .await(.devicesRestricted)))
        let hooks = try #require(plan.child.firstIndex(of: .await(.createHooksRun)))
        #expect(devices < hooks && plan.child.firstIndex(of: .pivotRoot) == hooks + 1)
        context.isParked = true
        let parked = try Planner.plan(spec, on: Self.host(.unified), context)
        #expect(parked.after.isEmpty && !parked.child.contains(.await(.startHooksRun)))
        #expect(parked.child.contains(.awaitListener) && !parked.beside.contains(.sendListener(path: "/agent")))
    }

    @Test("namespaces of others are joined: pid by the runtime, the rest by the child")
    func joining() throws {
        var spec = try RuntimeSpec.standard()
        for i in spec.linux.namespaces.indices where ["pid", "network"].contains(spec.linux.namespaces[i].type) {
            spec.linux.namespaces[i].path = "/proc/1/ns/\(spec.linux.namespaces[i].type == "pid" ? "pid" : "net")"
        }
        let plan = try Self.plan(spec)
        try Self.compare(plan, "joining")
        #expect(!plan.clone.namespaces.contains(.network) && !plan.child.contains(.loopbackUp))
    }

    @Test("every option of a mount goes where it belongs")
    func mounts() throws {
        var spec = try RuntimeSpec.standard()
        spec.mounts += [
            MountSpec(
                destination: "/a", type: "bind", source: "/x",
                options: ["rbind", "rro", "rnosuid", "noatime", "rslave"]),
            MountSpec(
                destination: "b", type: "tmpfs", source: "tmpfs",
                options: ["ro", "sync", "size=5m", "nosymfollow", "private"]),
            MountSpec(
                destination: "/b/in", type: "tmpfs", source: "tmpfs", options: ["rw", "exec", "dev", "relatime"]),
        ]
        spec.mounts[spec.mounts.count - 2].destination = "/b"
        try Self.compare(try Self.plan(spec), "mounts")
    }

    @Test("what can't be planned is refused before anything is done")
    func refusals() throws {
        func error(_ change: (inout RuntimeSpec) -> Void, strict: Bool = false) throws -> String {
            var spec = try RuntimeSpec.standard()
            change(&spec)
            do throws(PlanningError) { _ = try Self.plan(spec, strict: strict) } catch { return "\(error)" }
            return "planned"
        }
        #expect(try error { $0.linux.sysctl = [.init(key: "kernel.panic", value: "1")] }.contains("the whole host's"))
        #expect(
            try error {
                $0.linux.namespaces.removeAll { $0.type == "network" }
                $0.linux.sysctl = [.init(key: "net.core.somaxconn", value: "1")]
            }.contains("needs a net namespace"))
        #expect(try error { $0.process?.rlimits = [.init(type: "RLIMIT_X", soft: 1, hard: 1)] }.contains("RLIMIT_X"))
        #expect(
            try error { $0.mounts[0].options = ["idmap"] }.contains(
                "/mounts/0/options: mount option 'idmap': it is an option of bind mounts"))
        #expect(
            try error({ $0.process?.capabilities?.bounding = ["CAP_X"] }, strict: true).contains(
                "no capability 'CAP_X'"))
        #expect(
            try error {
                $0.linux.namespaces.removeAll { $0.type == "mount" }
                $0.linux.namespaces.append(.init(type: "user"))
            }.contains("a user namespace without a mount namespace"))
        #expect(try error { $0.linux.namespaces.removeAll { $0.type == "uts" } }.contains("/hostname: needs a uts"))
    }

    @Test("a capability that can't be granted warns, and is left out")
    func warnings() throws {
        var spec = try RuntimeSpec.standard()
        spec.process?.capabilities?.bounding = ["CAP_SYS_RESOURCE", "CAP_NEW", "CAP_KILL"]
        let plan = try Self.plan(spec)
        #expect(plan.child.contains(.boundingSet(keep: 1 << 5)))
        #expect(
            plan.warnings.contains("/process/capabilities/bounding: CAP_SYS_RESOURCE can't be granted and is left out"))
        #expect(plan.warnings.contains("/process/capabilities/bounding: unknown capability CAP_NEW is left out"))
    }
}
