package import OCI

/// Makes a plan of a configuration. Pure: what it needs to know of the host comes in as ``HostFacts``, so a plan can be
/// made, printed and tested for any host, without root.
package struct Planner {
    /// What the caller knows beside the configuration.
    package struct Context: Hashable, Sendable {
        /// Of the container's group, below each hierarchy; nil: no cgroup.
        package var cgroupPath: String?
        /// For people: what the root file system is.
        package var rootDescription: String
        /// The name of the session keyring; nil: the caller's stays.
        package var keyring: String?
        /// A filter travels with the plan.
        package var hasFilter: Bool
        /// In a configuration of the OCI verbs what can't be granted warns; in one that is made of our user's words it
        /// is an error.
        package var isStrict: Bool
        /// The command is started later, by somebody else.
        package var isParked: Bool
        /// Of the caller's terminal, which is what a container's in the foreground is seen on.
        package var terminalSize: ProcessSpec.TerminalSize?
        /// So many descriptors of the caller's, from 3 on, are the command's.
        package var preserved: Int
        /// The container's name.
        package var identifier: String
        /// Where hooks find the root file system, absolute; nil: nowhere.
        package var rootPath: String?
        /// The filter has calls that a listener decides on.
        package var hasListener: Bool
        /// nil: the first process runs the command itself.
        package var initial: ContainerInit?

        package init(
            cgroupPath: String?, rootDescription: String, keyring: String?, hasFilter: Bool, isStrict: Bool,
            isParked: Bool = false, terminalSize: ProcessSpec.TerminalSize? = nil, preserved: Int = 0,
            identifier: String = "", rootPath: String? = nil, hasListener: Bool = false, initial: ContainerInit? = nil
        ) {
            self.cgroupPath = cgroupPath
            self.rootDescription = rootDescription
            self.keyring = keyring
            self.hasFilter = hasFilter
            self.isStrict = isStrict
            self.isParked = isParked
            self.terminalSize = terminalSize
            self.preserved = preserved
            self.identifier = identifier
            self.rootPath = rootPath
            self.hasListener = hasListener
            self.initial = initial
        }
    }

    let spec: RuntimeSpec
    let process: ProcessSpec
    let host: HostFacts
    let context: Context
    var descriptors: [LaunchPlan.DescriptorUse] = []
    var warnings: [String] = []

    /// Makes the plan.
    package static func plan(
        _ spec: RuntimeSpec, on host: HostFacts, _ context: Context
    ) throws(PlanningError) -> LaunchPlan {
        // A container can be created without a process; then it is its start that fails (runtime.md, "Start").
        guard let process = spec.process ?? (context.isParked ? .nothing : nil) else {
            throw .unsupported("a configuration without a process", at: "/process")
        }
        var planner = Planner(spec: spec, process: process, host: host, context: context)
        return try planner.plan()
    }

    /// The order of a launch, all of it. Everything else here fills these phases in.
    private mutating func plan() throws(PlanningError) -> LaunchPlan {
        let new = try newNamespaces()
        let isBeside =
            !movesNetworkDevices && Planner.makesNetworkBeside(spec.linux.namespaces, processors: host.processors)
        let network = isBeside ? open(.network) : nil
        let root = open(.root)
        let start = context.isParked ? open(.start) : nil
        // It ends all that it sees, which must be the container's processes and no others.
        if let initial = context.initial {
            let isJoined = spec.linux.namespaces.contains { $0.type == "pid" && $0.path != nil }
            guard initial.role == .member ? isJoined : isNew("pid") else {
                throw .needsNamespace("pid", at: "/linux/namespaces")
            }
        }
        let record = context.initial == nil ? nil : open(.exitRecord)
        if context.initial?.holdsLock == true { _ = open(.lock) }
        let terminal = terminalStep(isConsole: true)
        let mounts = try mountSteps(console: terminal)
        let bounding = try capabilitySteps()
        let joins = try joinSteps(makesOthers: true)
        let devices = try networkDevices()
        let hostMounts = sharesMounts ? open(.ownMounts) : nil
        let maps = new.contains(.user) ? identityMaps() : nil
        let waits = context.cgroupPath != nil && joinsCgroupLate

        // The runtime, before there is a child: what may fail without a trace fails here.
        // The longest piece of work first, which needs nothing of the others.
        var before: [Step] = network.map { [.makeNetwork(index: $0)] } ?? []
        if let path = context.cgroupPath { before.append(.createCgroup(path: path, limits: limitTexts())) }
        for index in descriptors.indices where index != network { before.append(.openDescriptor(index: index)) }
        before += joins.before
        let resctrl = resctrlGroup
        if let resctrl { before.append(.makeResctrlGroup(resctrl)) }
        // Last: from here on the runtime's children are in it.
        if let clocks = try timeNamespace() { before.append(clocks) }

        // The runtime, beside the child. Maps come first, the child can do nothing without them; moving it into v1
        // groups may wait for milliseconds, and the kernel checks a device program for half of one: its mounts fill
        // that time.
        var beside: [Step] = []
        if let maps { beside += [maps, .signal(.identityMapsWritten)] }
        if let resctrl { beside += [.joinResctrlGroup(resctrl), .signal(.resctrlJoined)] }
        if let devices { beside += [devices, .signal(.networkDevicesMoved)] }
        let deviceRules = spec.linux.resources.devices.count
        let isRestricted = context.cgroupPath != nil && deviceRules > 0
        if let path = context.cgroupPath {
            if isRestricted { beside.append(.restrictDevices(path: path, rules: deviceRules)) }
            // v1 takes the rules one by one, the first of which denies all: nobody may be in the group meanwhile.
            if waits {
                beside += [.joinCgroup(path: path), .signal(.cgroupJoined)]
            } else if isRestricted {
                beside.append(.signal(.devicesRestricted))
            }
        }

        // Hooks, once all that a creation makes is there, and the listener of a filter.
        let hooks = spec.hooks.map { Planner.hookSteps($0, isParked: context.isParked) }
        if let hooks { beside += hooks.beside }
        if let listener = try listenerStep(), !context.isParked { beside.append(listener) }

        // The child: who it is while it sets up, and in which namespaces.
        var child: [Step] = []
        if maps != nil { child += [.await(.identityMapsWritten), .becomeNamespaceRoot] }
        child += joins.child
        if resctrl != nil { child.append(.await(.resctrlJoined)) }
        if devices != nil { child.append(.await(.networkDevicesMoved)) }
        child.append(.newSession)
        if let keyring = context.keyring { child.append(.sessionKeyring(name: keyring)) }
        child += try nameSteps(new)
        if new.contains(.network), network == nil { child.append(.loopbackUp) }

        // Mounts. First nothing may travel back to the host; then the root, and all that comes into it.
        let place = hooks?.looksAtRoot == true ? context.rootPath : nil
        child.append(.propagation(Propagation(outerPropagation, recursive: true)))
        if needsProc || !spec.linux.sysctl.isEmpty { child.append(.openProc(goesWithRoot: true)) }
        child.append(.attachRoot(index: root, path: place, follows: rootFollows))
        let enterCgroup: [Step] = (waits ? [.await(.cgroupJoined)] : []) + (unsharesCgroup ? [.unshareCgroup] : [])
        let attached = mounts.beforeCgroup + enterCgroup + mounts.cgroup + mounts.after
        if let network {
            // As late as may be: a sysfs shows the network of whoever mounts it.
            let at = attached.firstIndex { if case .mount(let mount) = $0 { mount.type == "sysfs" } else { false } }
            child += attached[..<(at ?? attached.endIndex)] + [.takeNetwork(index: network)]
            child += attached[(at ?? attached.endIndex)...]
        } else {
            child += attached
        }
        child.append(.makeDirectory(path: process.cwd, mode: 0o755))

        // What the runtime says meanwhile comes in its order, and a wait passes over what it is not for.
        var restriction = isRestricted && !waits ? Handshake.devicesRestricted : nil
        if let hooks, hooks.isAtCreation {
            if let handshake = restriction.take() { child.append(.await(handshake)) }
            child += [.signal(.mounted), .await(.createHooksRun)]
        }

        // The root becomes the root; from here on nothing of the host can be reached.
        child.append(.pivotRoot)
        if let propagation = try rootPropagation() { child.append(.rootPropagation(propagation)) }

        // Sysctls while /proc/sys can be written, then the masks over it.
        child += try sysctlSteps(new)
        child += spec.linux.maskedPaths.map { .maskPath($0) } + spec.linux.readonlyPaths.map { .readonlyPath($0) }
        if let hostMounts { child.append(.leaveMounts(index: hostMounts)) }

        child += try processSteps(
            bounding, awaiting: restriction, start, record: record,
            hooks: hooks?.isAtStart == true && !context.isParked)

        return LaunchPlan(
            before: before,
            clone: .init(
                namespaces: new.filter { $0 != .network || network == nil },
                intoCgroup: context.cgroupPath != nil && bornInCgroup,
                sharesMemory: !mayRunOutOfMemoryEarly && spec.linux.settings?.timeOffsets == nil),
            beside: beside, child: child, after: hooks?.after ?? [], descriptors: descriptors, warnings: warnings)
    }

    /// How a process that is where it belongs becomes the command: the end of each plan.
    func processSteps(
        _ bounding: Sets, awaiting handshake: Handshake?, _ start: Int?, record: Int? = nil, hooks: Bool = false
    ) throws(PlanningError) -> [Step] {
        let early = context.hasFilter && !process.noNewPrivileges
        let late = context.hasFilter && process.noNewPrivileges
        // Limits, and what needs privilege still. All that needs none is done here as well, so that little follows a
        // filter: a profile must allow what comes after it.
        var child = try settingSteps()
        child += try limitSteps()
        if context.preserved > 0 { child.append(.preserveDescriptors(count: context.preserved)) }
        // A terminal is the user's from the beginning.
        if !process.terminal {
            child.append(.ownStandardStreams(uid: process.user.uid, gid: process.user.gid))
        }
        child.append(.resetSignals)
        child.append(.umask(process.user.umask ?? 0o022))
        // Nothing of the image has run so far; what comes next may be the command's, and a filter may deny waiting.
        if let handshake { child.append(.await(handshake)) }
        if hooks { child += [.signal(.prepared), .await(.startHooksRun)] }
        // As late as may be, so that what can fail has failed; and before a filter, which may deny reading.
        if let start { child.append(.park(index: start)) }
        child.append(.boundingSet(keep: bounding.bounding))

        // Who it is from here on. Groups before uid, or it may not set them; capabilities kept across the change.
        if process.user.uid != 0 { child.append(.keepCapabilities) }
        child += [.groups(process.user.additionalGids), .gid(process.user.gid), .uid(process.user.uid)]
        let filter = Step.seccomp(flags: spec.linux.seccomp?.flags ?? [])
        // As the user, whose rights count for it.
        let directory = Step.workingDirectory(process.cwd)
        if early {
            // Without no_new_privs loading a filter needs CAP_SYS_ADMIN, which is kept so long and used for nothing else:
            // so the filter needs to allow only what gives it away, and execve.
            let kept = bounding.permitted | bounding.inheritable | Capability.administration
            child += [
                .capabilities(effective: bounding.effective, permitted: kept, inheritable: 0), directory,
                .capabilities(effective: Capability.administration, permitted: kept, inheritable: 0), filter,
            ]
            if context.hasListener { child.append(.awaitListener) }
            child += [bounding.step, .ambient(bounding.ambient)]
        } else {
            child += [bounding.step, .ambient(bounding.ambient), directory]
            if process.noNewPrivileges { child.append(.noNewPrivileges) }
            // The filter last, so that it needs to allow no more than execve.
            if late {
                child.append(filter)
                // Who decides on calls must be there before one of them is made.
                if context.hasListener { child.append(.awaitListener) }
            }
        }
        if let record, let initial = context.initial {
            let lock = initial.holdsLock ? descriptors.firstIndex(of: .lock) : nil
            child.append(.stayAsInit(initial, index: record, lock: lock, hasTerminal: process.terminal))
        }
        child.append(.exec(arguments: process.args, environment: environment, candidates: candidates))
        return child
    }

    /// The process's terminal, if it has one.
    mutating func terminalStep(isConsole: Bool) -> Step? {
        guard process.terminal else { return nil }
        return .terminal(
            ContainerTerminal(
                index: open(.console), size: context.terminalSize ?? process.consoleSize, uid: process.user.uid,
                isConsole: isConsole))
    }

    /// Hands the child one more descriptor: its index.
    mutating func open(_ use: LaunchPlan.DescriptorUse) -> Int {
        descriptors.append(use)
        return descriptors.count - 1
    }

    // MARK: the program

    /// HOME is the user's where nobody has set it; without a database, root's.
    private var environment: [String] {
        if process.env.contains(where: { $0.hasPrefix("HOME=") }) { return process.env }
        return process.env + ["HOME=" + (process.user.uid == 0 ? "/root" : "/")]
    }

    /// The paths that execvp(3) would try; an empty entry of PATH is the working directory.
    private var candidates: [String] {
        let command = process.args[0]
        if command.isEmpty || command.utf8.contains(UInt8(ascii: "/")) { return [command] }
        let standard = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        let path = process.env.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? Substring(standard)
        return path.split(separator: ":", omittingEmptySubsequences: false).map { directory in
            directory.isEmpty ? "./\(command)" : "\(directory)/\(command)"
        }
    }
}
