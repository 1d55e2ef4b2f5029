internal import Containers
internal import Linux

// What ``PodLife`` says is to be done.
extension Supervisor {
    mutating func perform(
        _ action: PodLife.Action, _ course: inout PodCourse, in root: borrowing RuntimeRoot
    ) throws(SystemError) {
        switch action {
        case .start(let i): try start(i, &course, in: root)
        case .signal(let i): try course.members[i].running?.container.send(course.members[i].stopSignal)
        case .kill(let i): course.members[i].kill()
        case .overdue:
            try request(StopRequest(reason: overdueReason, message: overdueMessage))
            try heed(&course)
        case .probe(let i, let kind):
            let plan = course.members[i].plan
            let probe = [plan.startupProbe, plan.readinessProbe, plan.livenessProbe][kind.rawValue]
            guard let handler = probe?.handler else { return }
            try begin(handler, .probe(kind), i, &course, in: root)
        case .hook(let i, let hook):
            let plan = course.members[i].plan
            guard let handler = hook == .postStart ? plan.postStart : plan.preStop else { return }
            try begin(handler, .hook(hook), i, &course, in: root)
        case .cancelProbe(let i, let kind): course.members[i].handlers.removeAll { $0.purpose == .probe(kind) }
        case .cancelHook(let i, let hook): course.members[i].handlers.removeAll { $0.purpose == .hook(hook) }
        case .tell(let kind, let i, let text):
            tell(PodEvent(kind, of: record, message: "container \(course.members[i].plan.name): \(text)"))
        }
    }

    private mutating func begin(
        _ handler: Handler, _ purpose: HandlerRun.Purpose, _ i: Int, _ course: inout PodCourse,
        in root: borrowing RuntimeRoot
    ) throws(SystemError) {
        let member = course.members[i]
        do throws(PodsError) {
            member.handlers.append(
                try HandlerRun.begin(
                    handler, for: purpose, of: record, member.identifier, in: root, network: course.network))
        } catch {
            switch purpose {
            case .probe(let kind): try happen(.probed(i, kind, success: false, error.summary), &course)
            case .hook(let hook): try happen(.hookEnded(i, hook, success: false, error.summary), &course)
            }
        }
    }

    private mutating func start(
        _ i: Int, _ course: inout PodCourse, in root: borrowing RuntimeRoot
    ) throws(SystemError) {
        let member = course.members[i]
        let isAgain = course.life.lives[i].lastEnd != nil
        if isSandboxLost(course, in: root) {
            do throws(PodsError) { try endOthers(i, &course, in: root) } catch {
                throw SystemError("waitid", record.id, detail: "\(error),", .EIO)
            }
        }
        do throws(PodsError) {
            do throws(PodsError) { try launch(i, course, in: root) } catch {
                // Process 1 was killed meanwhile.
                guard isSandboxLost(course, in: root) else { throw error }
                try endOthers(i, &course, in: root)
                try launch(i, course, in: root)
            }
            guard try found(member, in: root) else { throw .notRunning(member.plan.name) }
        } catch {
            // One that runs, and that nobody can look after, must not stand in the way of the next.
            member.running = nil
            try? member.remove(in: root)
            let (reason, code) = error.podReason
            guard let code else {
                return try happen(.notCreated(i, reason: reason, message: error.summary), &course)
            }
            var end = ContainerLife.Termination(exitCode: code, reason: reason, finishedAt: Clock.wall())
            end.message = error.summary
            return try happen(.notExecutable(i, end), &course)
        }
        try happen(.started(i, wall: Clock.wall()), &course)
        if isAgain {
            tell(
                PodEvent(
                    .started, of: record,
                    message: "container \(member.plan.name), restart \(course.life.lives[i].restarts)"))
        }
    }

    /// Whether the containers share their processes, and process 1 has ended, or is about to; at first there is none.
    private func isSandboxLost(_ course: PodCourse, in root: borrowing RuntimeRoot) -> Bool {
        course.sandbox.processesPath != nil && SandboxProcess(record, course.sandbox).isLost(in: root)
    }

    /// The others end with process 1, which can't end before somebody has waited for each of them.
    private mutating func endOthers(
        _ i: Int, _ course: inout PodCourse, in root: borrowing RuntimeRoot
    ) throws(PodsError) {
        for j in course.members.indices where j != i && course.members[j].running != nil {
            do throws(SystemError) { try end(j, &course, in: root) } catch { throw .pods(error) }
        }
    }

    private func found(_ member: PodMember, in root: borrowing RuntimeRoot) throws(PodsError) -> Bool {
        do throws(SystemError) { return try member.find(in: root) } catch { throw .pods(error) }
    }
}
