internal import OCI

/// Who carries out a step.
package enum PlanActor: String, Hashable, Sendable { case runtime, child }

/// A step of a plan with its number, as `--explain` and `--timeline` show it and an error names it.
package struct NumberedStep: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case step(Step)
        case clone(LaunchPlan.Clone)
    }

    /// From 1, through all actors: before, the clone, beside, child.
    package let number: Int
    package let actor: PlanActor
    package let action: Action

    /// What is done, without number and actor: `mount proc on /proc: nosuid,nodev,noexec`.
    package func text(in plan: LaunchPlan) -> String {
        switch action {
        case .step(let step): step.text(in: plan)
        case .clone(let clone): clone.text
        }
    }

    /// The system calls that it makes.
    package var calls: [String] {
        switch action {
        case .step(let step): step.calls
        case .clone: ["clone3"]
        }
    }
}

extension LaunchPlan {
    /// All steps in the order of their numbers.
    package var steps: [NumberedStep] {
        var steps: [NumberedStep] = []
        func add(_ actor: PlanActor, _ action: NumberedStep.Action) {
            steps.append(NumberedStep(number: steps.count + 1, actor: actor, action: action))
        }
        for step in before { add(.runtime, .step(step)) }
        add(.runtime, .clone(clone))
        for step in beside { add(.runtime, .step(step)) }
        for step in child { add(.child, .step(step)) }
        for step in after { add(.runtime, .step(step)) }
        return steps
    }

    /// The number of the clone.
    package var cloneNumber: Int { before.count + 1 }
    /// The number of the first step of `beside`.
    package var firstBesideNumber: Int { before.count + 2 }
    /// The number of the first step of `child`.
    package var firstChildNumber: Int { before.count + 2 + beside.count }
    /// The number of the step that executes the command.
    package var execNumber: Int { firstChildNumber + child.count - 1 }

    /// Step `number`, from 1 to the command's; nil: the clone, or none.
    package func step(_ number: Int) -> Step? {
        let beside = number - before.count - 2, child = number - firstChildNumber
        if before.indices.contains(number - 1) { return before[number - 1] }
        if self.beside.indices.contains(beside) { return self.beside[beside] }
        return self.child.indices.contains(child) ? self.child[child] : nil
    }

    /// The whole plan for people, a line a step, warnings at the end. The text is stable: tests compare it.
    package var text: String {
        let steps = steps
        let width = max(2, String(steps.count).count)
        var out = ""
        for step in steps {
            let number = String(step.number)
            let actor = step.actor.rawValue
            out += String(repeating: " ", count: width - number.count) + number
            out += "  \(actor)\(String(repeating: " ", count: 9 - actor.count))\(step.text(in: self))"
            out += "  [\(step.calls.joined(separator: " "))]\n"
        }
        for warning in warnings { out += "warning: \(warning)\n" }
        return out
    }
}

extension LaunchPlan.Clone {
    var text: String {
        let new = namespaces.isEmpty ? "no new namespaces" : "new " + namespaces.map(\.word).joined(separator: ", ")
        return "clone the child: \(new)" + (intoCgroup ? "; born in its cgroup" : "")
            + (sharesMemory ? "" : "; in a copy of the runtime's memory")
    }
}

extension LaunchPlan.DescriptorUse {
    /// What is opened, as `--explain` and errors name it.
    package var text: String {
        switch self {
        case .root: "the root file system"
        case .network: "the network namespace that is made beside"
        case .cgroup(let controllers):
            "a clone of its own group" + (controllers.isEmpty ? "" : ", \(controllers.joined(separator: ","))")
        case .start: "the FIFO by which the command is started"
        case .console: "the socket that takes the terminal"
        case .exitRecord: "the record of the command's end"
        case .lock: "a lock that lives as long as the container"
        case .bindSource(let path, let isRecursive):
            "a clone of \(quoted(path))" + (isRecursive ? " and what is mounted below" : "")
        case .specialSource(let source): source.text
        case .namespace(let namespace, let path): "the \(namespace.word) namespace \(quoted(path))"
        case .ownMounts: "the runtime's mount namespace"
        case .rootOf(let process): "the root directory of process \(process)"
        }
    }
}

extension Step {
    /// What is done, as `--explain` shows it.
    package func text(in plan: LaunchPlan) -> String {
        switch self {
        case .makeNetwork(let index): "begin a network namespace, loopback up: comes by descriptor \(index)"
        case .park(let index): "tell that all is made, and await the start on descriptor \(index)"
        case .takeNetwork(let index): "await the network namespace on descriptor \(index), and join it"
        case .createCgroup(let path, let limits):
            "create cgroup \(quoted(path))" + (limits.isEmpty ? "" : ": " + limits.map(quoted).joined(separator: " "))
        case .openDescriptor(let index): "open descriptor \(index): \(plan.useText(index))"
        case .enterForChildren(_, let index): "enter for the child: \(plan.useText(index))"
        case .makeTimeNamespace, .makeResctrlGroup, .placeChild, .moveNetworkDevices, .joinResctrlGroup:
            specialText
        case .writeIdentityMaps(let uid, let gid):
            "write identity maps: users \(uid.text), groups \(gid.text)"
        case .joinCgroup(let path): "move the child into cgroup \(quoted(path))"
        case .restrictDevices(let path, let rules):
            "limit the devices of cgroup \(quoted(path)): \(rules) \(rules == 1 ? "rule" : "rules"), and the standard ones"
        case .hook(let kind, let index, let hook): hook.text(kind, index)
        case .sendListener(let path): "send the filter's listener to \(quoted(path))"
        case .signal(let handshake): "signal: \(handshake.text)"
        case .await(let handshake): "await: \(handshake.text)"
        case .becomeNamespaceRoot: "become root of the user namespace"
        case .join(_, let index): "join \(plan.useText(index))"
        case .unshareCgroup: "new cgroup namespace"
        case .newSession: "new session"
        case .sessionKeyring(let name): "new session keyring \(quoted(name))"
        case .hostname(let name): "host name \(quoted(name))"
        case .domainname(let name): "domain name \(quoted(name))"
        case .loopbackUp: "bring up the loopback interface"
        case .propagation, .attachRoot, .openProc, .mount, .bind, .device, .symlink, .makeDirectory,
            .setMountAttributes, .pivotRoot, .leaveMounts, .changeRoot, .rootPropagation, .sysctl, .maskPath,
            .readonlyPath:
            mountText
        default: processText
        }
    }

    private var mountText: String {
        switch self {
        case .propagation(let propagation): "make every mount \(propagation.kind.rawValue)"
        case .attachRoot(let index, let path, let follows):
            "attach the root file system, descriptor \(index)" + (path.map { ", at " + quoted($0) } ?? "")
                + (follows ? ", which follows the host's mounts" : "")
        case .openProc: "open a procfs of our own"
        case .mount(let mount): mount.text
        case .bind(let bind): bind.text
        case .device(let device): device.text
        case .symlink(let path, let target): "link \(quoted(path)) to \(quoted(target))"
        case .makeDirectory(let path, let mode): "make directory \(quoted(path)), mode \(String(mode, radix: 8))"
        case .setMountAttributes(let path, let attributes, let isRecursive):
            "set \(quoted(path))\(isRecursive ? " and what is mounted below" : ""): "
                + attributes.words.joined(separator: ",")
        case .pivotRoot: "make it the root, let the old one go"
        case .leaveMounts: "back to the mount namespace of the runtime, with the root"
        case .changeRoot(let index): "make descriptor \(index) the root"
        case .rootPropagation(let propagation): "make the root \(propagation.text)"
        case .sysctl(let key, let value): "set \(quoted(key)) to \(quoted(value))"
        case .maskPath(let path): "mask \(quoted(path))"
        case .readonlyPath(let path): "make \(quoted(path)) read-only"
        default: ""
        }
    }

    private var processText: String {
        switch self {
        case .terminal(let terminal): terminal.text
        case .stayAsInit(let initial, let index, let lock, _): initial.text(record: index, lock: lock)
        case .preserveDescriptors(let count):
            "leave \(count == 1 ? "descriptor 3" : "the descriptors 3 to \(count + 2)") to the command"
        case .rlimit(let name, let soft, let hard): "limit \(name) to \(Step.limit(soft)), at most \(Step.limit(hard))"
        case .oomScoreAdjust(let score): "adjust the OOM score by \(score)"
        case .ownStandardStreams(let uid, let gid): "give the standard streams to \(uid):\(gid)"
        case .boundingSet(let keep): "bounding set: \(Step.names(keep))"
        case .seccomp(let flags):
            "load the seccomp filter" + (flags.isEmpty ? "" : ": " + flags.map(quoted).joined(separator: " "))
        case .awaitListener: "await that the filter's listener is sent"
        case .keepCapabilities: "keep capabilities when the user changes"
        case .groups(let groups):
            "groups: " + (groups.isEmpty ? "none" : groups.map { "\($0)" }.joined(separator: " "))
        case .gid(let gid): "group \(gid)"
        case .uid(let uid): "user \(uid)"
        case .capabilities(let effective, let permitted, let inheritable):
            if effective == permitted {
                "capabilities: effective and permitted \(Step.names(permitted)); inheritable \(Step.names(inheritable))"
            } else {
                "capabilities: effective \(Step.names(effective)); permitted \(Step.names(permitted)); "
                    + "inheritable \(Step.names(inheritable))"
            }
        case .ambient(let set): "ambient capabilities: \(Step.names(set))"
        case .noNewPrivileges: "no new privileges"
        case .umask(let mask): "umask \(Step.octal(mask))"
        case .resetSignals: "reset signals"
        case .workingDirectory(let path): "working directory \(quoted(path))"
        case .exec(let arguments, let environment, let candidates):
            "execute \(arguments.map(quoted).joined(separator: " ")) from "
                + "\(candidates.map(quoted).joined(separator: " ")) with \(environment.map(quoted).joined(separator: " "))"
        default: specialText
        }
    }

    private static func names(_ set: UInt64) -> String {
        let names = Capability.names(in: set)
        return names.isEmpty ? "none" : names.joined(separator: " ")
    }

    private static func limit(_ value: UInt64) -> String { value == .max ? "unlimited" : "\(value)" }

    static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension LaunchPlan {
    /// What descriptor `index` is; a plan that was made by hand may lack it.
    fileprivate func useText(_ index: Int) -> String {
        descriptors.indices.contains(index) ? descriptors[index].text : "nothing"
    }
}

extension Handshake {
    var text: String {
        switch self {
        case .identityMapsWritten: "identity maps written"
        case .cgroupJoined: "cgroup joined"
        case .devicesRestricted: "devices limited"
        case .networkDevicesMoved: "network interfaces moved"
        case .resctrlJoined: "resctrl class joined"
        case .mounted: "all mounted"
        case .createHooksRun: "hooks of the creation run"
        case .prepared: "all prepared"
        case .startHooksRun: "hooks of the start run"
        }
    }
}

extension Hooks.Hook {
    /// `createRuntime hook 0: /bin/tool a b with A=b, 5 seconds at most`
    func text(_ kind: Hooks.Kind, _ index: Int) -> String {
        // Only where the program is told another name than its own does that stand there.
        let words = arguments.first == path ? arguments.dropFirst() : arguments[...]
        let name = arguments.first == path ? quoted(path) : "\(quoted(path)) as"
        return "\(kind.rawValue) hook \(index): " + ([name] + words.map(quoted)).joined(separator: " ")
            + (env.isEmpty ? "" : " with " + env.map(quoted).joined(separator: " "))
            + (timeout.map { ", \($0) \($0 == 1 ? "second" : "seconds") at most" } ?? "")
    }
}

extension [IdentityRange] {
    /// `0-65535 are 100000-165535`
    var text: String {
        map { range in
            let last = UInt64(range.inside) + UInt64(range.count) - (range.count == 0 ? 0 : 1)
            let outsideLast = UInt64(range.outside) + UInt64(range.count) - (range.count == 0 ? 0 : 1)
            return "\(range.inside)-\(last) are \(range.outside)-\(outsideLast)"
        }.joined(separator: ", ")
    }
}

extension MountAttributes {
    /// The words of mount(8) for what is set and cleared.
    package var words: [String] {
        let flags: [(bit: UInt64, set: String, clear: String)] = [
            (MountAttributes.readOnly, "ro", "rw"), (MountAttributes.noSetuid, "nosuid", "suid"),
            (MountAttributes.noDevices, "nodev", "dev"), (MountAttributes.noExecute, "noexec", "exec"),
        ]
        let later: [(bit: UInt64, set: String, clear: String)] = [
            (MountAttributes.noDirectoryAccessTime, "nodiratime", "diratime"),
            (MountAttributes.noSymlinkFollow, "nosymfollow", "symfollow"),
        ]
        func named(_ table: [(bit: UInt64, set: String, clear: String)]) -> [String] {
            table.compactMap { set & $0.bit != 0 ? $0.set : clear & $0.bit != 0 ? $0.clear : nil }
        }
        var accessTime: [String] = []
        if set & MountAttributes.noAccessTime != 0 {
            accessTime = ["noatime"]
        } else if set & MountAttributes.strictAccessTime != 0 {
            accessTime = ["strictatime"]
        } else if clear & MountAttributes.accessTimeMask != 0 {
            accessTime = ["relatime"]
        }
        return named(flags) + accessTime + named(later)
    }
}

extension FileSystemMount.Option {
    var text: String { value.map { value in "\(key)=\(value)" } ?? key }
}

extension FileSystemMount {
    /// `mount tmpfs on /dev: nosuid,mode=755`
    var text: String {
        let from = source == type ? "" : " from \(quoted(source))"
        let settings = options.map { quoted($0.text) }
        let words =
            attributes.words + settings + propagation.map(\.text) + (copiesUp ? ["with what is there"] : [])
            + (takesMode ? ["mode as there"] : [])
        return "mount \(quoted(type))\(from) on \(quoted(target))" + (strict ? ", no links" : "")
            + (words.isEmpty ? "" : ": " + words.joined(separator: ","))
    }
}

extension BindMount {
    /// `bind /etc/hosts on /etc/hosts: ro`
    var text: String {
        let words =
            attributes.words + recursiveAttributes.words.map { "r" + $0 } + propagation.map(\.text)
        var text = "bind \(quoted(source))"
        if isRecursive { text += " and what is mounted below" }
        if let index { text += ", descriptor \(index)," }
        text += " on \(quoted(target))"
        if strict { text += ", no links" }
        if coversLink { text += ", itself if it is a link" }
        return text + (words.isEmpty ? "" : ": " + words.joined(separator: ","))
    }
}

extension ContainerTerminal {
    /// `new terminal on /dev/console: 24 rows, 80 columns, user 0; its other end goes through descriptor 2`
    var text: String {
        let size = size.map { "\($0.rows) rows, \($0.columns) columns, " } ?? ""
        return "new terminal" + (isConsole ? " on \(ContainerTerminal.console)" : "")
            + ": \(size)user \(uid); its other end goes through descriptor \(index)"
    }
}

extension DeviceNode {
    /// The type bits of `st_mode`, inode(7).
    static let characterType: UInt32 = 0o020000
    static let blockType: UInt32 = 0o060000
    static let fifoType: UInt32 = 0o010000

    /// `device /dev/null: c 1:3, mode 0666, owner 0:0`
    var text: String {
        let permissions = "mode \(Step.octal(mode & 0o7777)), owner \(uid):\(gid)"
        switch mode & 0o170000 {
        case DeviceNode.fifoType: return "fifo \(quoted(path)): \(permissions)"
        case DeviceNode.blockType: return "device \(quoted(path)): b \(major):\(minor), \(permissions)"
        default: return "device \(quoted(path)): c \(major):\(minor), \(permissions)"
        }
    }
}

extension Step {
    /// The step in a few words, for an error.
    package var title: String {
        switch self {
        case .mount(let mount): "mount \(mount.type) on \(mount.target)"
        case .bind(let bind): "bind \(bind.source) on \(bind.target)"
        case .exec(let arguments, _, _): "execute \(quoted(arguments.first ?? ""))"
        case .hook(let kind, let index, let hook): "\(kind.rawValue) hook \(index), \(quoted(hook.path))"
        default:
            text(
                in: LaunchPlan(
                    before: [], clone: .init(namespaces: [], intoCgroup: false), beside: [], child: [], descriptors: [])
            )
        }
    }
}
