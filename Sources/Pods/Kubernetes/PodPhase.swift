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

    /// Those beside which the others are.
    private var sidecars: [ContainerLife] { initial.filter(\.isSidecar) }

    /// One of the containers that come last has run: from then on sidecars may come and go.
    var hasBegun: Bool { main.contains { $0.isRunning || $0.lastEnd != nil } }

    /// An init container has failed, and is not begun again.
    var hasFailedInitially: Bool {
        policy == .never
            && initial.contains { life in !life.isSidecar && life.termination.map { $0.exitCode != 0 } ?? false }
    }

    /// Its init containers have all ended well, and its sidecars have started.
    package var isInitialized: Bool {
        let hasBegun = hasBegun
        return initial.allSatisfy { $0.isPassed || $0.isSidecar && hasBegun }
    }

    package var phase: PodStatus.Phase {
        if !isInitialized {
            // Of an init container that has failed all others end first.
            return hasFailedInitially && !sidecars.contains(where: \.isRunning) ? .failed : .pending
        }
        var (waiting, running, stopped, succeeded) = (0, 0, 0, 0)
        // What sidecars have come to does not count.
        for life in sidecars {
            switch life.state {
            case .running: running += 1
            case .waiting: if life.last == nil { waiting += 1 }
            case .terminated: break
            }
        }
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
            let count = initial.count { $0.isPassed }
            if let life = initial.first(where: { !$0.isPassed }) {
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
        let counted = lives.filter { !$0.isSidecar }
        guard let life = counted.first(where: { $0.termination.map { $0.exitCode != 0 } ?? false }),
            let end = life.termination
        else { return nil }
        return "container \(life.name): " + (end.message ?? "exit code \(end.exitCode)")
    }

    /// The end that counts: of the first that has failed, or else of the last.
    package var decisive: ContainerLife.Termination? {
        let ends = lives.filter { !$0.isSidecar }.compactMap(\.termination)
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
        let late = isInitialized ? [] : initial.filter { !$0.isPassed }.map(\.name)
        let unready = (sidecars + main).filter { !$0.isReady }.map(\.name)
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
