import OCI
import Testing

@testable import Pods

/// A pod, and what was to be done so far.
struct PodPlay {
    var life: PodLife
    var now: UInt64 = 1000 * PodLife.second
    var log: [String] = []

    init(_ spec: String) throws {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: \(spec)\n"
        let rules = ManifestFile.Rules(tenant: "t", limits: nil)
        let file = try ManifestFile.parse(Array(text.utf8), name: "p", rules: rules)
        life = PodLife(file.pods[0], lives: nil, deadline: nil, grace: 30 * PodLife.second)
    }

    /// What happens, and what is done about it; a launch goes well at once.
    mutating func happen(_ event: PodLife.Event) {
        var actions = life.handle(event, at: now)
        while !actions.isEmpty {
            let action = actions.removeFirst()
            switch action {
            case .start(let i):
                log.append("start \(life.lives[i].name)")
                actions += life.handle(.started(i, wall: now), at: now)
            case .probe(let i, let kind): log.append("probe \(life.lives[i].name) \(kind)")
            case .cancelProbe(let i, let kind): log.append("cancel \(life.lives[i].name) \(kind)")
            case .hook(let i, let hook): log.append("\(hook) \(life.lives[i].name)")
            case .cancelHook(let i, let hook): log.append("cancel \(hook) \(life.lives[i].name)")
            case .signal(let i): log.append("signal \(life.lives[i].name)")
            case .kill(let i): log.append("kill \(life.lives[i].name)")
            case .overdue: log.append("overdue")
            case .tell: break
            }
        }
    }

    mutating func end(_ i: Int, _ code: Int32) {
        happen(
            .ended(i, .init(exitCode: code, reason: code == 0 ? "Completed" : "Error", finishedAt: now)))
    }

    /// Goes on by that many seconds, and stops wherever there is something to do.
    mutating func pass(_ seconds: UInt64) {
        let end = now + seconds * PodLife.second
        while let next = life.nextTime, next <= end {
            now = max(now, next)
            happen(.timePassed)
        }
        now = end
    }

    mutating func take() -> [String] {
        defer { log = [] }
        return log
    }

    func waiting(_ i: Int) -> String? {
        if case .waiting(let reason, _) = life.lives[i].state { reason } else { nil }
    }

    /// The pod's conditions, but for PodScheduled.
    var conditions: [String] { life.phase.conditions(of: life.phase.phase).map { $0.text() } }
}
