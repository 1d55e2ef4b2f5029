package import OCI

/// What the containers of a pod come to together: Kubernetes, "Pod Lifecycle", and kubelet's getPhase.
package struct PodPhase {
    let lives: [ContainerLife]
    let policy: Manifest.RestartPolicy

    package init(_ lives: [ContainerLife], _ policy: Manifest.RestartPolicy) {
        self.lives = lives
        self.policy = policy
    }

    var initial: ArraySlice<ContainerLife> { lives.prefix { $0.isInit } }
    var main: ArraySlice<ContainerLife> { lives.drop { $0.isInit } }

    /// Its init containers have all ended well.
    package var isInitialized: Bool { initial.allSatisfy(\.hasSucceeded) }

    package var phase: PodStatus.Phase {
        if !isInitialized {
            // Waiting ones have been begun again, or will be.
            let hasFailed = initial.contains { $0.termination.map { $0.exitCode != 0 } ?? false }
            return hasFailed && policy == .never ? .failed : .pending
        }
        var (waiting, running, stopped, succeeded) = (0, 0, 0, 0)
        for life in main {
            switch life.state {
            case .running: running += 1
            case .waiting: if life.last == nil { waiting += 1 } else { stopped += 1 }
            case .terminated(let end):
                stopped += 1
                if end.exitCode == 0 { succeeded += 1 }
            }
        }
        if waiting > 0 { return .pending }
        if running > 0 || policy == .always { return .running }
        if stopped == succeeded { return .succeeded }
        return policy == .never ? .failed : .running
    }

    /// The word that stands for it: why it waits, or how it has ended. nil: it runs.
    package var reason: String? {
        if !isInitialized {
            let count = initial.count { $0.hasSucceeded }
            if let life = initial.first(where: { !$0.hasSucceeded }) {
                switch life.state {
                case .terminated(let end): return "Init:\(end.reason)"
                case .waiting(let reason, _) where reason != "PodInitializing" && reason != "ContainerCreating":
                    return "Init:\(reason)"
                default: break
                }
            }
            return "Init:\(count)/\(initial.count)"
        }
        for life in main { if case .waiting(let reason, _) = life.state { return reason } }
        if main.contains(where: \.isRunning) { return nil }
        return decisive?.reason
    }

    /// Why that is, of the container that decides.
    package var message: String? {
        for life in lives { if case .waiting(_, let message?) = life.state { return message } }
        guard let life = lives.first(where: { $0.termination.map { $0.exitCode != 0 } ?? false }),
            let end = life.termination
        else { return nil }
        return "container \(life.name): " + (end.message ?? "exit code \(end.exitCode)")
    }

    /// The end that counts: of the first that has failed, or else of the last.
    package var decisive: ContainerLife.Termination? {
        let ends = lives.compactMap(\.termination)
        return ends.first { $0.exitCode != 0 } ?? ends.last
    }

    /// core/v1 PodCondition but for `PodScheduled`; `isFinal` with the phase of the whole.
    package func conditions(of phase: PodStatus.Phase) -> [JSON.Value] {
        func condition(_ type: String, _ holds: Bool, _ reason: String?, _ message: String? = nil) -> JSON.Value {
            .members([
                ("type", .string(type)), ("status", .string(holds ? "True" : "False")),
                ("reason", reason.map { .string($0) }), ("message", message.map { .string($0) }),
            ])
        }
        let isDone = phase == .succeeded
        let late = initial.filter { !$0.hasSucceeded }.map(\.name)
        let unready = main.filter { !$0.isReady }.map(\.name)
        let isReady = isInitialized && unready.isEmpty && phase == .running
        let why = isReady ? nil : isDone ? "PodCompleted" : phase == .failed ? "PodFailed" : "ContainersNotReady"
        let who =
            isReady || isDone || phase == .failed
            ? nil : "containers with unready status: [\(unready.joined(separator: " "))]"
        return [
            condition(
                "Initialized", late.isEmpty,
                late.isEmpty ? (isDone ? "PodCompleted" : nil) : "ContainersNotInitialized",
                late.isEmpty ? nil : "containers with incomplete status: [\(late.joined(separator: " "))]"),
            condition("Ready", isReady, why, who), condition("ContainersReady", isReady, why, who),
        ]
    }
}
