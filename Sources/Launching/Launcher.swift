internal import CLaunch
internal import Cgroups
internal import Glibc
internal import Linux
package import Planning

/// Carries out a plan: the runtime's steps here, the child's in the stage.
package struct Launcher: ~Copyable {
    let plan: LaunchPlan
    /// How many steps there are, the clone among them.
    let count: Int
    private(set) var inputs: LaunchInputs
    private var descriptors = DescriptorTable()
    private var isDirectory: [Bool] = []
    /// As in `ArenaBuilder.References`.
    private var links: [String] = []
    /// That the child is born in; 0: the runtime's own, or a new one.
    private var userNamespace: Int32 = 0
    private var cgroup: OwnedCgroup?
    private var resctrl: OwnedResctrlGroup?
    /// The name of `cgroup`, to act on it.
    private(set) var group: Cgroup?
    private var times: LaunchTimes?

    /// Launches `plan`, and returns when its command is being executed, or its child is parked.
    ///
    /// - Throws: ``LaunchError``; then nothing is left of the container.
    package static func launch(
        _ plan: LaunchPlan, with inputs: consuming LaunchInputs, timeline: Bool
    ) throws(LaunchError) -> RunningContainer {
        var launcher = Launcher(plan, inputs, timeline: timeline)
        return try launcher.run()
    }

    private init(_ plan: LaunchPlan, _ inputs: consuming LaunchInputs, timeline: Bool) {
        self.plan = plan
        count = plan.execNumber + plan.after.count
        self.inputs = inputs
        if timeline { times = LaunchTimes(start: (Clock.monotonic(), Clock.processor())) }
    }

    private mutating func run() throws(LaunchError) -> RunningContainer {
        // Before the first step, which waits for the helper: it works meanwhile.
        var sockets: SocketPair
        do throws(SystemError) { sockets = try SocketPair() } catch { throw .system(error) }
        let stage: OwnedDescriptor
        do throws(SystemError) { stage = try Stage.descriptor() } catch { throw .system(error) }
        let birth = Birth()
        for (i, step) in plan.before.enumerated() {
            try perform(before: step, number: i + 1)
            mark(i + 1)
        }
        guard let control = sockets.far?.view, let near = sockets.near?.view else { preconditionFailure("a new pair") }
        let compiled = try CompiledPlan.make(
            plan, firstNumber: plan.before.count + 2 + plan.beside.count,
            references: .init(
                isDirectory: isDirectory, links: links, seccomp: inputs.seccomp, seccompFlags: inputs.seccompFlags,
                lastCapability: inputs.lastCapability),
            descriptors: descriptors.numbers, control: control, timeline: times != nil, file: inputs.parking?.plan.view)
        let process = try clone(compiled, birth, stage.view)
        _ = consume stage
        if leavesTimeNamespace { try? TimeNamespace.leave() }
        // From here on the child's end is the child's alone, and closes when it executes its command or dies.
        sockets.far = nil
        mark(plan.before.count + 1)
        do throws(LaunchError) {
            for (i, step) in plan.beside.enumerated() {
                let number = plan.before.count + 2 + i
                switch step {
                case .await(let handshake): try waitFor(handshake, compiled, process, control: near)
                case .sendListener: try sendListener(compiled, process, step, number: number, control: near)
                case .hook: try run(step, number: number, process, isWatched: true)
                default: try perform(beside: step, number: number, child: process.identifier, control: near)
                }
                mark(number)
            }
            try awaitCommand(compiled, process, control: near)
            if !plan.after.isEmpty { try finish(compiled, process) }
        } catch {
            try? process.send(SIGKILL)
            try? group?.kill()
            sockets.near = nil
            _ = try? process.wait()
            throw reason(error, birth)
        }
        if plan.after.isEmpty { collect(compiled) }
        return RunningContainer(
            process: process, cgroup: cgroup.take(), group: group, resctrl: resctrl.take(), times: times)
    }

    // MARK: the runtime's steps

    private mutating func perform(before step: Step, number: Int) throws(LaunchError) {
        if case .createCgroup = step {
            guard let wanted = inputs.cgroup else { return }
            do throws(CgroupError) {
                let helper = inputs.helper
                let made = try OwnedCgroup(
                    creating: wanted.path, in: wanted.layout, wanted.resources, owner: inputs.cgroupMark,
                    begun: { path throws(SystemError) in try helper?.hasMade(path) ?? false })
                group = made.view
                cgroup = consume made
            } catch { throw .cgroup(number: number, count: count, error) }
            return
        }
        do throws(SystemError) {
            switch step {
            case .makeNetwork: handOverNetwork()
            case .openDescriptor(let index): try open(plan.descriptors[index])
            case .enterForChildren(.user, let index): userNamespace = descriptors[index].number
            case .enterForChildren(let namespace, let index):
                try descriptors[index].enterNamespace(namespace.cloneFlag)
            case .makeResctrlGroup(let group): resctrl = try OwnedResctrlGroup.make(group.group)
            case .makeTimeNamespace(let monotonic, let boottime):
                try TimeNamespace.enter(monotonic: monotonic, boottime: boottime)
            default: preconditionFailure("not a step before the clone")
            }
        } catch {
            if case .openDescriptor(let index) = step {
                throw .descriptor(number: number, count: count, plan.descriptors[index], error)
            }
            throw .step(number: number, count: count, step, error)
        }
    }

    private mutating func handOverNetwork() {
        guard let receiver = inputs.helper?.takeReceiver() else { preconditionFailure("begun with the plan") }
        descriptors.append(receiver)
        isDirectory.append(false)
    }

    private mutating func open(_ use: LaunchPlan.DescriptorUse) throws(SystemError) {
        switch use {
        case .root:
            descriptors.append(try inputs.root.view.duplicate())
            isDirectory.append(true)
        case .bindSource(let path, let recursive):
            let source = try Descriptor.workingDirectory.openFollowing(path, O_PATH)
            isDirectory.append(try source.view.status().isDirectory)
            descriptors.append(try source.view.cloneMount(recursive: recursive))
        case .cgroup(let controllers):
            let directory = group?.directory(of: controllers) ?? ""
            let source = try Descriptor.workingDirectory.openFollowing(directory, O_PATH | O_DIRECTORY)
            isDirectory.append(true)
            descriptors.append(try source.view.cloneMount(recursive: false))
        case .specialSource(let source):
            let opened = try OpenedSource.open(source)
            if !opened.link.isEmpty {
                if links.isEmpty { links = plan.descriptors.map { _ in "" } }
                links[isDirectory.count] = opened.link
            }
            isDirectory.append(opened.isDirectory)
            descriptors.append(try opened.descriptor.view.duplicate())
        case .start:
            guard let fifo = try inputs.parking?.fifo.view.duplicate() else { preconditionFailure("nowhere to park") }
            descriptors.append(fifo)
            isDirectory.append(false)
        case .console:
            guard let console = try inputs.console?.view.duplicate() else { preconditionFailure("nobody to take it") }
            descriptors.append(console)
            isDirectory.append(false)
        case .exitRecord:
            guard let record = try inputs.exitRecord?.view.duplicate() else { preconditionFailure("nowhere to write") }
            descriptors.append(record)
            isDirectory.append(false)
        case .lock:
            guard let lock = try inputs.lock?.duplicate() else { preconditionFailure("nothing to keep") }
            descriptors.append(lock)
            isDirectory.append(false)
        case .network: preconditionFailure("it is made, not opened")
        case .namespace(let kind, let path):
            let namespace = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY)
            if kind == .mount { try Launcher.refuseHost(namespace.view, path) }
            descriptors.append(namespace)
            isDirectory.append(false)
        case .ownMounts:
            descriptors.append(try Descriptor.workingDirectory.openFollowing("/proc/self/ns/mnt", O_RDONLY))
            isDirectory.append(false)
        case .rootOf(let process):
            let directory = O_PATH | O_DIRECTORY
            descriptors.append(try Descriptor.workingDirectory.openFollowing("/proc/\(process)/root", directory))
            isDirectory.append(true)
        }
    }

    /// The child gives the mount namespace that it is in another root, and lets the old one go.
    private static func refuseHost(_ namespace: Descriptor, _ path: String) throws(SystemError) {
        let inode = try namespace.status().inode
        let own = try Descriptor.workingDirectory.openFollowing("/proc/self/ns/mnt", O_RDONLY)
        var isHost = try own.view.status().inode == inode
        // Who may not look at it could not have opened it either.
        if let first = try? Descriptor.workingDirectory.openFollowing("/proc/1/ns/mnt", O_RDONLY) {
            let other = try first.view.status().inode
            isHost = isHost || other == inode
        }
        if isHost { throw SystemError("setns", path, detail: "it is the host's mount namespace,", .EINVAL) }
    }

    private func perform(
        beside step: Step, number: Int, child: Int32, control: Descriptor
    ) throws(LaunchError) {
        do throws(CgroupError) {
            if case .joinCgroup = step {
                if let joining = inputs.joining { return try joining.join(child, unified: true) }
                return try group?.join(child, unified: false) ?? ()
            }
            if case .restrictDevices = step { return try cgroup?.restrictDevices() ?? () }
        } catch { throw .cgroup(number: number, count: count, error) }
        do throws(SystemError) {
            switch step {
            case .joinResctrlGroup: try resctrl?.join(child)
            case .placeChild(let processors):
                try Identity.place(child, on: NumberList(processors)?.words ?? [])
            case .moveNetworkDevices(let devices, let index):
                try NetworkDevices.move(devices, to: child, joining: index.map { descriptors[$0] })
            case .writeIdentityMaps(let uid, let gid): try IdentityMaps.write(uid: uid, gid: gid, of: child)
            case .signal(let handshake):
                do throws(SystemError) { try control.send(handshake.rawValue) } catch  where error.code == .EPIPE {
                    // It has died: what the result page says is the error, not that nobody listens.
                }
            default: preconditionFailure("not a step beside the child")
            }
        } catch { throw .step(number: number, count: count, step, error) }
    }

    /// A hook waits for the child's end too where the child is to go on.
    private func run(_ step: Step, number: Int, _ process: borrowing ProcessHandle, isWatched: Bool)
        throws(LaunchError)
    {
        guard case .hook(let kind, let index, let hook) = step, let host = inputs.hooks else {
            preconditionFailure("a plan with hooks, and nobody to run them")
        }
        do throws(HookFailure) {
            try host.run(
                kind, index, hook, first: process.identifier, watching: isWatched ? process.view : nil, group: group)
        } catch { throw .hook(number: number, count: count, error) }
    }

    /// The hooks that come once the command is executed. Those of the container's end are not ours.
    private mutating func finish(_ compiled: CompiledPlan, _ process: borrowing ProcessHandle) throws(LaunchError) {
        collect(compiled)
        for (i, step) in plan.after.enumerated() {
            guard case .hook(.poststart, _, _) = step else { continue }
            let number = plan.execNumber + 1 + i
            try run(step, number: number, process, isWatched: false)
            mark(number)
        }
    }

    /// Where the child has said nothing for a moment, its page is looked at: it may be unable to say anything.
    private func sendListener(
        _ compiled: CompiledPlan, _ process: borrowing ProcessHandle, _ step: Step, number: Int, control: Descriptor
    ) throws(LaunchError) {
        guard let listener = inputs.listener else { preconditionFailure("a plan with a listener, and nowhere to send") }
        do throws(SystemError) {
            let milliseconds: Int32 = 1
            while try !Poll.readable([control], timeout: milliseconds)[0], compiled.page.listener == nil {}
            if let made = compiled.page.listener {
                try listener.send(made, of: process)
                compiled.page.takeListener()
                do throws(SystemError) { try control.send(1) } catch  where error.code == .EPIPE {}
                return
            }
        } catch { throw .step(number: number, count: count, step, error) }
        throw whyNot(compiled, process)
    }

    private mutating func clone(
        _ compiled: CompiledPlan, _ birth: Birth, _ stage: Descriptor
    ) throws(LaunchError) -> ProcessHandle {
        let number = plan.before.count + 1
        var flags = plan.clone.namespaces.reduce(0) { $0 | $1.cloneFlag }
        if plan.clone.sharesMemory { flags |= 0x100 }  // CLONE_VM
        var how = launch_clone()
        if plan.clone.intoCgroup, let group = cgroup?.v2Directory {
            flags |= 0x2_0000_0000  // CLONE_INTO_CGROUP
            how.cgroup = group.number
        }
        how.flags = flags
        how.stage = stage.number
        how.arena = compiled.memory.number
        how.header = compiled.header
        how.user = userNamespace
        var pidfd: Int32 = -1
        let pid = birth.begin(how, &pidfd)
        guard pid > 0 else {
            throw .clone(number: number, count: count, SystemError("clone3", "", Errno(rawValue: Int32(-pid))))
        }
        return ProcessHandle(identifier: Int32(pid), taking: pidfd)
    }

    /// Whether the runtime's later children would be in the container's time namespace.
    private var leavesTimeNamespace: Bool {
        guard let last = plan.before.last, case .makeTimeNamespace = last else { return false }
        return true
    }

    // MARK: times

    private mutating func mark(_ number: Int) {
        guard let start = times?.start else { return }
        times?.marks.append(
            .init(
                number: number, actor: .runtime, wall: Clock.monotonic(), processor: Clock.processor() - start.processor
            ))
    }

    private mutating func collect(_ compiled: CompiledPlan) {
        guard times != nil else { return }
        times?.stageStart = compiled.page.time(ofStep: 0)
        let first = plan.before.count + 2 + plan.beside.count
        for i in plan.child.indices.dropLast() {
            let (wall, processor) = compiled.page.time(ofStep: first + i)
            times?.marks.append(.init(number: first + i, actor: .child, wall: wall, processor: processor))
        }
        // The last step ends when the kernel has executed the command, which is what we have just seen.
        times?.marks.append(
            .init(number: plan.execNumber, actor: .child, wall: Clock.monotonic(), processor: 0))
    }
}
