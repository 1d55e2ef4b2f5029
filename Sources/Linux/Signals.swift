internal import CLinux
internal import Glibc

/// Signals as a descriptor, so that one poll(2) waits for them beside all else. The signals are blocked from then on.
/// Wraps signalfd(2), sigprocmask(2).
package struct SignalSource: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// Those of `signals` that the caller did not have us ignore: a blocked one would be queued even so.
    package static func heeded(_ signals: [Int32]) -> [Int32] { signals.filter { clinux_is_ignored($0) == 0 } }

    /// Keeps `signals` back until a source of them is made, which then has those that came meanwhile.
    package static func hold(_ signals: [Int32]) throws(SystemError) {
        var set = set(of: signals)
        _ = try check(clinux_sigprocmask(SIG_BLOCK, &set, nil), "sigprocmask", "")
    }

    private static func set(of signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }

    /// Takes `signals` out of their usual delivery.
    package init(_ signals: [Int32]) throws(SystemError) {
        try SignalSource.hold(signals)
        var set = SignalSource.set(of: signals)
        descriptor = OwnedDescriptor(taking: Int32(try check(clinux_signalfd(&set), "signalfd", "")))
    }

    /// For poll(2).
    package var view: Descriptor { descriptor.view }

    /// The next signal's number; waits for it.
    package func next() throws(SystemError) -> Int32 {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let number = descriptor.view.number
        let n = withUnsafeMutableBytes(of: &info) { bytes in retrying { clinux_read(number, bytes.baseAddress, size) } }
        _ = try check(n, "read", "signalfd")
        return Int32(bitPattern: info.ssi_signo)
    }
}

extension SignalSource {
    /// Stops this process, as SIGTSTP would that nobody takes; returns when it goes on. Wraps kill(2).
    package static func stopProcess() { _ = clinux_kill(getpid(), SIGSTOP) }
}

/// A timer as a descriptor, on the clock that goes on while the machine sleeps. Wraps timerfd_create(2).
package struct DeadlineTimer: ~Copyable {
    private let descriptor: OwnedDescriptor

    package init() throws(SystemError) {
        descriptor = OwnedDescriptor(
            taking: Int32(try check(clinux_timerfd_create(CLOCK_BOOTTIME), "timerfd_create", "")))
    }

    /// For poll(2): readable once it has run out.
    package var view: Descriptor { descriptor.view }

    /// Makes it run out at `deadline`, nanoseconds of ``Clock/boot()``.
    package func arm(at deadline: UInt64) throws(SystemError) {
        let seconds = Int64(deadline / 1_000_000_000), rest = Int64(deadline % 1_000_000_000)
        let absolute: Int32 = 1
        _ = try check(
            clinux_timerfd_settime(descriptor.view.number, absolute, seconds, max(rest, 1)), "timerfd_settime", "")
    }
}
