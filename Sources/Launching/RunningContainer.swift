package import Cgroups
internal import Glibc
package import Linux

/// A container whose command runs. Dropped without ``wait()``, it is killed with all its processes, reaped, and its
/// cgroup removed: whoever fails after the launch leaves nothing behind.
package struct RunningContainer: ~Copyable {
    private let process: ProcessHandle
    private var cgroup: OwnedCgroup?
    private let group: Cgroup?
    private var resctrl: OwnedResctrlGroup?
    private var ended = false
    /// When each step had ended; nil without a timeline.
    package let times: LaunchTimes?

    init(
        process: consuming ProcessHandle, cgroup: consuming OwnedCgroup?, group: Cgroup?,
        resctrl: consuming OwnedResctrlGroup?, times: LaunchTimes?
    ) {
        self.process = process
        self.cgroup = cgroup
        self.group = group
        self.resctrl = resctrl
        self.times = times
    }

    deinit {
        guard !ended else { return }
        try? process.send(SIGKILL)
        try? group?.kill()
        _ = try? process.wait()
    }

    /// The first process, in the runtime's pid namespace.
    package var identifier: Int32 { process.identifier }

    /// For poll(2): readable once the first process has ended.
    package var view: Descriptor { process.view }

    /// Sends a signal to the first process. ESRCH: it has ended.
    package func send(_ signal: Int32) throws(SystemError) { try process.send(signal) }

    /// Kills every process of the container.
    package func kill() throws(SystemError) {
        try process.send(SIGKILL)
        try? group?.kill()
    }

    /// Lets the container go on without this value, and tells its first process.
    package consuming func keep() -> Int32 {
        ended = true
        _ = cgroup.take()?.keep()
        resctrl.take()?.keep()
        return process.identifier
    }

    /// How the container ended, with what its cgroup counted.
    package struct End: Sendable {
        package let process: ProcessEnd
        package let statistics: CgroupStatistics?
        /// The kernel killed something in it for lack of memory.
        package var outOfMemory: Bool { (statistics?.oomKills ?? 0) > 0 }
    }

    /// Waits for the first process, and drops the cgroup, which kills what it left.
    package mutating func wait() throws(LaunchError) -> End {
        let end: ProcessEnd
        do throws(SystemError) { end = try process.wait() } catch { throw .system(error) }
        ended = true
        let statistics = try? group?.finalStatistics()
        cgroup = nil
        resctrl = nil
        return End(process: end, statistics: statistics ?? nil)
    }
}
