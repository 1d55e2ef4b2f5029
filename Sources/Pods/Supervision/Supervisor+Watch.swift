internal import Containers
internal import Glibc
internal import Launching
internal import Linux

// While the container runs, and its end.
extension Supervisor {
    /// Stays until the container has ended, keeps what it prints, and removes it.
    mutating func watch(_ identifier: ContainerIdentifier, in root: borrowing RuntimeRoot) throws(SystemError) {
        let sought: SupervisedContainer?
        do throws(ContainersError) { sought = try SupervisedContainer.find(identifier, in: root) } catch {
            throw SystemError("open", identifier.text, detail: "\(error),", .EIO)
        }
        guard let container = sought else { return try lose() }
        if status.phase != .running {
            // Its launcher was killed before it could say so.
            status.phase = .running
            (status.reason, status.message) = (nil, nil)
            status.startedAt = Clock.wall()
            status.deadline = record.request.timeout.map { Clock.boot() &+ $0 }
            try write(status)
            tell(PodEvent(.started, of: record))
        }
        let streams = try PodStreams.openToRead(in: directory)
        var log = try PodLog.open(in: directory, limit: record.logSize)
        let asked = try PodWake.open(in: directory)
        let timer = try DeadlineTimer()
        if let deadline = status.deadline { try timer.arm(at: deadline) }
        let idle = try IdleWatch(record, container)
        var stop = try heed(try stopRequest(), container, timer)
        var isKilled = false
        OwnProgram.giveMemoryBack()
        if let view = container.view {
            while true {
                var watched = [view, streams.out.view, streams.err.view, timer.view, asked.view]
                if let idle { watched.append(idle.view) }
                let ready = try Poll.readable(watched)
                // No more than there is room for in a FIFO: one who prints without end must not keep us from the rest.
                if ready[1] { _ = try log.take(.out, from: streams.out.view) }
                if ready[2] { _ = try log.take(.err, from: streams.err.view) }
                if ready[0] { break }
                if ready[3] {
                    if stop != nil {
                        try timer.arm(at: UInt64.max / 4)
                        isKilled = true
                        container.kill()
                    } else {
                        try request(StopRequest(reason: overdueReason, message: overdueMessage))
                        stop = try heed(try stopRequest(), container, timer)
                    }
                }
                if let idle, ready[5], try idle.isOver(container), stop == nil {
                    try request(StopRequest(reason: "IdleTimeout", message: idleMessage))
                    stop = try heed(try stopRequest(), container, timer)
                }
                if ready[4] {
                    try asked.clear()
                    let now = try stopRequest()
                    if now != stop { stop = try heed(now, container, timer) }
                }
            }
        }
        let kills = container.oomKills
        // What it left behind, where it had no pid namespace of its own to take that along.
        container.kill()
        // Whose child it is not is not told how it ended, and the container's init was killed with it.
        let end = container.wait()?.cause ?? (isKilled ? .signalled(SIGKILL, dumped: false) : nil)
        while try log.take(.out, from: streams.out.view) {}
        while try log.take(.err, from: streams.err.view) {}
        log.tellLoss()
        if status.ending == nil, try !conclude(end, stop, kills) { try lose() }
        do throws(ContainersError) {
            _ = try Container.find(identifier, in: root, for: .end).delete(force: true)
        } catch { throw SystemError("unlinkat", identifier.text, detail: "\(error),", .EIO) }
    }

    var overdueReason: String { record.runtimeLimit == nil ? "DeadlineExceeded" : "MaxRuntimeExceeded" }

    private var idleMessage: String {
        let (hour, second): (UInt64, UInt64) = (3_600_000, 1000)
        let time = record.idleTimeout ?? 0
        let text = time % hour == 0 ? "\(time / hour) h" : time % second == 0 ? "\(time / second) s" : "\(time) ms"
        return "it did nothing for \(text), the tenant's idle_timeout_h; run `perigee limits`"
    }

    var overdueMessage: String {
        if let limit = record.runtimeLimit { return limit }
        let (minute, second): (UInt64, UInt64) = (60_000_000_000, 1_000_000_000)
        let time = record.request.timeout ?? 0
        let text =
            time % minute == 0
            ? "\(time / minute) min" : time % second == 0 ? "\(time / second) s" : "\(time / 1_000_000) ms"
        let field = record.manifest == nil ? "max_duration" : "activeDeadlineSeconds"
        return "Pod was active on the node longer than the specified deadline (\(field) \(text))"
    }

    /// Sends the stop signal where somebody has asked for the end, and has the timer come when the grace is over.
    private mutating func heed(
        _ stop: StopRequest?, _ container: borrowing SupervisedContainer, _ timer: borrowing DeadlineTimer
    ) throws(SystemError) -> StopRequest? {
        guard let stop else { return nil }
        let killAt = Clock.boot() &+ (stop.grace ?? record.terminationGrace) &* 1_000_000
        // Whoever goes on where this process was killed begins no new grace.
        if killAt < status.killAt ?? UInt64.max {
            status.killAt = killAt
            try write(status)
        }
        try timer.arm(at: status.killAt ?? killAt)
        try container.send(status.stopSignal)
        return stop
    }

    /// Writes down what has become of it: by its init, or else by its first process. False: neither tells.
    private mutating func conclude(
        _ end: ProcessEnd.Cause?, _ stop: StopRequest?, _ kills: UInt64
    ) throws(SystemError) -> Bool {
        let written = CommandEnd(try directory.readFile(PodDirectory.exitName, limit: 4096))
        guard let cause = written?.cause ?? end else { return false }
        switch cause {
        case .exited(let code): status.exitCode = code
        case .signalled(let signal, _):
            status.signal = signal
            status.exitCode = 128 + signal
        }
        let finishedAt = written?.wall ?? Clock.wall()
        status.finishedAt = finishedAt
        // A command may have ended before its launch has returned, and the clock may be set back.
        status.startedAt = status.startedAt.map { min($0, finishedAt) }
        status.oomKills = kills
        let isKilled = status.signal == SIGKILL || status.exitCode == 137
        let word = kills > 0 && isKilled ? "OOMKilled" : status.exitCode == 0 ? "Completed" : "Error"
        status.termination = word
        if let stop {
            try conclude(.failed, stop.reason, stop.message + ending)
        } else if written?.isOverdue == true {
            try conclude(.failed, overdueReason, overdueMessage + ending)
        } else if word == "OOMKilled" {
            let limit = record.request.memory.map { " \($0) bytes" } ?? ""
            try conclude(.failed, word, "memory limit\(limit) reached (oom_kill \(kills))")
        } else {
            try conclude(status.exitCode == 0 ? .succeeded : .failed, word, nil)
        }
        return true
    }

    var ending: String {
        status.signal.map { "; ended by signal \($0)" } ?? status.exitCode.map { "; exit code \($0)" } ?? ""
    }

    /// The container is gone, and only what is on the disk tells of its end.
    mutating func lose() throws(SystemError) {
        if status.ending != nil { return }
        // What it had printed may still be in the spool.
        _ = try PodLog.open(in: directory, limit: record.logSize)
        let stop = try stopRequest()
        if try conclude(nil, stop, 0) { return }
        let isOther = record.bootID != (try Boot.identifier())
        if status.startedAt != nil { (status.exitCode, status.termination) = (137, "ContainerStatusUnknown") }
        // The reason was there before the end.
        if let stop { return try conclude(.failed, stop.reason, stop.message) }
        try conclude(
            .failed, "ContainerStatusUnknown",
            isOther
                ? "the machine was started anew while the pod was there"
                : "the container is gone, and nobody has seen its end")
    }

    /// What will be said of it once its container is removed.
    mutating func conclude(
        _ phase: PodStatus.Phase, _ reason: String, _ message: String?
    ) throws(SystemError) {
        status.ending = phase
        status.reason = reason
        status.message = message
        status.slot = nil
        if status.finishedAt == nil { status.finishedAt = Clock.wall() }
        try write(status)
    }

    /// Nothing of it is left but what is on the disk.
    mutating func settle() throws(SystemError) {
        guard let phase = status.ending else { return }
        detach()
        leavePlace()
        status.phase = phase
        (status.ending, status.killAt) = (nil, nil)
        try write(status)
        tell(PodEvent(endOf: record, status))
        callSuccessors()
    }

    /// It has come to nothing before it had a container.
    mutating func finish(_ phase: PodStatus.Phase, _ reason: String, _ message: String?) throws(SystemError) {
        try conclude(phase, reason, message)
        try settle()
    }
}
