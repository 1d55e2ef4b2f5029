// The beginning of a container, its probes and its hooks.
extension PodLife {
    mutating func begin(_ i: Int, _ wall: UInt64, _ now: UInt64, _ actions: inout [Action]) {
        if launching == i { launching = nil }
        if lives[i].last != nil { lives[i].restarts += 1 }
        lives[i].state = .running(since: wall)
        lives[i].startedBoot = now
        lives[i].retryAt = nil
        lives[i].isBegun = false
        if deadline == nil, let duration { deadline = now &+ duration }
        go(on: i, now, &actions)
    }

    /// A container that runs, of a supervisor that was killed: what that had begun of it is begun again.
    mutating func adopt(_ i: Int, at now: UInt64) -> [Action] {
        var actions: [Action] = []
        if lives[i].killAt != nil {
            if lives[i].isSignalled { actions.append(.signal(i)) } else { beginPreStop(i, &actions) }
        } else {
            go(on: i, now, &actions)
        }
        return actions
    }

    mutating func go(on i: Int, _ now: UInt64, _ actions: inout [Action]) {
        let plan = plans[i]
        let start = lives[i].startedBoot ?? now
        let all = [plan.startupProbe, plan.readinessProbe, plan.livenessProbe]
        probes[i] = all.map { $0.map { ProbeLife($0, start: start, now: now) } }
        if plan.startupProbe == nil { lives[i].isStarted = true }
        if !lives[i].isBegun, plan.postStart != nil {
            hooks[i] = .postStart
            actions.append(.hook(i, .postStart))
        } else {
            lives[i].isBegun = true
            settle(i)
        }
    }

    /// One without a probe is ready as soon as it has begun.
    mutating func settle(_ i: Int) {
        let life = lives[i]
        guard life.isRunning, !life.isInit || life.isSidecar, life.isBegun, life.isStarted, life.killAt == nil else {
            return
        }
        if plans[i].readinessProbe == nil { lives[i].isReady = true }
    }

    mutating func take(
        _ i: Int, _ hook: Hook, _ success: Bool, _ text: String, _ now: UInt64, _ actions: inout [Action]
    ) {
        guard hooks[i] == hook else { return }
        hooks[i] = nil
        if !success { actions.append(.tell(.unhealthy, i, "\(hook == .postStart ? "postStart" : "preStop"): \(text)")) }
        switch hook {
        case .postStart:
            guard lives[i].isRunning, lives[i].killAt == nil else { return }
            lives[i].isBegun = true
            if success { return settle(i) }
            lives[i].endMessage = "its postStart hook failed: \(text)"
            end(i, killAt: now &+ grace, now, &actions)
        case .preStop: if lives[i].isRunning { sendSignal(i, &actions) }
        }
    }

    func isDue(_ i: Int, _ kind: ProbeLife.Kind) -> Bool {
        let life = lives[i]
        guard life.isRunning, life.isBegun, life.killAt == nil else { return false }
        return kind == .startup ? !life.isStarted : life.isStarted
    }

    mutating func take(
        _ i: Int, _ kind: ProbeLife.Kind, _ success: Bool, _ text: String, _ now: UInt64, _ actions: inout [Action]
    ) {
        guard lives[i].isRunning, var probe = probes[i][kind.rawValue], probe.timeoutAt != nil else { return }
        let verdict = probe.end(success: success, at: now)
        probes[i][kind.rawValue] = probe
        guard isDue(i, kind) else { return }
        let name = ["startup", "readiness", "liveness"][kind.rawValue]
        // Of several in a row the first, and that which decides.
        if !success, probe.failures == 1 || verdict != nil {
            actions.append(.tell(.unhealthy, i, "\(name) probe failed: \(text)"))
        }
        switch (kind, verdict) {
        case (.startup, .passed):
            lives[i].isStarted = true
            settle(i)
        case (.readiness, .passed): lives[i].isReady = true
        case (.readiness, .failed): lives[i].isReady = false
        case (.startup, .failed), (.liveness, .failed):
            lives[i].endMessage = "its \(name) probe failed: \(text)"
            let grace = probe.probe.terminationGrace.map { $0 &* PodLife.second } ?? grace
            end(i, killAt: now &+ grace, now, &actions)
        case (_, nil), (.liveness, .passed): break
        }
    }
}
