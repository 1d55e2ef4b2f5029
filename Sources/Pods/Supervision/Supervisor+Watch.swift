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
        }
        let streams = try PodStreams.openToRead(in: directory)
        var log = try PodLog.open(in: directory)
        let asked = try DirectoryWatch.begin(path)
        let timer = try DeadlineTimer()
        if let deadline = status.deadline { try timer.arm(at: deadline) }
        var stop = try heed(try stopRequest(), container, timer)
        if let view = container.view {
            while true {
                let ready = try Poll.readable([view, streams.out.view, streams.err.view, timer.view, asked.view])
                if ready[1] { while try log.take(.out, from: streams.out.view) {} }
                if ready[2] { while try log.take(.err, from: streams.err.view) {} }
                if ready[0] { break }
                if ready[3] {
                    if stop != nil {
                        try timer.arm(at: UInt64.max / 4)
                        container.kill()
                    } else {
                        try request(StopRequest(reason: overdueReason, message: overdueMessage))
                        stop = try heed(try stopRequest(), container, timer)
                    }
                }
                if ready[4] {
                    try asked.clear()
                    if stop == nil { stop = try heed(try stopRequest(), container, timer) }
                }
            }
        }
        let kills = container.oomKills
        // What it left behind, where it had no pid namespace of its own to take that along.
        container.kill()
        let end = container.wait()
        while try log.take(.out, from: streams.out.view) {}
        while try log.take(.err, from: streams.err.view) {}
        do throws(ContainersError) {
            _ = try Container.find(identifier, in: root, for: .end).delete(force: true)
        } catch { throw SystemError("unlinkat", identifier.text, detail: "\(error),", .EIO) }
        try finish(end, stop, kills)
    }

    private var overdueReason: String { record.runtimeLimit == nil ? "DeadlineExceeded" : "MaxRuntimeExceeded" }

    private var overdueMessage: String {
        if let limit = record.runtimeLimit { return limit }
        let minutes = Double(record.request.timeout ?? 0) / 60_000_000_000
        return "Pod was active on the node longer than the specified deadline (max_duration \(minutes) min)"
    }

    /// Sends the stop signal where somebody has asked for the end, and has the timer come when the grace is over.
    private func heed(
        _ stop: StopRequest?, _ container: borrowing SupervisedContainer, _ timer: borrowing DeadlineTimer
    ) throws(SystemError) -> StopRequest? {
        guard let stop else { return nil }
        try timer.arm(at: Clock.boot() &+ (stop.grace ?? record.terminationGrace) &* 1_000_000)
        try container.send(status.stopSignal)
        return stop
    }

    /// Of the container's first process, or as its init has written it down.
    private mutating func finish(_ end: ProcessEnd?, _ stop: StopRequest?, _ kills: UInt64) throws(SystemError) {
        let written = CommandEnd(try directory.readFile(PodDirectory.exitName, limit: 4096))
        guard let cause = written?.cause ?? end?.cause else { return try lose() }
        switch cause {
        case .exited(let code): status.exitCode = code
        case .signalled(let signal, _):
            status.signal = signal
            status.exitCode = 128 + signal
        }
        status.finishedAt = written?.wall ?? Clock.wall()
        status.oomKills = kills
        let isKilled = status.signal == SIGKILL || status.exitCode == 137
        let word = kills > 0 && isKilled ? "OOMKilled" : status.exitCode == 0 ? "Completed" : "Error"
        status.termination = word
        if let stop {
            try finish(.failed, stop.reason, stop.message + ending)
        } else if written?.isOverdue == true {
            try finish(.failed, overdueReason, overdueMessage + ending)
        } else if word == "OOMKilled" {
            let limit = record.request.memory.map { " \($0) bytes" } ?? ""
            try finish(.failed, word, "memory limit\(limit) reached (oom_kill \(kills))")
        } else {
            try finish(status.exitCode == 0 ? .succeeded : .failed, word, nil)
        }
    }

    private var ending: String {
        status.signal.map { "; ended by signal \($0)" } ?? status.exitCode.map { "; exit code \($0)" } ?? ""
    }

    /// The container is gone, and nobody has seen its end.
    mutating func lose() throws(SystemError) {
        if let written = CommandEnd(try directory.readFile(PodDirectory.exitName, limit: 4096)) {
            switch written.cause {
            case .exited(let code): status.exitCode = code
            case .signalled(let signal, _): (status.signal, status.exitCode) = (signal, 128 + signal)
            }
            status.finishedAt = written.wall
            status.termination = status.exitCode == 0 ? "Completed" : "Error"
            let stop = try stopRequest()
            let phase: PodStatus.Phase = status.exitCode == 0 && stop == nil ? .succeeded : .failed
            return try finish(phase, stop?.reason ?? status.termination ?? "Error", stop?.message)
        }
        let isOther = record.bootID != (try Boot.identifier())
        if status.startedAt != nil { (status.exitCode, status.termination) = (137, "ContainerStatusUnknown") }
        try finish(
            .failed, "ContainerStatusUnknown",
            isOther
                ? "the machine was started anew while the pod was there"
                : "the container is gone, and nobody has seen its end")
    }

    mutating func finish(_ phase: PodStatus.Phase, _ reason: String, _ message: String?) throws(SystemError) {
        status.phase = phase
        status.reason = reason
        status.message = message
        if status.finishedAt == nil { status.finishedAt = Clock.wall() }
        try write(status)
    }
}
