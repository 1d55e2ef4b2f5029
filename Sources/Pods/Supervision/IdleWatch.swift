internal import Containers
internal import Linux

/// Looks now and then whether a container is idle, where its tenant's `idle_timeout_h` is a limit. A reference, since what
/// can't be copied can't be looked at where it is optional.
final class IdleWatch {
    /// What a file of this name in the workspace keeps from being stopped, for a day from its last change on.
    private static let exemption = ".keep-alive"
    private static let exemptSeconds: UInt64 = 24 * 3600

    private let timer: DeadlineTimer
    private var rule: IdleRule
    private let workspace: Workspace?

    /// nil: the pod may be idle as long as it likes.
    init?(_ record: PodRecord, _ container: borrowing SupervisedContainer) throws(SystemError) {
        guard let limit = record.idleTimeout else { return nil }
        timer = try DeadlineTimer()
        rule = IdleRule(limit: limit &* 1_000_000, now: Clock.boot(), used: container.processorTime ?? 0)
        workspace = record.request.workspace
        try timer.arm(at: rule.next)
    }

    /// For poll(2): readable when a look is due.
    var view: Descriptor { timer.view }

    /// Whether it is to be ended.
    func isOver(_ container: borrowing SupervisedContainer) throws(SystemError) -> Bool {
        // Without an account of its time nobody can say.
        let used = container.processorTime
        let isOver = rule.look(at: Clock.boot(), used: used ?? 0, isExempt: used == nil || isExempt)
        try timer.arm(at: rule.next)
        return isOver
    }

    private var isExempt: Bool {
        guard let changed = workspace?.lastChange(of: IdleWatch.exemption) else { return false }
        let now = Clock.wall() / 1_000_000_000
        return UInt64(clamping: changed) &+ IdleWatch.exemptSeconds > now
    }
}
