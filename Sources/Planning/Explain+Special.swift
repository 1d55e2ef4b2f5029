// The texts of what few configurations ask for.
extension Step {
    var specialText: String {
        switch self {
        case .makeTimeNamespace(let monotonic, let boottime):
            "new time namespace for the child" + (monotonic.map { ", monotonic \($0.text)" } ?? "")
                + (boottime.map { ", boottime \($0.text)" } ?? "")
        case .makeResctrlGroup(let group): "prepare \(group.text)"
        case .joinResctrlGroup(let group): "move the child into \(group.text)"
        case .placeChild(let processors): "run the child on processors \(quoted(processors))"
        case .moveNetworkDevices(let devices, _):
            "move into the child's network: "
                + devices.map {
                    $0.hostName == $0.name ? quoted($0.name) : "\(quoted($0.hostName)) as \(quoted($0.name))"
                }
                .joined(separator: ", ")
        case .scheduler(let scheduler): scheduler.text
        case .ioPriority(let number, let level):
            "I/O priority: \(["none", "real-time", "best effort", "idle"][Int(number & 3)]), level \(level)"
        case .processors(let list): "run on processors \(quoted(list))"
        case .personality(let number): "personality \(number == 8 ? "LINUX32" : "LINUX")"
        case .memoryPolicy(let mode, let nodes):
            "memory policy 0x\(String(mode, radix: 16))" + (nodes.isEmpty ? "" : " of nodes \(quoted(nodes))")
        case .securityLabel(let module, let label): "\(module.rawValue) label for the command: \(quoted(label))"
        default: ""
        }
    }

    var specialCalls: [String] {
        switch self {
        case .makeTimeNamespace: ["openat", "unshare", "write", "setns"]
        case .makeResctrlGroup: ["statfs", "mkdirat", "openat", "read", "write"]
        case .joinResctrlGroup: ["openat", "write"]
        case .placeChild, .processors: ["sched_setaffinity"]
        case .moveNetworkDevices: ["openat", "setns", "socket", "sendto", "recvfrom"]
        case .scheduler: ["sched_setattr"]
        case .ioPriority: ["ioprio_set"]
        case .personality: ["personality"]
        case .memoryPolicy: ["set_mempolicy"]
        case .securityLabel: ["openat", "write"]
        default: []
        }
    }
}

extension ClockOffset {
    var text: String { (seconds < 0 ? "" : "+") + "\(seconds)s" + (nanoseconds == 0 ? "" : " +\(nanoseconds)ns") }
}

extension ResctrlGroup {
    var text: String {
        (name.isEmpty ? "the default resctrl class" : "resctrl class \(quoted(name))")
            + (schemata.isEmpty ? "" : ": " + schemata.map(quoted).joined(separator: " "))
            + (monitor.map { ", monitored as \(quoted($0))" } ?? "")
    }
}

extension SchedulerSettings {
    fileprivate var text: String {
        let names = SchedulerSettings.flagNames.enumerated().filter { flags >> UInt64($0.offset) & 1 == 1 }
        let policy = SchedulerSettings.policies[Int(self.policy)]
        let times = runtime | deadline | period == 0 ? "" : ", \(runtime) of \(deadline) of \(period) ns"
        return "scheduler \(policy), nice \(nice), priority \(priority)\(times)"
            + (names.isEmpty ? "" : ": " + names.map(\.element).joined(separator: " "))
    }
}

extension SpecialSource {
    /// What is opened, as in ``LaunchPlan/DescriptorUse``.
    var text: String {
        let kind =
            switch link {
            case .followed: ""
            case .mounted: ", itself if it is a link"
            case .copied: ", or the link that it is"
            }
        let map =
            switch owners {
            case nil: ""
            case .ranges(let uid, let gid, let isRecursive):
                ", owners mapped\(isRecursive ? " below too" : ""): users \(uid.text), groups \(gid.text)"
            case .namespace(let path, let isRecursive):
                ", owners mapped\(isRecursive ? " below too" : "") as in the user namespace \(quoted(path))"
            }
        return "a clone of \(quoted(path))" + (recursive ? " and what is mounted below" : "") + kind + map
    }
}
