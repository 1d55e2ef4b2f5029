internal import Cgroups
internal import Glibc
internal import Launching
internal import Linux
package import OCI

extension Container {
    /// Starts the command of a container that was created, and returns when it is being executed.
    package borrowing func start() throws(ContainersError) {
        let status = try status()
        guard status == .created, let process = try process() else {
            throw .wrongStatus(name, status, cannot: "start")
        }
        let launch = try launch()
        let isStarted: Bool
        do throws(LaunchError) { isStarted = try launch.start(in: directory.view, process: process) } catch {
            throw .launch(error)
        }
        if !isStarted { throw .wrongStatus(name, .stopped, cannot: "start") }
        forgetLaunch()
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
    /// runtime-spec, runtime.md, "Delete": one that was created and not started has not ended.
    package consuming func delete(force: Bool) throws(ContainersError) {
        let status = try status()
        guard force || status == .stopped else {
            throw .wrongStatus(name, status, cannot: "delete")
        }
        if isAttended { return try end() }
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
