// The end of a container: how it is brought about, and what comes after it.
extension PodLife {
    /// It is to end, of its own or with the pod; a time that is sooner than that of before counts.
    mutating func end(_ i: Int, killAt: UInt64, _ now: UInt64, _ actions: inout [Action]) {
        let isFirst = lives[i].killAt == nil
        lives[i].killAt = min(lives[i].killAt ?? .max, killAt)
        lives[i].isReady = false
        // Who leaves no time leaves none for a hook either.
        if isFirst || killAt <= now { cancelAll(i, &actions) }
        if isFirst, killAt > now { beginPreStop(i, &actions) }
    }

    mutating func beginPreStop(_ i: Int, _ actions: inout [Action]) {
        guard plans[i].preStop != nil else { return sendSignal(i, &actions) }
        hooks[i] = .preStop
        actions.append(.hook(i, .preStop))
    }

    mutating func sendSignal(_ i: Int, _ actions: inout [Action]) {
        lives[i].isSignalled = true
        actions.append(.signal(i))
    }

    mutating func cancelAll(_ i: Int, _ actions: inout [Action]) {
        for kind in ProbeLife.Kind.allCases {
            if probes[i][kind.rawValue]?.timeoutAt != nil { actions.append(.cancelProbe(i, kind)) }
            probes[i][kind.rawValue] = nil
        }
        if let hook = hooks[i] { actions.append(.cancelHook(i, hook)) }
        hooks[i] = nil
    }

    mutating func conclude(
        _ i: Int, _ ended: ContainerLife.Termination, _ now: UInt64, _ actions: inout [Action]
    ) {
        cancelAll(i, &actions)
        var ended = ended
        ended.message = ended.message ?? lives[i].endMessage
        let isAgain = !isStopping && isBegunAgain(i, ended)
        lives[i].isStarted = false
        lives[i].isReady = false
        lives[i].isBegun = false
        lives[i].isSignalled = false
        (lives[i].killAt, lives[i].endMessage, lives[i].startedBoot) = (nil, nil, nil)
        guard isAgain else {
            lives[i].state = .terminated(ended)
            return
        }
        lives[i].last = ended
        let delay = lives[i].backOff.next(at: now)
        lives[i].retryAt = now &+ delay
        if delay == 0 {
            lives[i].state = .waiting(reason: "ContainerCreating", message: nil)
            return
        }
        let text =
            "back-off \(delay / PodLife.second)s restarting failed container=\(lives[i].name) pod=\(manifest.name)"
        lives[i].state = .waiting(reason: "CrashLoopBackOff", message: text)
        actions.append(.tell(.backOff, i, text))
    }

    func isBegunAgain(_ i: Int, _ end: ContainerLife.Termination) -> Bool {
        if lives[i].isSidecar { return !isWindingDown }
        return switch manifest.restartPolicy {
        case .never: false
        case .onFailure: end.exitCode != 0
        // An init container that has ended well has done its work.
        case .always: end.exitCode != 0 || !lives[i].isInit
        }
    }

    mutating func kill(_ i: Int, _ now: UInt64, _ actions: inout [Action]) {
        if hooks[i] == .preStop {
            actions.append(.cancelHook(i, .preStop))
            hooks[i] = nil
            lives[i].killAt = now &+ PodLife.lateGrace
            return sendSignal(i, &actions)
        }
        // Once; what does not die of it is asked again.
        lives[i].killAt = now &+ PodLife.second
        lives[i].isSignalled = true
        actions.append(.kill(i))
    }
}
