import Testing

@testable import OCI
@testable import Planning

/// Plans of what few configurations ask for.
struct SettingsTests {
    private func plan(_ change: (inout RuntimeSpec) -> Void) throws -> LaunchPlan {
        var spec = try RuntimeSpec.standard()
        change(&spec)
        return try PlannerTests.plan(spec)
    }

    private func refusal(_ change: (inout RuntimeSpec) -> Void) -> String {
        do {
            _ = try plan(change)
            return "planned"
        } catch { return "\(error)" }
    }

    private func mounted(_ mount: MountSpec) throws -> [Step] {
        try plan { $0.mounts.append(mount) }.child.filter {
            switch $0 {
            case .mount(let made): made.target == mount.destination
            case .bind(let bind): bind.target == mount.destination
            case .setMountAttributes(let path, _, _): path == mount.destination
            default: false
            }
        }
    }

    @Test("the whole of it, as --explain shows it")
    func text() throws {
        var process = ProcessSettings(), linux = LinuxSettings()
        process.scheduler = .init(policy: "SCHED_FIFO")
        process.scheduler?.priority = 5
        process.ioPriority = .init(priorityClass: "IOPRIO_CLASS_RT", priority: 1)
        process.apparmorProfile = "mine"
        process.selinuxLabel = "u:r:t:s0"
        linux.timeOffsets = .init(
            monotonic: .init(seconds: 5, nanoseconds: 0), boottime: .init(seconds: -7, nanoseconds: 9))
        linux.personality = .init(domain: "LINUX32")
        linux.memoryPolicy = .init(mode: "MPOL_INTERLEAVE", nodes: "0-1", flags: ["MPOL_F_STATIC_NODES"])
        linux.netDevices = [.init(hostName: "eth1", name: "eth0"), .init(hostName: "eth2", name: "eth2")]
        linux.mountLabel = "u:object_r:t:s0"
        linux.intelRdt = .init()
        linux.intelRdt?.closID = "gold"
        linux.intelRdt?.l3CacheSchema = "L3:0=f"
        linux.intelRdt?.memBwSchema = "MB:0=20"
        linux.intelRdt?.schemata = ["L2:0=f"]
        linux.intelRdt?.enableMonitoring = true
        let plan = try plan {
            $0.process?.settings = process
            $0.linux.settings = linux
            $0.linux.namespaces.append(.init(type: "time"))
            $0.linux.rootfsPropagation = "rslave"
            var one = MountSpec(destination: "/one", source: "/a", options: ["bind", "ridmap", "dest-nofollow"])
            let map = [LinuxSpec.IdentityMapping(containerID: 0, hostID: 1000, size: 10)]
            one.identityMaps = .init(uid: map, gid: map)
            $0.mounts += [
                one, MountSpec(destination: "/two", source: "/b", options: ["bind", "copy-symlink"]),
                MountSpec(destination: "/three", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro"]),
                MountSpec(destination: "/two", options: ["remount", "nosuid", "rro"]),
            ]
        }
        try PlannerTests.compare(plan, "settings")
        // In memory that is shared the child would not be in its time namespace at once.
        #expect(!plan.clone.sharesMemory && !plan.clone.namespaces.contains(.time))
    }

    @Test("what asks for none of it has the same plan as ever")
    func nothing() throws {
        #expect(try plan { $0.process?.settings = ProcessSettings() }.text == plan { _ in }.text)
    }

    @Test("lists of numbers become bits")
    func numbers() {
        #expect(NumberList("0")?.words == [1] && NumberList("0-3,7")?.words == [0x8f])
        #expect(NumberList("64,0")?.words == [1, 1] && NumberList("63-65")?.words == [1 << 63, 3])
        for bad in ["", "a", "1-", "-1", "3-1", "1,,2", "8192", "1-2-3", " 1", "99999999999999999999"] {
            #expect(NumberList(bad) == nil, "\(bad)")
        }
    }

    @Test("a read-only tmpfs that is filled is made read-only at the end")
    func copyUp() throws {
        let steps = try mounted(MountSpec(destination: "/x", type: "tmpfs", options: ["tmpcopyup", "ro", "mode=700"]))
        guard case .mount(let made) = steps.first else { return #expect(Bool(false), "\(steps)") }
        #expect(made.copiesUp && !made.takesMode && made.attributes.set == 0)
        #expect(
            steps.last
                == .setMountAttributes(path: "/x", attributes: .init(set: MountAttributes.readOnly), recursive: false))
    }

    @Test("the root can't be mounted over, however it is written; its attributes can be changed")
    func root() {
        for path in ["/", "//", "/.", "/./", "/../.", "/.."] {
            let message = refusal { $0.mounts.append(MountSpec(destination: path, type: "tmpfs")) }
            #expect(message.contains("a mount over the root is not supported"), "\(path)")
        }
        #expect(refusal { $0.mounts.append(MountSpec(destination: "/...", type: "tmpfs")) } == "planned")
        #expect(refusal { $0.mounts.append(MountSpec(destination: "/", options: ["remount", "ro"])) } == "planned")
    }

    @Test("what means nothing is refused with its place")
    func refusals() {
        func process(_ change: @escaping (inout ProcessSettings) -> Void) -> String {
            refusal {
                var settings = ProcessSettings()
                change(&settings)
                $0.process?.settings = settings
            }
        }
        func linux(_ change: @escaping (inout LinuxSettings) -> Void) -> String {
            refusal {
                var settings = LinuxSettings()
                change(&settings)
                $0.linux.settings = settings
            }
        }
        #expect(process { $0.scheduler = .init(policy: "SCHED_ISO") }.contains("/process/scheduler/policy"))
        var scheduler = ProcessSettings.Scheduler(policy: "SCHED_RR")
        scheduler.flags = ["X"]
        let flagged = process { $0.scheduler = scheduler }
        #expect(flagged.contains("/process/scheduler/flags: X"))
        (scheduler.flags, scheduler.priority) = ([], -1)
        let negative = process { $0.scheduler = scheduler }
        #expect(negative.contains("a priority can't be negative"))
        #expect(
            process { $0.ioPriority = .init(priorityClass: "X", priority: 0) }.contains("/process/ioPriority/class"))
        #expect(
            process { $0.ioPriority = .init(priorityClass: "IOPRIO_CLASS_BE", priority: 8) }.contains("not from 0 to 7")
        )
        #expect(linux { $0.personality = .init(domain: "X") }.contains("neither LINUX nor LINUX32"))
        #expect(linux { $0.personality = .init(domain: "LINUX", flags: ["X"]) }.contains("no flag of a personality"))
        #expect(linux { $0.memoryPolicy = .init(mode: "X") }.contains("/linux/memoryPolicy/mode: X"))
        #expect(linux { $0.memoryPolicy = .init(mode: "MPOL_BIND", flags: ["X"]) }.contains("/flags: X"))
        #expect(linux { $0.memoryPolicy = .init(mode: "MPOL_BIND", nodes: "x") }.contains("not a list like 0-3,7"))
        #expect(linux { $0.timeOffsets = .init() }.contains("needs a time namespace"))
        func option(_ options: [String], type: String = "tmpfs") -> String {
            refusal { $0.mounts.append(MountSpec(destination: "/x", type: type, source: "/y", options: options)) }
        }
        for name in ["copy-symlink", "src-nofollow", "dest-nofollow", "idmap", "ridmap"] {
            #expect(option([name]).contains("mount option '\(name)': it is an option of bind mounts"))
        }
        #expect(option(["bind", "tmpcopyup"]).contains("a bind mount has its own content"))
        #expect(option(["tmpcopyup"], type: "proc").contains("it is an option of tmpfs"))
        #expect(option(["bind", "idmap=uids=0-1-2"]).contains("the mapping belongs into uidMappings"))
        #expect(option(["bind", "idmap"]).contains("an id-mapped mount without uidMappings and gidMappings"))
        #expect(option(["remount", "size=1m"]).contains("remount changes a mount, and not its file system"))
    }

    @Test("a further process runs where it is told, before it is in the group and after, with its labels")
    func exec() throws {
        var spec = try RuntimeSpec.standard()
        var settings = ProcessSettings()
        settings.execCPUAffinity = .init(initial: "0", final: "1-2")
        settings.apparmorProfile = "mine"
        spec.process?.settings = settings
        let context = Planner.Context(
            cgroupPath: "perigee/0.web", rootDescription: "", keyring: "k", hasFilter: false, isStrict: false)
        let plan = try Planner.planExec(
            spec, joining: [.pid], of: 7, on: PlannerTests.host(.unified), context)
        #expect(plan.beside.prefix(2) == [.placeChild(processors: "0"), .joinCgroup(path: "perigee/0.web")])
        #expect(plan.child.prefix(2) == [.await(.cgroupJoined), .processors("1-2")])
        let proc = try #require(plan.child.firstIndex(of: .openProc(goesWithRoot: false)))
        #expect(try #require(plan.child.firstIndex(of: .securityLabel(.apparmor, "mine"))) > proc)
    }
}
