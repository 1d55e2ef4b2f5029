internal import CLaunch
internal import Planning

/// The child's steps as the stage's operations.
extension ArenaBuilder {
    /// What a plan's steps refer to that is not in the plan.
    struct References {
        /// For each descriptor of the plan whether it is a directory.
        var isDirectory: [Bool]
        /// For each descriptor what it leads to if it is a link that is made again; empty: none is one.
        var links: [String] = []
        var seccomp: [UInt8]
        var seccompFlags: UInt64
        var lastCapability: UInt32
    }

    /// Adds the operations of `step`, which has number `n` in the plan.
    mutating func add(_ step: Step, number n: Int, _ references: References) {
        switch step {
        case .makeNetwork, .createCgroup, .openDescriptor, .enterForChildren, .writeIdentityMaps, .joinCgroup,
            .restrictDevices, .makeTimeNamespace, .makeResctrlGroup, .placeChild, .moveNetworkDevices,
            .joinResctrlGroup, .hook, .sendListener:
            preconditionFailure("a step of the runtime in the child's list")
        case .await(let handshake): add(LAUNCH_OP_WAIT, step: n, a: UInt32(handshake.rawValue))
        case .signal(let handshake): add(LAUNCH_OP_SIGNAL, step: n, a: UInt32(handshake.rawValue))
        case .park(let index): add(LAUNCH_OP_PARK, step: n, a: UInt32(index))
        case .becomeNamespaceRoot: add(LAUNCH_OP_NAMESPACE_ROOT, step: n)
        case .join(let namespace, let index):
            add(LAUNCH_OP_JOIN, step: n, a: UInt32(index), x: namespace.cloneFlag)
        case .unshareCgroup: add(LAUNCH_OP_UNSHARE, step: n, x: LaunchPlan.Namespace.cgroup.cloneFlag)
        case .newSession: add(LAUNCH_OP_SESSION, step: n)
        case .sessionKeyring(let name): add(LAUNCH_OP_KEYRING, step: n, a: string(name))
        case .hostname(let name):
            add(LAUNCH_OP_HOSTNAME, step: n, a: string(name), b: UInt32(name.utf8.count))
        case .domainname(let name):
            add(LAUNCH_OP_DOMAINNAME, step: n, a: string(name), b: UInt32(name.utf8.count))
        case .loopbackUp: add(LAUNCH_OP_LOOPBACK, step: n)
        case .takeNetwork(let index): add(LAUNCH_OP_TAKE_NETWORK, step: n, a: UInt32(index))
        case .propagation, .attachRoot, .openProc, .mount, .bind, .setMountAttributes, .pivotRoot,
            .leaveMounts, .changeRoot, .rootPropagation:
            addMount(step, number: n, references)
        case .device, .symlink, .makeDirectory, .sysctl, .maskPath, .readonlyPath:
            addTree(step, number: n)
        default: addProcess(step, number: n, references)
        }
    }

    private mutating func addMount(_ step: Step, number n: Int, _ references: References) {
        switch step {
        case .propagation(let propagation):
            add(LAUNCH_OP_PROPAGATION, step: n, a: string("/", shared: true), x: propagation.flags)
        case .attachRoot(let index, let path, let follows):
            let propagation = follows ? Propagation(.slave, recursive: true).flags : 0
            add(
                LAUNCH_OP_ATTACH_ROOT, step: n, a: UInt32(index), b: path.map { string($0) } ?? 0, x: propagation)
        case .openProc(let goesWithRoot): add(LAUNCH_OP_OPEN_PROC, step: n, x: goesWithRoot ? 1 : 0)
        case .mount(let mount):
            let target = string(mount.target)
            add(
                LAUNCH_OP_MOUNT, step: n, a: string(mount.type), b: mount.source.isEmpty ? 0 : string(mount.source),
                c: target, d: pairs(mount.options), x: mount.attributes.set,
                y: UInt64(mount.flags))
            addPropagation(mount.propagation, target, n)
        case .bind(let bind): addBind(bind, number: n, references)
        case .setMountAttributes(let path, let attributes, let recursive):
            add(
                LAUNCH_OP_MOUNT_ATTRIBUTES, step: n, b: recursive ? LAUNCH_MOUNT_RECURSIVE.rawValue : 0,
                c: string(path), x: attributes.set, y: attributes.clear)
        case .pivotRoot: add(LAUNCH_OP_PIVOT, step: n)
        case .leaveMounts(let index): add(LAUNCH_OP_LEAVE_MOUNTS, step: n, a: UInt32(index))
        case .changeRoot(let index): add(LAUNCH_OP_CHANGE_ROOT, step: n, a: UInt32(index))
        case .rootPropagation(let propagation):
            add(LAUNCH_OP_PROPAGATION, step: n, a: string("/", shared: true), x: propagation.flags)
        default: break
        }
    }

    private mutating func addBind(_ bind: BindMount, number n: Int, _ references: References) {
        if let index = bind.index, !references.links.isEmpty, !references.links[index].isEmpty {
            let (directory, name) = split(bind.target)
            return add(LAUNCH_OP_SYMLINK, step: n, a: directory, b: name, c: string(references.links[index]), x: 1)
        }
        let target = string(bind.target)
        var flags = bind.strict ? LAUNCH_MOUNT_STRICT.rawValue : 0
        if bind.coversLink { flags |= LAUNCH_MOUNT_NOFOLLOW.rawValue }
        let all = bind.recursiveAttributes
        let recursive = all.set != 0 || all.clear != 0
        if recursive { flags |= LAUNCH_MOUNT_RECURSIVE.rawValue }
        let first = recursive ? all : bind.attributes
        if let index = bind.index {
            if !references.isDirectory[index] { flags |= LAUNCH_MOUNT_FILE.rawValue }
            add(LAUNCH_OP_BIND, step: n, a: UInt32(index), b: flags, c: target, x: first.set, y: first.clear)
        } else {
            if bind.isRecursive { flags |= LAUNCH_MOUNT_TREE.rawValue }
            add(
                LAUNCH_OP_BIND_PATH, step: n, a: string(bind.source), b: flags, c: target, x: first.set, y: first.clear)
        }
        if recursive, bind.attributes.set != 0 || bind.attributes.clear != 0 {
            add(
                LAUNCH_OP_MOUNT_ATTRIBUTES, step: n, c: target, x: bind.attributes.set, y: bind.attributes.clear)
        }
        addPropagation(bind.propagation, target, n)
    }

    private mutating func addPropagation(_ list: [Propagation], _ target: UInt32, _ n: Int) {
        for propagation in list {
            add(LAUNCH_OP_MOUNT_PROPAGATION, step: n, c: target, x: propagation.flags)
        }
    }

    private mutating func addTree(_ step: Step, number n: Int) {
        switch step {
        case .device(let node):
            let (directory, name) = split(node.path)
            add(
                LAUNCH_OP_DEVICE, step: n, a: directory, b: name, c: node.uid, d: node.gid, x: node.number,
                y: UInt64(node.mode))
        case .symlink(let path, let target):
            let (directory, name) = split(path)
            add(LAUNCH_OP_SYMLINK, step: n, a: directory, b: name, c: string(target))
        case .makeDirectory(let path, let mode): add(LAUNCH_OP_DIRECTORY, step: n, a: string(path), x: UInt64(mode))
        case .sysctl(let key, let value):
            let path = string("sys/" + Planner.path(ofSysctl: key))
            add(LAUNCH_OP_SYSCTL, step: n, a: path, b: string(value), c: UInt32(value.utf8.count))
        case .maskPath(let path): add(LAUNCH_OP_MASK, step: n, a: string(path))
        case .readonlyPath(let path): add(LAUNCH_OP_READONLY, step: n, a: string(path))
        default: break
        }
    }

    private mutating func addProcess(_ step: Step, number n: Int, _ references: References) {
        switch step {
        case .terminal(let terminal):
            let size = terminal.size.map { UInt64($0.rows) | UInt64($0.columns) << 16 } ?? 0
            add(
                LAUNCH_OP_TERMINAL, step: n, a: UInt32(terminal.index), b: terminal.uid,
                c: string(ContainerTerminal.devpts),
                d: terminal.isConsole ? string(ContainerTerminal.console) : 0, x: size)
        case .stayAsInit(let initial, let index, let lock, let hasTerminal):
            add(
                LAUNCH_OP_INIT, step: n, a: UInt32(index), b: UInt32(initial.stopSignal), c: initial.grace,
                d: lock.map { UInt32($0) + 1 } ?? 0, x: initial.deadline,
                y: UInt64(initial.flags(terminal: hasTerminal)))
        case .preserveDescriptors(let count): add(LAUNCH_OP_PRESERVE, step: n, a: UInt32(count))
        case .rlimit(let name, let soft, let hard):
            add(LAUNCH_OP_RLIMIT, step: n, a: ResourceLimit.number(of: name) ?? UInt32.max, x: soft, y: hard)
        case .oomScoreAdjust(let score):
            let text = String(score)
            add(
                LAUNCH_OP_SYSCTL, step: n, a: string("self/oom_score_adj"), b: string(text), c: UInt32(text.utf8.count))
        case .ownStandardStreams(let uid, let gid): add(LAUNCH_OP_OWN_STREAMS, step: n, a: uid, b: gid)
        case .boundingSet(let keep): add(LAUNCH_OP_BOUNDING, step: n, a: references.lastCapability, x: keep)
        case .seccomp:
            add(
                LAUNCH_OP_SECCOMP, step: n, a: block(references.seccomp), b: UInt32(references.seccomp.count),
                x: references.seccompFlags)
        case .awaitListener: add(LAUNCH_OP_LISTENER, step: n)
        case .keepCapabilities: add(LAUNCH_OP_KEEP_CAPABILITIES, step: n)
        case .groups(let groups): add(LAUNCH_OP_GROUPS, step: n, a: words(groups), b: UInt32(groups.count))
        case .gid(let gid): add(LAUNCH_OP_GID, step: n, a: gid)
        case .uid(let uid): add(LAUNCH_OP_UID, step: n, a: uid)
        case .capabilities(let effective, let permitted, let inheritable):
            add(
                LAUNCH_OP_CAPABILITIES, step: n, a: UInt32(truncatingIfNeeded: inheritable),
                b: UInt32(inheritable >> 32), x: effective, y: permitted)
        case .ambient(let set): add(LAUNCH_OP_AMBIENT, step: n, a: references.lastCapability, x: set)
        case .noNewPrivileges: add(LAUNCH_OP_NO_NEW_PRIVILEGES, step: n)
        case .umask(let mask): add(LAUNCH_OP_UMASK, step: n, a: mask)
        case .resetSignals: add(LAUNCH_OP_RESET_SIGNALS, step: n)
        case .workingDirectory(let path): add(LAUNCH_OP_CHDIR, step: n, a: string(path))
        case .exec(let arguments, let environment, let candidates):
            add(
                LAUNCH_OP_EXEC, step: n, a: strings(arguments), b: strings(environment), c: strings(candidates))
        default: addSpecial(step, number: n)
        }
    }

    private mutating func split(_ path: String) -> (directory: UInt32, name: UInt32) {
        guard let slash = path.lastIndex(of: "/") else { return (string("/", shared: true), string(path)) }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        return (string(directory, shared: true), string(String(path[path.index(after: slash)...])))
    }

}

extension Propagation {
    /// `MS_*` of mount(2).
    var flags: UInt64 {
        let kind: UInt64 =
            switch kind {
            case .shared: 1 << 20
            case .slave: 1 << 19
            case .private: 1 << 18
            case .unbindable: 1 << 17
            }
        return kind | (recursive ? 1 << 14 : 0)
    }
}

extension LaunchPlan.Namespace {
    /// `CLONE_NEW*` of clone(2).
    var cloneFlag: UInt64 {
        switch self {
        case .user: 0x1000_0000
        case .mount: 0x0002_0000
        case .pid: 0x2000_0000
        case .network: 0x4000_0000
        case .ipc: 0x0800_0000
        case .uts: 0x0400_0000
        case .cgroup: 0x0200_0000
        case .time: 0x0000_0080
        }
    }
}

extension DeviceNode {
    /// As makedev(3) packs it.
    var number: UInt64 {
        let major = UInt64(major), minor = UInt64(minor)
        return (major & 0xfff) << 8 | (major >> 12) << 44 | minor & 0xff | (minor >> 8) << 20
    }
}

extension FileSystemMount {
    /// `LAUNCH_MOUNT_*`.
    fileprivate var flags: UInt32 {
        (strict ? LAUNCH_MOUNT_STRICT.rawValue : 0) | (copiesUp ? LAUNCH_MOUNT_COPY.rawValue : 0)
            | (takesMode ? LAUNCH_MOUNT_MODE.rawValue : 0)
    }
}

extension ContainerInit {
    fileprivate func flags(terminal: Bool) -> UInt32 {
        let own: UInt32 = terminal ? LAUNCH_INIT_TERMINAL.rawValue : 0
        return switch role {
        case .own: own
        case .member: own | LAUNCH_INIT_MEMBER.rawValue
        case .sandbox: own | LAUNCH_INIT_SANDBOX.rawValue
        }
    }
}
