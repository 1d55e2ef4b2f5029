internal import Cgroups
internal import Glibc
internal import Launching
package import Linux
internal import OCI

/// A container that goes on by itself, as who waits for its end sees it. It takes no lock: others may do with the container
/// what they like meanwhile.
package struct SupervisedContainer: ~Copyable {
    /// A reference, since what can't be copied can't be looked at where it is optional.
    private final class Held {
        let process: ProcessHandle
        init(_ process: consuming ProcessHandle) { self.process = process }
    }

    private let held: Held?
    private let group: Cgroup?

    private init(_ held: Held?, _ group: Cgroup?) {
        self.held = held
        self.group = group
    }

    /// nil: there is none of this name, or the command that makes it still stays with it.
    package static func find(
        _ identifier: ContainerIdentifier, in root: borrowing RuntimeRoot
    ) throws(ContainersError) -> SupervisedContainer? {
        let record: ContainerRecord
        do throws(ContainersError) { record = try Container.find(identifier, in: root, for: .look).record } catch {
            if case .noContainer = error { return nil }
            throw error
        }
        guard let detached = record.detached else { return nil }
        do throws(SystemError) {
            let handle = try ProcessHandle(opening: detached.process)
            // A child of ours that has ended is there until it is waited for.
            if try ProcessStatus.of(detached.process)?.startTime == detached.startTime {
                return SupervisedContainer(Held(handle), record.group)
            }
        } catch {
            if error.code != .ESRCH { throw .state(error) }
        }
        return SupervisedContainer(nil, record.group)
    }

    /// For poll(2): readable once the first process has ended; nil: it has, before it was found.
    package var view: Descriptor? { held?.process.view }

    /// The number of the first process; nil: it has ended, or is about to.
    package func process() throws(SystemError) -> Int32? {
        guard let held, let status = try ProcessStatus.of(held.process.identifier), !status.isExiting,
            try !Poll.readable([held.process.view], timeout: 0)[0]
        else { return nil }
        return held.process.identifier
    }

    /// Waits until nothing of it runs any more, which has been killed: some seconds at most.
    package func awaitEmpty() {
        let tries = 300
        for _ in 0..<tries {
            guard let group, let processes = try? group.processes(), !processes.isEmpty else { return }
            Clock.pause(10_000_000)
        }
    }

    /// Sends a signal to the first process, if there is one. A frozen container is thawed: it could not heed it.
    package func send(_ signal: Int32) throws(SystemError) {
        if let group, (try? group.isFrozen()) == true { try? group.thaw() }
        do throws(SystemError) { try held?.process.send(signal) } catch  where error.code == .ESRCH {}
    }

    /// Kills every process of it.
    package func kill() {
        try? held?.process.send(SIGKILL)
        try? group?.kill()
        if let group { try? group.thaw() }
    }

    /// How its first process ended, which it has; nil: somebody else was its parent.
    package func wait() -> ProcessEnd? { try? held?.process.wait() }

    /// What its processes have used of processors, in microseconds; nil: that is not known.
    package var processorTime: UInt64? { (try? group?.statistics())?.cpuMicroseconds }

    /// How many of its processes the kernel killed for lack of memory.
    package var oomKills: UInt64 { (try? group?.finalStatistics())??.oomKills ?? 0 }
}
