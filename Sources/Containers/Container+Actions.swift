internal import Cgroups
internal import Glibc
package import Launching
internal import Linux
package import OCI
internal import Planning

extension Container {
    /// Starts the command of a container that was created, and returns when it is being executed. `rootPath` is where its
    /// root is, which hooks need.
    package borrowing func start(rootPath: String) throws(ContainersError) {
        let status = try status()
        guard status == .created, let process = try process() else {
            throw .wrongStatus(name, status, cannot: "start")
        }
        let launch = try launch()
        if let hooks = launch.hooks { return try start(launch, hooks, process, rootPath) }
        try start(launch, process)
    }

    private borrowing func start(_ launch: ParkedLaunch, _ process: Int32) throws(ContainersError) {
        let isStarted: Bool
        do throws(LaunchError) { isStarted = try launch.start(in: directory.view, process: process) } catch {
            // It waits for a listener that nobody has.
            if launch.listener != nil { try? kill(SIGKILL, all: true) }
            throw .launch(error)
        }
        if !isStarted { throw .wrongStatus(name, .stopped, cannot: "start") }
        forgetLaunch()
    }

    /// With hooks before and after; one that fails ends the container, which is left to be deleted.
    private borrowing func start(
        _ launch: ParkedLaunch, _ hooks: Hooks, _ process: Int32, _ rootPath: String
    ) throws(ContainersError) {
        let runner = HookRunner(told, entry: hooks[.startContainer].isEmpty ? nil : try entry(launch, rootPath))
        let handle: ProcessHandle
        do throws(SystemError) { handle = try ProcessHandle(opening: process) } catch {
            throw .wrongStatus(name, .stopped, cannot: "start")
        }
        func run(_ kind: Hooks.Kind, _ watching: Descriptor?) throws(ContainersError) {
            do throws(HookFailure) {
                for (i, hook) in hooks[kind].enumerated() {
                    try runner.run(kind, i, hook, first: process, watching: watching, group: group)
                }
            } catch {
                try? kill(SIGKILL, all: true)
                throw .hook(error)
            }
        }
        try run(.startContainer, handle.view)
        try start(launch, process)
        try run(.poststart, nil)
        _ = consume handle
    }

    private borrowing func entry(_ launch: ParkedLaunch, _ rootPath: String) throws(ContainersError) -> ContainerEntry {
        let root = try RuntimeRoot.at(path: rootPath)
        var (spec, filter) = try configurationAndFilter()
        do throws(SystemError) { _ = try spec.dropLabels() } catch { throw .state(error) }
        let layout: CgroupLayout, host: HostFacts
        do throws(CgroupError) { layout = try CgroupLayout.detect() } catch { throw .cgroup(error) }
        do throws(SystemError) { host = try HostFacts.gather(layout) } catch { throw .state(error) }
        let program = try filter.program(in: root, of: &spec)
        return ContainerEntry(
            spec: spec, program: program, host: host, keyring: keyring, cgroupPath: record.cgroup,
            listener: launch.listener)
    }

    private borrowing func launch() throws(ContainersError) -> ParkedLaunch {
        let text: [UInt8]
        do throws(SystemError) {
            text = try directory.view.readFile(StateDirectory.launchName, limit: 8 << 20)
        } catch { throw .state(error) }
        do throws(JSONError) { return try ParkedLaunch(try JSON(parsing: text)) } catch {
            throw .json(path: "\(name)/\(StateDirectory.launchName)", error)
        }
    }

    /// What only the start needs. What can't be removed now goes with the rest.
    private borrowing func forgetLaunch() {
        for name in [ParkedLaunch.Place.fifoName, ParkedLaunch.Place.planName, StateDirectory.launchName] {
            try? directory.view.unlink(name)
        }
    }

    /// Sends `signal` to the first process, or with `all` to each of the container.
    package borrowing func kill(_ signal: Int32, all: Bool) throws(ContainersError) {
        guard let process = try process() else {
            // What it left may still run where it had no pid namespace of its own.
            if all, let group { return try Container.send(signal, to: group) }
            throw .wrongStatus(name, .stopped, cannot: "kill")
        }
        if all, let group { return try Container.send(signal, to: group) }
        do throws(SystemError) {
            let handle = try ProcessHandle(opening: process)
            // By now the number could be another's: only what the handle holds counts.
            guard try self.process(is: handle) else { throw SystemError("pidfd_open", "process \(process)", .ESRCH) }
            try handle.send(signal)
        } catch {
            if error.code == .ESRCH { throw .wrongStatus(name, .stopped, cannot: "kill") }
            throw .state(error)
        }
        // A frozen process dies when it is thawed, on v1.
        if signal == SIGKILL, let group { try? group.thaw() }
    }

    /// Stops all its processes where they are, until ``resume()``.
    package borrowing func pause() throws(ContainersError) {
        let status = try status()
        guard status == .running, let group else { throw .wrongStatus(name, status, cannot: "pause") }
        do throws(CgroupError) { try group.freeze() } catch { throw .cgroup(error) }
    }

    /// Lets them go on.
    package borrowing func resume() throws(ContainersError) {
        let status = try status()
        guard status == .paused, let group else { throw .wrongStatus(name, status, cannot: "resume") }
        do throws(CgroupError) { try group.thaw() } catch { throw .cgroup(error) }
    }

    /// Changes its limits to those of `resources`; what is not named there stays.
    package borrowing func update(_ resources: LinuxResources) throws(ContainersError) {
        let status = try status()
        guard status != .stopped, status != .creating, let group else {
            throw .wrongStatus(name, status, cannot: "update")
        }
        do throws(CgroupError) { try group.update(resources) } catch { throw .cgroup(error) }
    }

    /// Its processes, in the caller's pid namespace.
    package borrowing func processes() throws(ContainersError) -> [Int32] {
        guard let group else { return [] }
        do throws(CgroupError) { return try group.processes().sorted() } catch { throw .cgroup(error) }
    }

    /// The handle was opened by number; if that process began when ours did, it is ours, and the handle keeps it.
    private borrowing func process(is handle: borrowing ProcessHandle) throws(SystemError) -> Bool {
        guard let detached = record.detached else { return true }
        return try ProcessStatus.of(handle.identifier)?.startTime == detached.startTime
    }

    private static func send(_ signal: Int32, to group: Cgroup) throws(ContainersError) {
        let processes: [Int32]
        do throws(CgroupError) {
            if signal == SIGKILL { return try group.kill() }
            processes = try group.processes()
        } catch { throw .cgroup(error) }
        for process in processes {
            do throws(SystemError) { try ProcessHandle(opening: process).send(signal) } catch {
                if error.code != .ESRCH { throw .state(error) }
            }
        }
    }

    /// Removes a container that has ended, with what its command has left running; with `force` it is killed first.
    /// runtime-spec, runtime.md, "Delete": one that was created and not started has not ended. Returns the hooks of its end
    /// that failed.
    package consuming func delete(force: Bool) throws(ContainersError) -> [HookFailure] {
        let status = try status()
        guard force || status == .stopped else {
            throw .wrongStatus(name, status, cannot: "delete")
        }
        if isAttended {
            try end()
            return []
        }
        if let process = try process() {
            do throws(SystemError) {
                let handle = try ProcessHandle(opening: process)
                if try self.process(is: handle) {
                    try handle.send(SIGKILL)
                    if let group { try? group.thaw() }
                    // Not ours to wait for: its end is seen, and who is its parent by now reaps it.
                    _ = try Poll.readable([handle.view], timeout: 10_000)
                }
            } catch {
                if error.code != .ESRCH { throw .state(error) }
            }
        }
        if let left = try record.removeAll(of: name, in: root) { throw .notOfThisRoot(left) }
        forgetLaunch()
        do throws(SystemError) { try StateDirectory.remove(name, directory.view, in: root.directory) } catch {
            throw .state(error)
        }
        return record.poststop?.run() ?? []
    }

    /// Of a container whose command stays with it: that command removes it when its first process ends.
    private borrowing func end() throws(ContainersError) {
        try kill(SIGKILL, all: true)
        do throws(SystemError) {
            let end = Clock.monotonic() + 10_000_000_000
            while try root.directory.exists(name) {
                if Clock.monotonic() > end { throw SystemError("flock", name, .EBUSY) }
                Clock.pause(10_000_000)
            }
        } catch { throw .state(error) }
    }
}
