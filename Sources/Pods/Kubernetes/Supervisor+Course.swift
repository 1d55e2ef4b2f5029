internal import Containers
internal import Glibc
internal import Linux

/// What its supervisor has of a pod whose containers have begun.
struct PodCourse {
    var life: PodLife
    let members: [PodMember]
    let sandbox: PodSandbox
    let volumes: PodVolumes
    /// Why it is to end; nil: nobody has asked for that.
    var stop: StopRequest?
    /// What is to be done, the first first.
    var actions: [PodLife.Action] = []

    /// Where a container's probes connect from; nil: it has the host's network.
    var network: String? { sandbox.namespaces.first { $0.type == "network" }?.path }
}

// While containers run, or will.
extension Supervisor {
    /// Stays until nothing runs and nothing will, and writes down what came of it.
    mutating func watch(
        _ manifest: Manifest, _ sandbox: PodSandbox, _ volumes: PodVolumes, in root: borrowing RuntimeRoot
    ) throws(SystemError) {
        var members: [PodMember] = []
        do throws(PodsError) {
            for plan in manifest.allContainers {
                let member = try PodMember(plan, of: record, manifest, in: directory)
                member.hold(in: store)
                members.append(member)
            }
        } catch { throw SystemError("open", record.id, detail: "\(error),", .EIO) }
        let life = PodLife(
            manifest, lives: status.containers, duration: record.request.timeout, deadline: status.deadline,
            grace: record.terminationGrace &* 1_000_000)
        var course = PodCourse(life: life, members: members, sandbox: sandbox, volumes: volumes)
        try adopt(&course, in: root)
        let asked = try PodWake.open(in: directory)
        let timer = try DeadlineTimer()
        try heed(&course)
        try happen(.timePassed, &course)
        while true {
            while !course.actions.isEmpty { try perform(course.actions.removeFirst(), &course, in: root) }
            if course.life.isOver { break }
            OwnProgram.giveMemoryBack()
            try awaitNext(&course, asked, timer, in: root)
        }
        try conclude(course)
    }

    /// What is there of one whose supervisor was killed.
    private mutating func adopt(_ course: inout PodCourse, in root: borrowing RuntimeRoot) throws(SystemError) {
        for (i, member) in course.members.enumerated() {
            let isThere = try member.find(in: root)
            switch course.life.lives[i].state {
            case .running:
                if isThere, member.running?.container.view != nil {
                    course.actions += course.life.adopt(i, at: Clock.boot())
                } else {
                    try end(i, &course, in: root)
                }
            case .waiting, .terminated:
                guard isThere else { continue }
                // It was launched, and that was not written down; or its end was, and it was not removed.
                let isAlive = member.running?.container.view != nil
                let isNew = member.written.map { $0.wall != course.life.lives[i].lastEnd?.finishedAt } ?? isAlive
                if isNew {
                    try happen(.started(i, wall: Clock.wall()), &course)
                    if !isAlive { try end(i, &course, in: root) }
                } else {
                    member.running = nil
                    try member.remove(in: root)
                }
            }
        }
    }

    /// Something has happened: what comes of it is written down before any of it is done.
    mutating func happen(_ event: PodLife.Event, _ course: inout PodCourse) throws(SystemError) {
        course.actions += course.life.handle(event, at: Clock.boot())
        try keep(course.life)
    }

    private mutating func keep(_ life: PodLife) throws(SystemError) {
        var now = status
        let phase = life.phase
        now.containers = life.lives
        now.deadline = life.deadline
        // The last word is said when nothing is left of it.
        now.phase = phase.phase == .pending ? .pending : .running
        let isLast = phase.phase == .succeeded || phase.phase == .failed
        (now.reason, now.message) = isLast ? (nil, nil) : (phase.reason, phase.message)
        if now.startedAt == nil {
            for life in life.lives { if case .running(let since) = life.state { now.startedAt = since } }
        }
        if now == status { return }
        let isFirst = status.startedAt == nil && now.startedAt != nil
        status = now
        try write(status)
        if isFirst { tell(PodEvent(.started, of: record)) }
    }

    // MARK: what happens

    private enum Source {
        case process(Int), out(Int), err(Int), handler(Int, HandlerRun)
    }

    private mutating func awaitNext(
        _ course: inout PodCourse, _ asked: borrowing PodWake, _ timer: borrowing DeadlineTimer,
        in root: borrowing RuntimeRoot
    ) throws(SystemError) {
        var waits = [Poll.Wait(asked.view, reading: true), Poll.Wait(timer.view, reading: true)]
        var sources: [Source] = []
        var next = course.life.nextTime
        func add(_ wait: Poll.Wait, _ source: Source) {
            waits.append(wait)
            sources.append(source)
        }
        for (i, member) in course.members.enumerated() {
            guard let view = member.running?.container.view else { continue }
            // First what was printed: an end takes all the rest along.
            add(.init(member.streams.out.view, reading: true), .out(i))
            add(.init(member.streams.err.view, reading: true), .err(i))
            add(.init(view, reading: true), .process(i))
            for handler in member.handlers {
                add(handler.wait, .handler(i, handler))
                if let wakeAt = handler.wakeAt { next = min(next ?? .max, wakeAt) }
            }
        }
        try timer.arm(at: next ?? .max / 4)
        let ready = try Poll.any(waits)
        if ready[0] {
            try asked.clear()
            try heed(&course)
        }
        for (isReady, source) in zip(ready.dropFirst(2), sources) {
            switch source {
            case .out(let i): if isReady { try course.members[i].take(.out) }
            case .err(let i): if isReady { try course.members[i].take(.err) }
            case .process(let i): if isReady { try end(i, &course, in: root) }
            case .handler(let i, let handler):
                // One that has been broken off meanwhile tells nothing.
                guard isReady || handler.wakeAt != nil, course.members[i].handlers.contains(where: { $0 === handler }),
                    let (success, text) = handler.advance()
                else { continue }
                course.members[i].handlers.removeAll { $0 === handler }
                switch handler.purpose {
                case .probe(let kind): try happen(.probed(i, kind, success: success, text), &course)
                case .hook(let hook): try happen(.hookEnded(i, hook, success: success, text), &course)
                }
            }
        }
        if ready[1] { try happen(.timePassed, &course) }
    }

    /// The process of the one at `i` has ended, or is about to.
    mutating func end(
        _ i: Int, _ course: inout PodCourse, in root: borrowing RuntimeRoot
    ) throws(SystemError) {
        var since: UInt64?
        if case .running(let wall) = course.life.lives[i].state { since = wall }
        let end = try course.members[i].collect(startedAt: since)
        if course.members[i].written?.isOverdue == true, course.stop == nil {
            try request(StopRequest(reason: overdueReason, message: overdueMessage))
            try heed(&course)
        }
        try happen(.ended(i, end), &course)
        try course.members[i].remove(in: root)
    }

    /// Has it end where somebody has asked for that.
    mutating func heed(_ course: inout PodCourse) throws(SystemError) {
        guard let stop = try stopRequest(), stop != course.stop else { return }
        course.stop = stop
        let killAt = Clock.boot() &+ (stop.grace ?? record.terminationGrace) &* 1_000_000
        // Whoever goes on where this process was killed begins no new grace.
        status.killAt = min(status.killAt ?? .max, killAt)
        try write(status)
        try happen(.stop(killAt: status.killAt ?? killAt), &course)
    }

    // MARK: the end

    private mutating func conclude(_ course: PodCourse) throws(SystemError) {
        let phase = course.life.phase
        status.containers = course.life.lives
        status.exitCode = phase.decisive?.exitCode
        status.signal = phase.decisive?.signal
        status.termination = phase.decisive?.reason
        if let stop = course.stop {
            try conclude(.failed, stop.reason, stop.message + ending)
        } else if phase.phase == .succeeded {
            try conclude(.succeeded, "Completed", nil)
        } else {
            try conclude(.failed, phase.reason ?? "Error", phase.message)
        }
    }
}
