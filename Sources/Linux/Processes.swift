internal import CLinux
internal import Glibc

/// How a process ended, and what it used: of waitid(2) and its rusage.
package struct ProcessEnd: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        case exited(Int32)
        /// `dumped`: with a core.
        case signalled(Int32, dumped: Bool)
    }

    package let cause: Cause
    /// Processor time in microseconds, the process and its waited-for children.
    package let userTime: UInt64
    package let systemTime: UInt64
    /// Peak resident set in KiB, of the largest process among them.
    package let peakMemory: Int

    /// The shell's way to say it: the code, or 128 + the signal.
    package var status: Int32 {
        switch cause {
        case .exited(let code): code
        case .signalled(let signal, _): 128 + signal
        }
    }
}

/// A process held by a pidfd: its number can't come to mean another one. pidfd_open(2).
package struct ProcessHandle: ~Copyable {
    package let identifier: Int32
    private let descriptor: OwnedDescriptor

    /// Takes over a pidfd that clone3(2) has made.
    package init(identifier: Int32, taking pidfd: Int32) {
        self.identifier = identifier
        descriptor = OwnedDescriptor(taking: pidfd)
    }

    /// Holds the process `identifier`. ESRCH: there is none.
    package init(opening identifier: Int32) throws(SystemError) {
        self.identifier = identifier
        let n = try check(clinux_pidfd_open(identifier), "pidfd_open", "process \(identifier)")
        descriptor = OwnedDescriptor(taking: Int32(n))
    }

    /// For poll(2): readable once the process has ended.
    package var view: Descriptor { descriptor.view }

    /// Sends `signal`. Wraps pidfd_send_signal(2).
    package func send(_ signal: Int32) throws(SystemError) {
        _ = try check(
            clinux_pidfd_send_signal(descriptor.view.number, signal), "pidfd_send_signal", "process \(identifier)")
    }

    /// `__WALL`: also a child whose exit signal is another than SIGCHLD.
    private var waitForAnyKind: Int32 { 0x4000_0000 }

    /// Waits for the end and reaps. Wraps waitid(2) with P_PIDFD.
    package func wait() throws(SystemError) -> ProcessEnd { try end(WEXITED) }

    /// Waits for the end, and leaves it to be waited for: its number stays its own.
    package func look() throws(SystemError) -> ProcessEnd { try end(WEXITED | WNOWAIT) }

    private func end(_ options: Int32) throws(SystemError) -> ProcessEnd {
        var info = siginfo_t()
        var usage = rusage()
        _ = try check(
            retrying {
                clinux_waitid_pidfd(descriptor.view.number, &info, options | waitForAnyKind, &usage)
            },
            "waitid", "process \(identifier)")
        let status = clinux_siginfo_status(&info)
        let cause: ProcessEnd.Cause =
            switch clinux_siginfo_code(&info) {
            case 1: .exited(status)  // CLD_EXITED
            case 3: .signalled(status, dumped: true)  // CLD_DUMPED
            default: .signalled(status, dumped: false)
            }
        func microseconds(_ t: timeval) -> UInt64 { UInt64(t.tv_sec) * 1_000_000 + UInt64(t.tv_usec) }
        return ProcessEnd(
            cause: cause, userTime: microseconds(usage.ru_utime), systemTime: microseconds(usage.ru_stime),
            peakMemory: usage.ru_maxrss)
    }
}

/// A process as the kernel tells of it: proc_pid_stat(5).
package struct ProcessStatus: Hashable, Sendable {
    /// `R`, `S`, `D`, `Z` …
    package let state: UInt8
    /// Clock ticks from the boot to its beginning: with its number it names the process for good.
    package let startTime: UInt64
    /// It is about to end, and has not: the first of a pid namespace waits for all others then, and no other can join them.
    package let isExiting: Bool

    /// It has ended, and is waited for by nobody yet.
    package var isEnded: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }

    /// nil: there is no process of that number.
    package static func of(_ identifier: Int32) throws(SystemError) -> ProcessStatus? {
        let text: [UInt8]
        do throws(SystemError) {
            text = try Descriptor.workingDirectory.readFile("/proc/\(identifier)/stat", limit: 4096)
        } catch {
            if error.code == .ENOENT || error.code == .ESRCH { return nil }
            throw error
        }
        // The second field, the command's name in brackets, may have blanks and brackets; the rest is numbers.
        guard let bracket = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(bracket + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let state = fields[0].first,
            let start = UInt64(String(decoding: fields[19], as: UTF8.self)),
            let flags = UInt64(String(decoding: fields[6], as: UTF8.self))
        else { return nil }
        let exiting: UInt64 = 0x4  // PF_EXITING
        return ProcessStatus(state: state, startTime: start, isExiting: flags & exiting != 0)
    }
}

extension ProcessStatus {
    /// The number of `identifier` in the innermost pid namespace that it is in: `NSpid` of proc_pid_status(5). nil: it
    /// has ended.
    package static func innerNumber(of identifier: Int32) throws(SystemError) -> Int32? {
        let text: [UInt8]
        do throws(SystemError) {
            text = try Descriptor.workingDirectory.readFile("/proc/\(identifier)/status", limit: 1 << 16)
        } catch {
            if error.code == .ENOENT || error.code == .ESRCH { return nil }
            throw error
        }
        for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: "NSpid:".utf8) {
            let last = line.split { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }.last
            return last.flatMap { Int32(String(decoding: $0, as: UTF8.self)) }
        }
        return identifier
    }
}

/// Waiting on several descriptors. Wraps poll(2).
package enum Poll {
    /// Waits until one of `descriptors` can be read, has ended or failed, and tells for each whether it has. `timeout` in
    /// milliseconds, nil: for ever; all false: it ran out.
    package static func readable(_ descriptors: [Descriptor], timeout: Int32? = nil) throws(SystemError) -> [Bool] {
        var list = descriptors.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        let count = UInt(list.count)
        _ = try check(retrying { clinux_poll(&list, count, timeout ?? -1) }, "poll", "")
        return list.map { $0.revents != 0 }
    }
}

extension Poll {
    /// What is awaited of a descriptor; an end or a failure always counts.
    package struct Wait {
        let descriptor: Descriptor
        let events: Int32

        package init(_ descriptor: Descriptor, reading: Bool = false, writing: Bool = false) {
            self.descriptor = descriptor
            events = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0)
        }

        /// Of none: never.
        package static let never = Wait(Descriptor(-1))
    }

    /// Waits for any of `list`, and tells for each whether it is what was awaited. `timeout` as for ``readable(_:timeout:)``.
    package static func any(_ list: [Wait], timeout: Int32? = nil) throws(SystemError) -> [Bool] {
        var list = list.map { pollfd(fd: $0.descriptor.number, events: Int16($0.events), revents: 0) }
        let count = UInt(list.count)
        _ = try check(retrying { clinux_poll(&list, count, timeout ?? -1) }, "poll", "")
        return list.map { $0.revents != 0 }
    }
}

/// The children that this process will have.
package enum Children {
    /// They stay until they are waited for, also where SIGCHLD was ignored by whoever executed us. Wraps sigaction(2).
    package static func keep() { clinux_keep_children() }
}

/// Two connected sockets, close-on-exec; an end that is set to nil is closed. Wraps socketpair(2).
package struct SocketPair: ~Copyable {
    package var near: OwnedDescriptor?
    package var far: OwnedDescriptor?

    package init() throws(SystemError) {
        var two: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &two) { bytes in
            clinux_socketpair(Int32(SOCK_STREAM.rawValue), bytes.baseAddress?.assumingMemoryBound(to: Int32.self))
        }
        _ = try check(result, "socketpair", "")
        near = OwnedDescriptor(taking: two.0)
        far = OwnedDescriptor(taking: two.1)
    }
}
