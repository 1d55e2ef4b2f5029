package import OCI

/// A launch as a value: who does what, in which order. It is made by ``Planner`` without touching the kernel, printed
/// by `--explain`, and carried out by the Launching room, step for step.
package struct LaunchPlan: Hashable, Sendable {
    /// What the runtime does before the child exists, in order.
    package var before: [Step]
    /// The clone(2) that makes the child.
    package var clone: Clone
    /// What the runtime does while the child works, in order; handshakes tie the two together.
    package var beside: [Step]
    /// What the child does, in order, before it is the container's command.
    package var child: [Step]
    /// What the runtime does once the command is executed, and at last when the container is gone: the hooks of then.
    package var after: [Step]
    /// The descriptors that the runtime opens and the child uses; a step names one by its index.
    package var descriptors: [DescriptorUse]
    /// What the configuration asks for and this host or the specification lets pass with a warning.
    package var warnings: [String]

    package init(
        before: [Step], clone: Clone, beside: [Step], child: [Step], after: [Step] = [],
        descriptors: [DescriptorUse], warnings: [String] = []
    ) {
        self.before = before
        self.clone = clone
        self.beside = beside
        self.child = child
        self.after = after
        self.descriptors = descriptors
        self.warnings = warnings
    }

    /// Where the container's cgroup is made, below each hierarchy; nil: nowhere.
    package var cgroupPath: String? {
        for case .createCgroup(let path, _) in before { return path }
        return nil
    }

    /// The child's birth.
    package struct Clone: Hashable, Sendable {
        /// The namespaces made new, `CLONE_NEW*`. Cgroup is not among them: it is unshared by the child once it is in
        /// its group, or its view would start at the runtime's.
        package var namespaces: [Namespace]
        /// Born in its v2 group (`CLONE_INTO_CGROUP`).
        package var intoCgroup: Bool
        /// Shares the runtime's memory until it executes the stage (`CLONE_VM`), which costs less than a copy. Who kills
        /// a process for lack of memory kills all that share its memory: not where the group's limit is so low that it
        /// may be reached before.
        package var sharesMemory: Bool

        package init(namespaces: [Namespace], intoCgroup: Bool, sharesMemory: Bool = true) {
            self.namespaces = namespaces
            self.intoCgroup = intoCgroup
            self.sharesMemory = sharesMemory
        }
    }

    /// Why a descriptor is handed to the child.
    package enum DescriptorUse: Hashable, Sendable {
        /// A detached mount of the root file system, made by the caller: an overlay, or a clone of a bundle's directory.
        case root
        /// A detached clone of the host's `path`, for a bind mount; `isDirectory` is found out when it is opened.
        case bindSource(path: String, recursive: Bool)
        /// The same, with what few binds ask for.
        case specialSource(SpecialSource)
        /// A detached clone of the container's own group in the v1 hierarchy of `controllers`, or with none in the v2 tree.
        case cgroup(controllers: [String])
        /// Where the maker of a network namespace sends it.
        case network
        /// A FIFO by which the command is started later.
        case start
        /// Where the child sends the other end of its terminal.
        case console
        /// Where an init writes how its command ended.
        case exitRecord
        /// What an init keeps open until all else of the container is gone.
        case lock
        /// A namespace to join.
        case namespace(Namespace, path: String)
        /// The mount namespace that the runtime is in.
        case ownMounts
        /// The root directory of a process of the container.
        case rootOf(process: Int32)
    }

    /// The kinds of `namespaces(7)`.
    package enum Namespace: String, Hashable, Sendable, CaseIterable {
        case user, mount = "mnt", pid, network = "net", ipc, uts, cgroup, time

        /// Written out: the compiler's own looks in a table, and each launch would make that first.
        package init?(rawValue: String) {
            switch rawValue {
            case "user": self = .user
            case "mnt": self = .mount
            case "pid": self = .pid
            case "net": self = .network
            case "ipc": self = .ipc
            case "uts": self = .uts
            case "cgroup": self = .cgroup
            case "time": self = .time
            default: return nil
            }
        }
    }
}

/// One thing that is meant, not one system call: whether a masked path is a file or a directory is known only in the
/// child.
package enum Step: Hashable, Sendable {
    // MARK: the runtime, before the clone

    /// Let a process of its own make a network namespace with the loopback interface up, while the rest goes on; it
    /// comes through descriptor `index`.
    case makeNetwork(index: Int)
    /// Make the cgroup and set its limits; the texts are for people, the values travel beside the plan.
    case createCgroup(path: String, limits: [String])
    /// Open descriptor `index`.
    case openDescriptor(index: Int)
    /// Put the runtime's next children into a pid or time namespace (setns(2) moves only children there).
    case enterForChildren(LaunchPlan.Namespace, index: Int)
    /// Make a time namespace, set its clocks, and put the runtime's next children into it. The offsets must be there
    /// before anybody is in.
    case makeTimeNamespace(monotonic: ClockOffset?, boottime: ClockOffset?)
    /// Make the resctrl group, or find it, and write its schemata.
    case makeResctrlGroup(ResctrlGroup)

    // MARK: the runtime, beside the child

    /// Write `/proc/PID/uid_map` and `gid_map`, and `setgroups` before them where needed.
    case writeIdentityMaps(uid: [IdentityRange], gid: [IdentityRange])
    /// Move the child into its v1 groups.
    case joinCgroup(path: String)
    /// Limit the devices that the cgroup's processes may use to those of so many rules.
    case restrictDevices(path: String, rules: Int)
    /// Let the child run on these processors alone: `0-3,7`.
    case placeChild(processors: String)
    /// Move interfaces of the runtime's network namespace into the child's, with their addresses, and up. `index`: the
    /// descriptor of one that the child joins; nil: it is born in its own.
    case moveNetworkDevices([NetworkDevice], index: Int?)
    case joinResctrlGroup(ResctrlGroup)
    /// Run hook `index` of its kind, and wait for its end.
    case hook(Hooks.Kind, index: Int, Hooks.Hook)
    /// Take the listener that the child's filter has made, and send it to the socket `path`.
    case sendListener(path: String)

    // MARK: handshakes

    /// Tell the other actor that `handshake` has been reached.
    case signal(Handshake)
    /// Wait until the other actor has reached it.
    case await(Handshake)
    /// Tell the runtime, which then goes, that all is made, and await through descriptor `index` that the command is
    /// started.
    case park(index: Int)

    // MARK: the child, namespaces and session

    /// Become root of the new user namespace, whose maps are written.
    case becomeNamespaceRoot
    /// Join a namespace by its descriptor.
    case join(LaunchPlan.Namespace, index: Int)
    case unshareCgroup
    case newSession
    /// A session keyring of its own, so that the host's keys are not possessed.
    case sessionKeyring(name: String)
    case hostname(String)
    case domainname(String)
    case loopbackUp
    /// Await the network namespace that was made beside, and join it.
    case takeNetwork(index: Int)

    // MARK: the child, mounts

    /// Change the propagation of the whole tree, so that what is mounted here is not seen outside.
    case propagation(Propagation)
    /// Attach the root file system over the old one; where hooks look at it, at `path`, as they know it, if the child
    /// may go there. `follows`: what the host mounts in it from now on is seen.
    case attachRoot(index: Int, path: String? = nil, follows: Bool = false)
    /// A procfs of which no path is known: the handle through which sysctls and the own process are written, whatever
    /// the image has under /proc. `goesWithRoot`: it is attached in the old tree, and let go by `pivotRoot`; otherwise it
    /// is attached nowhere.
    case openProc(goesWithRoot: Bool)
    case mount(FileSystemMount)
    case bind(BindMount)
    case device(DeviceNode)
    case symlink(path: String, target: String)
    /// Make a directory where there is none, and those before it.
    case makeDirectory(path: String, mode: UInt32)
    /// Set attributes of an attached mount (read-only, nosuid, …) after all is mounted below it.
    case setMountAttributes(path: String, attributes: MountAttributes, recursive: Bool)
    /// Make the attached root the root, and let the old one go.
    case pivotRoot
    case rootPropagation(Propagation)
    /// Go back to the runtime's mount namespace, which the container shares, with a copy of the root that nobody else sees.
    case leaveMounts(index: Int)
    /// Make the directory the root.
    case changeRoot(index: Int)
    case sysctl(key: String, value: String)
    case maskPath(String)
    case readonlyPath(String)

    // MARK: the child, what it gets of its caller

    case terminal(ContainerTerminal)
    /// Leave so many descriptors from 3 on to the command; all others close when it is executed.
    case preserveDescriptors(count: Int)
    /// Go on as the command in a child, and stay as its init, which writes to descriptor `index` and keeps `lock`.
    case stayAsInit(ContainerInit, index: Int, lock: Int?, hasTerminal: Bool)

    // MARK: the child, identity and limits

    case rlimit(name: String, soft: UInt64, hard: UInt64)
    case oomScoreAdjust(Int)
    /// Give the standard streams to the user, so that /dev/stdout can be opened.
    case ownStandardStreams(uid: UInt32, gid: UInt32)
    /// Drop what is not in `keep` (bit n: capability n) from the bounding set.
    case boundingSet(keep: UInt64)
    /// Load the filter that travels beside the plan.
    case seccomp(flags: [String])
    /// Show the listener that the filter has made, and await that it is taken.
    case awaitListener
    case keepCapabilities
    case groups([UInt32])
    case gid(UInt32)
    case uid(UInt32)
    case capabilities(effective: UInt64, permitted: UInt64, inheritable: UInt64)
    case ambient(UInt64)
    case noNewPrivileges
    case umask(UInt32)
    case scheduler(SchedulerSettings)
    case ioPriority(class: UInt32, level: UInt32)
    /// `0-3,7`
    case processors(String)
    case personality(UInt32)
    /// `mode` with its flags; `nodes` as `0-3,7`.
    case memoryPolicy(mode: UInt32, nodes: String)
    /// What a security module shall make of the command when it is executed.
    case securityLabel(SecurityModule, String)
    case resetSignals
    case workingDirectory(String)
    /// `candidates` are tried in order: the paths that PATH makes of the first argument.
    case exec(arguments: [String], environment: [String], candidates: [String])
}

/// A point that one actor reaches and another waits for.
package enum Handshake: UInt8, Hashable, Sendable {
    case identityMapsWritten = 1
    case cgroupJoined = 2
    case devicesRestricted = 4
    case networkDevicesMoved = 8
    case resctrlJoined = 16
    /// All is mounted, and the root is not left yet.
    case mounted = 32
    /// The hooks that a creation has.
    case createHooksRun = 33
    /// Nothing but the command's own steps is left.
    case prepared = 34
    case startHooksRun = 35
}

/// A row of `uid_map`, user_namespaces(7).
package struct IdentityRange: Hashable, Sendable {
    package var inside: UInt32
    package var outside: UInt32
    package var count: UInt32

    package init(inside: UInt32, outside: UInt32, count: UInt32) {
        self.inside = inside
        self.outside = outside
        self.count = count
    }
}

extension LaunchPlan.Namespace {
    /// The word of the specification: `mount`, `network`.
    package var word: String { self == .mount ? "mount" : self == .network ? "network" : rawValue }
}
