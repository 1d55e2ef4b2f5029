internal import Cgroups
internal import Glibc
internal import Launching
package import Linux
package import OCI
internal import Planning

/// A further process in a container that runs, see ``ContainerEntry``.
package enum ContainerExec {
    /// What is executed.
    package struct Request: Sendable {
        /// nil: the container's own, with these changes.
        package var process: ProcessSpec?
        /// The command; empty: that of `process`.
        package var arguments: [String] = []
        package var environment: [String] = []
        package var workingDirectory: String?
        package var user: (uid: UInt32, gid: UInt32?)?
        /// It gets a terminal. One of `process` has one if that says so.
        package var terminal = false
        /// Capabilities that it has beside its own, in all five sets: `CAP_CHOWN`.
        package var capabilities: [String] = []
        /// Groups beside those it has.
        package var groups: [UInt32] = []
        package var noNewPrivileges = false
        package var apparmorProfile: String?
        package var selinuxLabel: String?
        package var handover = Handover()

        package init(process: ProcessSpec?) { self.process = process }
    }
}

extension Container {
    /// Executes a process, and returns when its command is being executed.
    package borrowing func execute(_ request: ContainerExec.Request, in root: borrowing RuntimeRoot)
        throws(ContainersError) -> ContainerProcess
    {
        let status = try status()
        guard status == .running || status == .created, let first = try process() else {
            throw .wrongStatus(name, status, cannot: "exec in")
        }
        let (configuration, filter) = try configurationAndFilter()
        var spec = try request.apply(to: configuration)
        do throws(SystemError) { _ = try spec.dropLabels() } catch { throw .state(error) }
        let hasTerminal = spec.process?.terminal == true
        try request.handover.check(terminal: hasTerminal)
        var sockets = try HandoverSockets.open(request.handover, terminal: hasTerminal)
        let program = try filter.program(in: root, of: &spec)
        let layout: Cgroups.CgroupLayout
        do throws(CgroupError) { layout = try Cgroups.CgroupLayout.detect() } catch { throw .cgroup(error) }
        let host: HostFacts
        do throws(SystemError) { host = try HostFacts.gather(layout) } catch { throw .state(error) }
        let entry = ContainerEntry(
            spec: spec, program: program, host: host,
            keyring: keyring, cgroupPath: record.cgroup,
            listener: program?.hasListener == true ? FilterListener(spec, told, status: status.rawValue) : nil,
            terminalSize: request.handover.terminalSize(of: spec.process), preserved: request.handover.preserved)
        let plan = try entry.plan(first: first)
        let console = sockets.takeConsole()
        let running = try entry.launch(plan, first: first, group: group, console: console)
        try sockets.tell(running.view)
        do throws(SystemError) { try request.handover.write(running.identifier) } catch { throw .pidFile(error) }
        let terminal = try sockets.terminal()
        return ContainerProcess(running, terminal, warnings: plan.warnings)
    }

    /// Its root directory, to look at: O_PATH. What is in it may be anything.
    package borrowing func openRoot() throws(ContainersError) -> OwnedDescriptor {
        guard let first = try process() else { throw .wrongStatus(name, .stopped, cannot: "look into") }
        do throws(SystemError) {
            let root = try Descriptor.workingDirectory.openFollowing("/proc/\(first)/root", O_PATH | O_DIRECTORY)
            // The number could have become another's meanwhile.
            if (try? process()) == first { return root }
        } catch { throw .state(error) }
        throw .wrongStatus(name, .stopped, cannot: "look into")
    }

    /// As it was at the creation, without its filter; of one that was made of an image, its process alone.
    package borrowing func configuration() throws(ContainersError) -> RuntimeSpec { try configurationAndFilter().spec }

    /// The same, with what every process of it is filtered by.
    borrowing func configurationAndFilter() throws(ContainersError) -> (spec: RuntimeSpec, filter: Filter) {
        // Who stays with a container has kept none, but knows where it was.
        if let path = record.configuration {
            let bundle = try Bundle(path: record.bundle ?? "/", configuration: path)
            return (bundle.spec, bundle.filter)
        }
        let path = "\(name)/\(StateDirectory.configurationName)"
        let text: [UInt8]
        do throws(SystemError) {
            text = try directory.view.readFile(StateDirectory.configurationName, limit: Bundle.limit)
        } catch {
            if error.code == .ENOENT { throw .notCreated(name) }
            throw .state(error)
        }
        let (spec, filter) = try ConfigurationText(bytes: text, path: path).read()
        if record.detached?.hasStandardFilter == true {
            return (spec, .standard(capabilities: Set(spec.process?.capabilities?.bounding ?? [])))
        }
        return (spec, filter)
    }
}

extension ContainerExec.Request {
    /// The container's configuration with this process.
    func apply(to spec: RuntimeSpec) throws(ContainersError) -> RuntimeSpec {
        var spec = spec
        var process = process ?? inherited(from: spec)
        if terminal { process.terminal = true }
        if !arguments.isEmpty { process.args = arguments }
        process.env += environment
        // Of `terminal` alone: a file says itself what it wants.
        if terminal, !process.env.contains(where: { $0.hasPrefix("TERM=") }) { process.env.append("TERM=xterm") }
        if let workingDirectory { process.cwd = workingDirectory }
        if let user {
            process.user.uid = user.uid
            if let gid = user.gid { process.user.gid = gid }
            // The container's are another user's.
            process.user.additionalGids = []
        }
        process.user.additionalGids += groups
        if noNewPrivileges { process.noNewPrivileges = true }
        if apparmorProfile != nil || selinuxLabel != nil {
            var settings = process.settings ?? ProcessSettings()
            settings.apparmorProfile = apparmorProfile ?? settings.apparmorProfile
            settings.selinuxLabel = selinuxLabel ?? settings.selinuxLabel
            process.settings = settings
        }
        if !capabilities.isEmpty {
            var sets = process.capabilities ?? .init()
            sets.bounding += capabilities
            sets.effective += capabilities
            sets.inheritable += capabilities
            sets.permitted += capabilities
            sets.ambient += capabilities
            process.capabilities = sets
        }
        spec.process = process
        return spec
    }

    /// The container's own process but for its terminal.
    private func inherited(from spec: RuntimeSpec) -> ProcessSpec {
        var process = spec.process ?? ProcessSpec()
        process.terminal = false
        process.consoleSize = nil
        return process
    }
}

/// A process that was executed in a container. Dropped, it is killed.
package struct ContainerProcess: ~Copyable {
    private var running: RunningContainer
    /// The other end of its terminal, where that is for us to show.
    private var terminal: OwnedDescriptor?
    package private(set) var warnings: [String]

    init(_ running: consuming RunningContainer, _ terminal: consuming OwnedDescriptor?, warnings: [String]) {
        self.running = running
        self.terminal = terminal
        self.warnings = warnings
    }

    /// In the caller's pid namespace.
    package var identifier: Int32 { running.identifier }

    /// Stays until it ends, passing signals on. Returns its exit code, or 128 + the signal.
    /// `warnings` may have grown then.
    package mutating func stay() throws(ContainersError) -> Int32 {
        if let terminal = self.terminal.take() {
            var foreground: Foreground
            do throws(SystemError) {
                foreground = try Foreground(.forwarded, stopSignal: SIGTERM, terminal: true)
            } catch { throw .state(error) }
            let lost = try foreground.stay(with: running, timeout: nil, showing: terminal)
            if let lost { warnings.append(lost) }
        } else {
            do throws(SystemError) {
                var foreground = try Foreground(.forwarded, stopSignal: SIGTERM, terminal: false)
                try foreground.stay(with: running, timeout: nil)
            } catch { throw .state(error) }
        }
        do throws(LaunchError) { return try running.wait().process.status } catch { throw .launch(error) }
    }

    /// Lets it go on alone.
    package consuming func leave() { _ = running.keep() }

    /// For poll(2): readable once it has ended.
    package var view: Descriptor { running.view }

    /// Waits for its end: its exit code, or 128 + the signal.
    package mutating func end() throws(ContainersError) -> Int32 {
        do throws(LaunchError) { return try running.wait().process.status } catch { throw .launch(error) }
    }
}
