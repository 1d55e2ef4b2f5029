internal import Glibc
internal import Launching
internal import Linux

/// Stays with a running container until it ends: passes signals on, and ends it when its time is over.
package struct Foreground: ~Copyable {
    /// What happens to signals that the runtime gets.
    enum Signals {
        /// They are the container's, as with `runc run`.
        case forwarded
        /// INT, TERM and HUP end the container: the signal first, after the grace period KILL; a second one kills.
        case stop
    }

    /// Who asked for the end, if anybody did.
    enum Asked { case nobody, caller, deadline }

    /// From the stop signal to KILL, in nanoseconds.
    static let grace: UInt64 = 10_000_000_000
    static let ending: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    static let forwarded: [Int32] =
        SignalSource.heeded([SIGHUP, SIGINT, SIGQUIT]) + [SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGALRM]

    /// Keeps the signals back that would end the runtime half-way through making a container. Called before anything is
    /// made that would be left over.
    package static func holdSignals() throws(ContainersError) {
        do throws(SystemError) { try SignalSource.hold(forwarded) } catch { throw .state(error) }
    }

    let signals: SignalSource
    let timer: DeadlineTimer
    private let policy: Signals
    private let stopSignal: Int32
    private(set) var asked = Asked.nobody

    /// From here on the runtime's signals are taken; before the launch, so that none is lost.
    /// `terminal`: there will be a ``TerminalRelay``, which has signals of its own.
    init(_ policy: Signals, stopSignal: Int32, terminal: Bool) throws(SystemError) {
        let source = try SignalSource(terminal ? Foreground.forwarded + TerminalRelay.signals : Foreground.forwarded)
        timer = try DeadlineTimer()
        signals = source
        self.policy = policy
        self.stopSignal = stopSignal
    }

    /// Whether somebody has asked for the end before there is a container.
    func isCalledOff() throws(SystemError) -> Bool {
        guard policy == .stop else { return false }
        while try Poll.readable([signals.view], timeout: 0)[0] {
            // Others, such as CONT of a debugger, have nobody to go to yet.
            if Foreground.ending.contains(try signals.next()) { return true }
        }
        return false
    }

    /// Returns when the first process has ended. `timeout` is in nanoseconds from now.
    mutating func stay(with container: borrowing RunningContainer, timeout: UInt64?) throws(SystemError) {
        if let timeout { try timer.arm(at: Clock.boot() &+ timeout) }
        while true {
            let ready = try Poll.readable([container.view, signals.view, timer.view])
            if ready[0] { return }
            do throws(SystemError) {
                if ready[1] { try took(try signals.next(), container) }
                if ready[2] { try ranOut(container) }
            } catch  where error.code == .ESRCH {
                // It ended a moment ago; the next round sees it.
            }
        }
    }

    mutating func took(_ signal: Int32, _ container: borrowing RunningContainer) throws(SystemError) {
        guard policy == .stop, Foreground.ending.contains(signal) else { return try container.send(signal) }
        if asked != .nobody { return try container.kill() }
        asked = .caller
        try timer.arm(at: Clock.boot() + Foreground.grace)
        try container.send(stopSignal)
    }

    mutating func ranOut(_ container: borrowing RunningContainer) throws(SystemError) {
        if asked != .nobody {
            try timer.arm(at: UInt64.max / 4)
            return try container.kill()
        }
        asked = .deadline
        try timer.arm(at: Clock.boot() + Foreground.grace)
        try container.send(stopSignal)
    }
}
