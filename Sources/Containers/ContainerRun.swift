internal import Cgroups
package import Launching
package import Linux
package import OCI
package import Planning
internal import Seccomp

/// A container from its configuration to its end, in the foreground: what `run` and `pod run` share.
package struct ContainerRun {
    /// What to run and how.
    package struct Request: Sendable {
        package var identifier: ContainerIdentifier
        package var spec: RuntimeSpec
        /// Where `spec` comes from, for errors: a file, or empty for one that was made of options.
        package var specPath: String
        /// For people: what the root file system is.
        package var rootDescription: String
        /// What can't be granted is an error and not a warning.
        package var isStrict: Bool
        /// The container has no controlling hand but ours: INT and TERM end it.
        package var stopsOnSignal: Bool
        /// From the start of the command, in nanoseconds.
        package var timeout: UInt64?
        package var stopSignal: Int32
        package var timeline: Bool
        package var filter: Filter
        /// It is only created; another command starts it.
        package var isParked: Bool
        package var handover: Handover
        /// Where the configuration is from, for hooks and listeners; nil: there are none.
        package var bundle: String?
        /// nil: the command is the first process.
        package var initial: ContainerInit?
        /// What that keeps open, if it holds a lock; the caller holds it until the launch is over.
        package var lock: Descriptor?

        package init(
            identifier: ContainerIdentifier, spec: RuntimeSpec, specPath: String, rootDescription: String,
            filter: Filter, isStrict: Bool, stopsOnSignal: Bool, timeout: UInt64? = nil, stopSignal: Int32 = 15,
            timeline: Bool = false, isParked: Bool = false, handover: Handover = Handover(), bundle: String? = nil,
            initial: ContainerInit? = nil
        ) {
            self.identifier = identifier
            self.spec = spec
            self.specPath = specPath
            self.rootDescription = rootDescription
            self.filter = filter
            self.isStrict = isStrict
            self.stopsOnSignal = stopsOnSignal
            self.timeout = timeout
            self.stopSignal = stopSignal
            self.timeline = timeline
            self.isParked = isParked
            self.handover = handover
            self.bundle = bundle
            self.initial = initial
        }
    }

    /// What came of it.
    package struct Outcome: Sendable {
        package let record: ExitRecord
        package let plan: LaunchPlan
        package let times: LaunchTimes?
        package let phases: LaunchPhases
        /// What went wrong after the container had ended.
        package let warnings: [String]
    }

    private let request: Request
    private let layout: Cgroups.CgroupLayout
    private let host: HostFacts
    private let program: SeccompProgram?
    /// What hooks and a listener are told; nil: there are none.
    private let state: ContainerState?
    /// What will be done.
    package let plan: LaunchPlan
    private var phases: LaunchPhases

    /// Plans the launch of `request`; `phases` is the caller's work so far.
    package init(
        _ request: Request, root: borrowing RuntimeRoot, phases: LaunchPhases
    ) throws(ContainersError) {
        var request = request
        let handover = request.handover.environment
        if !handover.isEmpty { request.spec.process?.env += handover }
        let warnings: [String]
        do throws(SystemError) { warnings = try request.spec.dropLabels() } catch { throw .state(error) }
        self.phases = phases
        program = try request.filter.program(in: root, of: &request.spec)
        self.request = request
        self.phases.end("filter")
        do throws(CgroupError) { layout = try Cgroups.CgroupLayout.detect() } catch { throw .cgroup(error) }
        do throws(SystemError) { host = try HostFacts.gather(layout) } catch { throw .state(error) }
        let hasListener = program?.hasListener == true
        let place = request.spec.hooks != nil || hasListener ? try request.place() : nil
        state = place?.state
        let group = if case .none = host.cgroups { String?.none } else { request.cgroupPath(in: root) }
        do throws(PlanningError) {
            var plan = try Planner.plan(
                request.spec, on: host,
                .init(
                    cgroupPath: group, rootDescription: request.rootDescription,
                    keyring: request.keyring, hasFilter: program != nil, isStrict: request.isStrict,
                    isParked: request.isParked,
                    terminalSize: request.handover.terminalSize(of: request.spec.process),
                    preserved: request.handover.preserved, identifier: request.identifier.text, rootPath: place?.root,
                    hasListener: hasListener, initial: request.initial))
            plan.warnings += warnings
            self.plan = plan
        } catch { throw .planning(path: request.specPath, error) }
        self.phases.end("plan")
    }

    /// What a container's state directory is to say of whom only its name is known, and that it has these directories.
    package static func record(
        of identifier: ContainerIdentifier, in root: borrowing RuntimeRoot, directories: [String]
    ) -> ContainerRecord {
        ContainerRecord(cgroup: root.view.cgroupPath(of: identifier.text), directories: directories)
    }

    private var poststop: ContainerRecord.Poststop? { request.poststop(state) }

    /// What is left to do when the container is gone, and its state directory with it: tells which hooks failed.
    package func runPoststop() -> [HookFailure] { poststop?.run() ?? [] }

    /// Who runs the hooks; nil: nothing needs anybody.
    private var hookRunner: HookRunner? {
        guard request.spec.hooks != nil, let state else { return nil }
        return HookRunner(
            state,
            entry: ContainerEntry(
                spec: request.spec, program: program, host: host, keyring: request.keyring,
                cgroupPath: plan.cgroupPath, listener: listener(status: "creating")))
    }

    /// nil: the filter has none.
    private func listener(status: String) -> FilterListener? {
        guard program?.hasListener == true, let state else { return nil }
        return FilterListener(request.spec, state, status: status)
    }

    /// Creates the container and leaves it to others: its command waits for ``Container/start()``. On an error nothing of
    /// it is left but the state directory, which is the caller's.
    ///
    /// - Returns: its first process.
    package mutating func create(
        in root: borrowing RuntimeRoot, _ state: inout StateDirectory, rootFileSystem: consuming OwnedDescriptor,
        bundle: Bundle
    ) throws(ContainersError) -> Int32 {
        var sockets = try HandoverSockets.open(request.handover, terminal: hasTerminal)
        try beginHelper(&state)
        let place: ParkedLaunch.Place
        do throws(SystemError) { place = try ParkedLaunch.Place.make(in: state.view) } catch { throw .state(error) }
        do throws(SystemError) {
            var launch = ParkedLaunch(plan)
            launch.hooks = request.spec.hooks?.only([.startContainer, .poststart])
            launch.listener = listener(status: "created")
            try state.view.replaceFile(StateDirectory.launchName, with: launch.json.bytes())
            try state.view.replaceFile(StateDirectory.configurationName, with: bundle.text)
        } catch { throw .state(error) }
        let console = sockets.takeConsole()
        let container = try launch(
            in: root, &state, rootFileSystem: rootFileSystem, parking: place, console: console)
        try sockets.tell(container.view)
        do throws(SystemError) {
            try detach(
                container.identifier, &state, bundle: try AbsolutePath.of(bundle.path),
                rootFileSystem: try AbsolutePath.of(bundle.rootPath))
        } catch { throw .state(error) }
        return container.keep()
    }

    /// Launches the container and leaves it, its command running, to its record: whoever deletes the container removes the
    /// directories that the record names. `exitRecord` takes the end of a command that has an init.
    ///
    /// - Returns: its first process, which is a child of this one.
    package mutating func leave(
        in root: borrowing RuntimeRoot, _ state: inout StateDirectory, rootFileSystem: consuming OwnedDescriptor,
        rootPath: String, exitRecord: consuming OwnedDescriptor?
    ) throws(ContainersError) -> Int32 {
        try beginHelper(&state)
        try keepConfiguration(state.view)
        let container = try launch(in: root, &state, rootFileSystem: rootFileSystem, exitRecord: exitRecord)
        do throws(SystemError) {
            try detach(container.identifier, &state, bundle: "", rootFileSystem: rootPath)
        } catch { throw .state(error) }
        return container.keep()
    }

    /// Writes down what a further process needs to know, see ``Container/configuration()``: a container that was made of
    /// an image has no file that says it.
    private func keepConfiguration(_ directory: Descriptor) throws(ContainersError) {
        // With another filter nothing is kept, and nothing can be executed in it: rather that than with no filter.
        guard hasStandardFilter else { return }
        let text = JSON.Value.object([
            ("ociVersion", .string(request.spec.ociVersion)),
            ("process", (request.spec.process ?? .nothing).json),
        ])
        do throws(SystemError) {
            try directory.replaceFile(StateDirectory.configurationName, with: text.bytes())
        } catch { throw .state(error) }
    }

    private var hasStandardFilter: Bool { if case .standard = request.filter { true } else { false } }

    /// Writes down that the container goes on without us.
    private func detach(
        _ process: Int32, _ state: inout StateDirectory, bundle: String, rootFileSystem: String
    ) throws(SystemError) {
        guard let status = try ProcessStatus.of(process) else {
            throw SystemError("open", "/proc/\(process)", .ESRCH)
        }
        try state.leave(
            ContainerRecord.Detached(
                process: process, startTime: status.startTime, ociVersion: request.spec.ociVersion, bundle: bundle,
                rootFileSystem: rootFileSystem, created: Clock.rfc3339(Clock.wall()),
                annotations: request.spec.annotations, hasKeyring: request.handover.hasKeyring,
                hasStandardFilter: hasStandardFilter))
    }

    /// Launches, waits, and keeps the record of the end. Nothing of the container is left but that record and the state
    /// directory, which is the caller's, whatever happens.
    package mutating func run(
        in root: borrowing RuntimeRoot, _ state: inout StateDirectory, rootFileSystem: consuming OwnedDescriptor
    ) throws(ContainersError) -> Outcome {
        var sockets = try HandoverSockets.open(request.handover, terminal: hasTerminal)
        try beginHelper(&state)
        var foreground: Foreground
        do throws(SystemError) {
            foreground = try Foreground(
                request.stopsOnSignal ? .stop : .forwarded, stopSignal: request.stopSignal, terminal: hasTerminal)
        } catch { throw .state(error) }
        let isCalledOff: Bool
        do throws(SystemError) { isCalledOff = try foreground.isCalledOff() } catch { throw .state(error) }
        if isCalledOff { throw .calledOff }
        phases.end("signals")
        let console = sockets.takeConsole()
        var container = try launch(in: root, &state, rootFileSystem: rootFileSystem, console: console)
        let started = Clock.wall()
        let times = container.times
        try sockets.tell(container.view)
        do throws(SystemError) { try request.handover.write(container.identifier) } catch { throw .pidFile(error) }
        var warnings: [String] = []
        let end: RunningContainer.End
        if let terminal = try sockets.terminal() {
            let lost = try foreground.stay(with: container, timeout: request.timeout, showing: terminal)
            if let lost { warnings.append(lost) }
        } else {
            do throws(SystemError) { try foreground.stay(with: container, timeout: request.timeout) } catch {
                throw .state(error)
            }
        }
        do throws(LaunchError) { end = try container.wait() } catch { throw .launch(error) }
        let record = ContainerRun.record(request.identifier, end, foreground.asked, started)
        // The container has ended, and its command's exit code is what the caller waits for.
        do throws(SystemError) {
            try ExitLog(root: root.directory.view).add(record)
        } catch { warnings.append("the record of its end can't be kept: \(error)") }
        return Outcome(record: record, plan: plan, times: times, phases: phases, warnings: warnings)
    }

    private var hasTerminal: Bool { request.spec.process?.terminal == true }

    /// First, so that it goes on while the rest is laid ready.
    private func beginHelper(_ state: inout StateDirectory) throws(ContainersError) {
        do throws(LaunchError) { state.helper = try LaunchHelper.begin(for: plan, state.helper) } catch {
            throw .launch(error)
        }
    }

    private func launch(
        in root: borrowing RuntimeRoot, _ state: inout StateDirectory, rootFileSystem: consuming OwnedDescriptor,
        parking: consuming ParkedLaunch.Place? = nil, console: consuming OwnedDescriptor? = nil,
        exitRecord: consuming OwnedDescriptor? = nil
    ) throws(ContainersError) -> RunningContainer {
        var group: (layout: Cgroups.CgroupLayout, path: CgroupPath, resources: LinuxResources)?
        if let path = plan.cgroupPath {
            do throws(CgroupError) { group = (layout, try CgroupPath(path), request.spec.linux.resources) } catch {
                throw .cgroup(error)
            }
        }
        if let group { state.group = Cgroup(group.path, in: group.layout) }
        let container: RunningContainer
        var inputs = LaunchInputs(
            root: rootFileSystem, helper: state.helper, seccomp: program?.bytes ?? [],
            seccompFlags: UInt64(program?.flags.rawValue ?? 0), cgroup: group,
            cgroupMark: group.flatMap { root.view.mark(of: request.identifier.text, cgroup: $0.path.text) },
            lastCapability: UInt32(host.lastCapability), parking: parking, console: console,
            hooks: hookRunner, listener: listener(status: "creating"), exitRecord: exitRecord)
        inputs.lock = request.lock
        do throws(LaunchError) {
            container = try Launcher.launch(plan, with: inputs, timeline: request.timeline)
        } catch { throw .launch(error) }
        state.helper?.reap()
        return container
    }

    private static func record(
        _ identifier: ContainerIdentifier, _ end: RunningContainer.End, _ asked: Foreground.Asked, _ started: UInt64
    ) -> ExitRecord {
        var exitCode: Int32?, signal: Int32?
        switch end.process.cause {
        case .exited(let code): exitCode = code
        case .signalled(let number, _): signal = number
        }
        // A shell reports its child's death by a signal as 128 + n; the kernel's count tells what killed it.
        let killed = signal == 9 || exitCode == 137
        let reason: ExitRecord.Reason =
            switch asked {
            case .deadline: .deadline
            case .caller: .stopped
            case .nobody:
                end.outOfMemory && (killed || exitCode != 0) ? .outOfMemory : signal != nil ? .signalled : .exited
            }
        return ExitRecord(
            identifier: identifier.text, reason: reason, exitCode: exitCode, signal: signal, startedAt: started,
            finishedAt: Clock.wall(), userTime: end.process.userTime, systemTime: end.process.systemTime,
            peakMemory: end.statistics?.memoryPeak ?? UInt64(end.process.peakMemory) * 1024)
    }
}

extension ContainerRun.Request {
    /// What the container's state directory is to say: all of it that will be outside, by its configuration.
    package func record(in root: borrowing RuntimeRoot) throws(ContainersError) -> ContainerRecord {
        let hooks = spec.hooks?.only([.poststop])
        var record = ContainerRecord(
            cgroup: cgroupPath(in: root), resctrl: ResctrlGroup.directories(of: spec, identifier: identifier.text),
            poststop: hooks == nil ? nil : poststop(try place().state))
        if let bundle, !isParked {
            record.bundle = try? AbsolutePath.of(bundle)
            record.configuration = try? AbsolutePath.of(specPath)
        }
        return record
    }

    /// The configuration's path below each hierarchy, else one of our own.
    fileprivate func cgroupPath(in root: borrowing RuntimeRoot) -> String {
        guard let path = spec.linux.cgroupsPath, !path.isEmpty else { return root.view.cgroupPath(of: identifier.text) }
        return path.hasPrefix("/") ? String(path.dropFirst()) : "perigee/\(root.identifier)/\(path)"
    }

    fileprivate func poststop(_ state: ContainerState?) -> ContainerRecord.Poststop? {
        guard let hooks = spec.hooks?.only([.poststop]), let state else { return nil }
        return ContainerRecord.Poststop(hooks: hooks, state: state)
    }

    fileprivate var keyring: String? { handover.hasKeyring ? "_ses." + identifier.text : nil }

    /// What others are told of the container, and where they find its root.
    fileprivate func place() throws(ContainersError) -> (state: ContainerState, root: String) {
        do throws(SystemError) {
            let bundle = try AbsolutePath.of(bundle ?? ".")
            let root = spec.root.path.hasPrefix("/") ? spec.root.path : bundle + "/" + spec.root.path
            let state = ContainerState(
                ociVersion: spec.ociVersion, identifier: identifier.text, bundle: bundle, annotations: spec.annotations)
            return (state, root)
        } catch { throw .state(error) }
    }
}

extension FilterListener {
    /// Of a configuration that has one.
    init?(_ spec: RuntimeSpec, _ state: ContainerState, status: String) {
        guard let seccomp = spec.linux.seccomp, let path = seccomp.listenerPath else { return nil }
        self.init(path: path, metadata: seccomp.listenerMetadata, state: state, status: status)
    }
}
