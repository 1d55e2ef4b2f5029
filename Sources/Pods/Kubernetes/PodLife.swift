/// The life of a pod's containers as a value: what happens goes in, and what is to be done comes out. Whoever carries it out
/// writes the state down before. Nothing here looks at a clock: times are nanoseconds of `CLOCK_BOOTTIME` but where it is said.
///
/// Init containers run one after the other, and each must end well, but for sidecars, which must start and then stay. The others are begun in the order of the manifest, the next
/// after the `postStart` of the one before; what ends is begun again as `restartPolicy` says, after ``RestartBackOff``.
struct PodLife {
    enum Event: Hashable {
        /// It runs; `wall` since 1970.
        case started(Int, wall: UInt64)
        /// Its command can't be executed.
        case notExecutable(Int, ContainerLife.Termination)
        /// Something that it needs is not there; it is tried again.
        case notCreated(Int, reason: String, message: String)
        case ended(Int, ContainerLife.Termination)
        case probed(Int, ProbeLife.Kind, success: Bool, String)
        case hookEnded(Int, Hook, success: Bool, String)
        /// The pod is to end, and what is left of it is killed at that time.
        case stop(killAt: UInt64)
        case timePassed
    }

    enum Action: Hashable {
        case start(Int)
        case probe(Int, ProbeLife.Kind)
        case cancelProbe(Int, ProbeLife.Kind)
        case hook(Int, Hook)
        case cancelHook(Int, Hook)
        /// The stop signal.
        case signal(Int)
        case kill(Int)
        /// The pod's time is over.
        case overdue
        case tell(PodEvent.Kind, Int, String)
    }

    enum Hook: Int, Hashable, Sendable { case postStart, preStop }

    let manifest: Manifest
    let plans: [ManifestContainer]
    var lives: [ContainerLife]
    /// When its time is over; nil: never, or nothing has begun.
    var deadline: UInt64?
    /// From the start of its first container on; nil: for ever.
    let duration: UInt64?
    /// From the request to end one to SIGKILL.
    let grace: UInt64
    /// The pod is to end.
    var isStopping = false
    var probes: [[ProbeLife?]]
    /// What is under way of it.
    var hooks: [Hook?]
    /// When what is left of the sidecars is killed; nil: they are not to end yet.
    var sidecarsKillAt: UInt64?
    /// Being launched.
    var launching: Int?
    private var isOverdueTold = false
    /// When something has happened last.
    private var latest: UInt64 = 0

    static let second: UInt64 = 1_000_000_000
    /// What is left for the stop signal where `preStop` took all the time.
    static let lateGrace: UInt64 = 2_000_000_000
    /// After what can't be created it is tried again.
    static let retry: UInt64 = 10_000_000_000

    /// `lives` are those of before, where another supervisor was killed; nil: there are none.
    init(
        _ manifest: Manifest, lives: [ContainerLife]?, duration: UInt64? = nil, deadline: UInt64?, grace: UInt64
    ) {
        self.manifest = manifest
        self.duration = duration ?? manifest.activeDeadline.map { $0 &* PodLife.second }
        plans = manifest.allContainers
        let initial = manifest.initContainers.count
        self.lives =
            lives
            ?? plans.enumerated().map { i, plan in
                ContainerLife(
                    name: plan.name, image: plan.image, isInit: i < initial, isSidecar: plan.isSidecar,
                    waiting: initial == 0 || i == 0 ? "ContainerCreating" : "PodInitializing")
            }
        self.deadline = deadline
        self.grace = grace
        probes = plans.map { _ in [nil, nil, nil] }
        hooks = plans.map { _ in nil }
    }

    var phase: PodPhase { PodPhase(lives, manifest.restartPolicy) }

    /// Nothing runs, and nothing will.
    var isOver: Bool {
        if launching != nil || lives.contains(where: \.isRunning) { return false }
        if isStopping { return true }
        if !phase.isInitialized { return phase.phase == .failed }
        return phase.main.allSatisfy { $0.termination != nil }
    }

    /// What to do now that `event` has happened.
    mutating func handle(_ event: Event, at now: UInt64) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .started(let i, let wall): begin(i, wall, now, &actions)
        case .notExecutable(let i, let end):
            launching = nil
            conclude(i, end, now, &actions)
        case .notCreated(let i, let reason, let message):
            launching = nil
            lives[i].state = .waiting(reason: reason, message: message)
            lives[i].retryAt = now &+ PodLife.retry
        case .ended(let i, let end): conclude(i, end, now, &actions)
        case .probed(let i, let kind, let success, let text): take(i, kind, success, text, now, &actions)
        case .hookEnded(let i, let hook, let success, let text): take(i, hook, success, text, now, &actions)
        case .stop(let killAt):
            isStopping = true
            sidecarsKillAt = min(sidecarsKillAt ?? .max, killAt)
            for i in lives.indices where lives[i].isRunning && (!lives[i].isSidecar || lives[i].killAt != nil) {
                end(i, killAt: killAt, now, &actions)
            }
        case .timePassed: break
        }
        advance(now, &actions)
        return actions
    }

    /// When time alone makes a difference; nil: never.
    var nextTime: UInt64? {
        var times: [UInt64] = []
        if let deadline, !isStopping, !isOverdueTold { times.append(deadline) }
        for (i, life) in lives.enumerated() {
            if life.isRunning {
                if let killAt = life.killAt {
                    times.append(killAt)
                } else {
                    times += ProbeLife.Kind.allCases.compactMap { isDue(i, $0) ? probes[i][$0.rawValue]?.wake : nil }
                }
            } else if let retryAt = life.retryAt, !isStopping, retryAt > latest {
                // Whose time has come, and who waits all the same, waits for another one.
                times.append(retryAt)
            }
        }
        if let sidecarsKillAt, lives.contains(where: { $0.isSidecar && $0.isRunning && $0.killAt == nil }) {
            times.append(sidecarsKillAt)
        }
        return times.min()
    }

    // MARK: time

    mutating func advance(_ now: UInt64, _ actions: inout [Action]) {
        latest = now
        if let deadline, !isStopping, !isOverdueTold, now >= deadline {
            isOverdueTold = true
            actions.append(.overdue)
        }
        endSidecars(now, &actions)
        for i in lives.indices where lives[i].isRunning {
            if let killAt = lives[i].killAt {
                if now >= killAt { kill(i, now, &actions) }
            } else {
                look(i, now, &actions)
            }
        }
        guard !isStopping, !isOverdueTold, launching == nil, let next = nextToBegin(now) else { return }
        launching = next
        actions.append(.start(next))
    }

    mutating func look(_ i: Int, _ now: UInt64, _ actions: inout [Action]) {
        for kind in ProbeLife.Kind.allCases where isDue(i, kind) {
            guard var probe = probes[i][kind.rawValue] else { continue }
            if let timeoutAt = probe.timeoutAt, now >= timeoutAt {
                actions.append(.cancelProbe(i, kind))
                take(i, kind, false, "no answer within \(probe.probe.timeout) s", now, &actions)
            } else if let nextAt = probe.nextAt, now >= nextAt {
                probe.begin(at: now)
                probes[i][kind.rawValue] = probe
                actions.append(.probe(i, kind))
            }
        }
    }

    /// The container whose turn it is; nil: none's is.
    func nextToBegin(_ now: UInt64) -> Int? {
        let hasBegun = phase.hasBegun, isEnding = isWindingDown
        for (i, life) in lives.enumerated() {
            // Behind it others wait: for its end, or for its beginning.
            let isAwaited = life.isSidecar ? !hasBegun && !life.hasStarted : life.isInit
            switch life.state {
            case .running:
                if isAwaited || !life.isInit && !life.isBegun && life.restarts == 0 { return nil }
            case .terminated(let end):
                if life.isInit, !life.isSidecar, end.exitCode != 0 { return nil }
            case .waiting:
                if life.isSidecar, isEnding { continue }
                if (life.retryAt ?? 0) <= now { return i }
                if isAwaited { return nil }
            }
        }
        return nil
    }
}
