internal import Glibc
internal import Launching
internal import Linux
internal import OCI

/// Shows a container's terminal on the caller's: what comes of the standard input is typed there, and what is written there
/// goes to the standard output. The caller's terminal is in raw mode as long as this value lives, so that each key is the
/// container's, Ctrl-C too; both may as well be files or pipes.
///
/// Nothing here waits but poll(2): whoever does not read holds the other side up, and no signal.
struct TerminalRelay: ~Copyable {
    /// What the relay takes beside the signals that are passed on: the caller's Ctrl-Z from elsewhere, and a reader of the
    /// output that has gone.
    static let signals: [Int32] = SignalSource.heeded([SIGTSTP]) + [SIGPIPE]

    private let terminal: OwnedDescriptor
    private let source: End
    private let sink: End
    /// The standard input is one, where somebody types.
    private let isTerminal: Bool
    private var raw: RawMode?
    private var input = Buffer()
    private var output = Buffer()
    private var isInputOver = false
    /// Nobody has the container's side open now; somebody may open it again.
    private var isHungUp = false
    /// The last byte that was typed ended a line.
    private var isLineBegun = false
    /// Why the standard output takes no more; what comes is dropped from then on.
    private(set) var lost: SystemError?

    /// The size of the terminal that the caller sees; nil: it sees none.
    static var callerSize: WindowSize? {
        for stream in [Descriptor.standardInput, .standardOutput, .standardError] {
            if let size = stream.windowSize { return size }
        }
        return nil
    }

    /// Begins: `terminal` is the other end of the container's.
    static func begin(_ terminal: consuming OwnedDescriptor) throws(SystemError) -> TerminalRelay {
        try terminal.view.neverWait()
        let stream = Descriptor.standardInput
        let isTerminal = stream.windowSize != nil
        var relay = TerminalRelay(terminal, isTerminal: isTerminal)
        // One that can't be set, since whose it was has gone, is read as it is.
        if isTerminal { relay.raw = try? RawMode.enter(stream) }
        // It may have changed while the container was made.
        relay.resize()
        return relay
    }

    private init(_ terminal: consuming OwnedDescriptor, isTerminal: Bool) {
        self.terminal = terminal
        self.isTerminal = isTerminal
        raw = nil
        source = End(.standardInput, O_RDONLY)
        sink = End(.standardOutput, O_WRONLY)
    }

    // MARK: signals

    /// False: it is the container's.
    mutating func took(_ signal: Int32) -> Bool {
        switch signal {
        case SIGWINCH: return resize()
        case SIGTSTP:
            raw?.leave()
            SignalSource.stopProcess()
            goOn()
            return true
        case SIGCONT:
            goOn()
            return false
        case SIGPIPE: return true
        default: return false
        }
    }

    private mutating func goOn() {
        raw?.reenter()
        resize()
    }

    /// False: the caller's terminal has no size, or there is none.
    @discardableResult
    private mutating func resize() -> Bool {
        guard let size = TerminalRelay.callerSize, size.rows > 0, size.columns > 0 else { return false }
        try? terminal.view.setWindowSize(size)
        return true
    }

    // MARK: bytes

    /// What is to be waited for, and how long at most, in milliseconds.
    var waits: [Poll.Wait] {
        [
            !isInputOver && input.isEmpty ? Poll.Wait(source.view, reading: true) : .never,
            // A terminal that is hung up would always be ready.
            isHungUp || input.isEmpty && !output.isEmpty
                ? .never : Poll.Wait(terminal.view, reading: output.isEmpty, writing: !input.isEmpty),
            output.isEmpty ? .never : Poll.Wait(sink.view, writing: true),
        ]
    }
    var patience: Int32? { isHungUp ? 50 : nil }

    /// Moves what can be moved without waiting. `hasInput`: the source was ready; `hasEvent`: the terminal was.
    mutating func move(hasInput: Bool, hasEvent: Bool) throws(SystemError) {
        if hasInput, input.isEmpty, !isInputOver { readInput() }
        let waited = input.count
        try writeInput()
        if output.isEmpty {
            _ = try readOutput()
        } else if hasEvent, input.count == waited {
            isHungUp = true  // That is all that it can have been.
        }
        try writeOutput()
    }

    /// After the end of the container's process: moves what it has left. False: the sink takes no more now.
    mutating func finish() throws(SystemError) -> Bool {
        // The kernel keeps far less; more would be others' who have the terminal still.
        for _ in 0..<256 {
            try writeOutput()
            if !output.isEmpty { return false }
            if try !readOutput() { return true }
        }
        return true
    }

    /// For who waits for the sink alone.
    var sinkWait: Poll.Wait { Poll.Wait(sink.view, writing: true) }

    private mutating func readInput() {
        do throws(SystemError) {
            if try input.fill(from: source.view) {
                isLineBegun = input.last != UInt8(ascii: "\n")
                return
            }
        } catch {
            if error.code == .EAGAIN { return }
            // Its other side has gone.
        }
        isInputOver = true
        // Who sits before a terminal types the end of the input; a file or a pipe just ends.
        if !isTerminal, let end = terminal.view.endOfInput { input.put(isLineBegun ? [end, end] : [end]) }
    }

    private mutating func writeInput() throws(SystemError) {
        guard !input.isEmpty else { return }
        do throws(SystemError) { try input.drain(into: terminal.view, most: .max) } catch {
            guard error.code == .EAGAIN || error.code == .EIO else { throw error }
        }
    }

    /// False: there is nothing now, or nobody who could write.
    private mutating func readOutput() throws(SystemError) -> Bool {
        do throws(SystemError) {
            let isMore = try output.fill(from: terminal.view)
            isHungUp = !isMore
            return isMore
        } catch {
            guard error.code == .EAGAIN || error.code == .EIO else { throw error }
            isHungUp = error.code == .EIO
            return false
        }
    }

    private mutating func writeOutput() throws(SystemError) {
        guard !output.isEmpty else { return }
        if lost == nil {
            // A write to what may wait is of no more than poll(2) has promised: a page of a pipe.
            if sink.mayWait, try !Poll.any([sinkWait], timeout: 0)[0] { return }
            do throws(SystemError) { return try output.drain(into: sink.view, most: sink.mayWait ? 4096 : .max) } catch
            {
                if error.code == .EAGAIN { return }
                lost = error
            }
        }
        output = Buffer()
    }
}

/// A stream of the caller's.
extension TerminalRelay {
    private struct End: ~Copyable {
        private let own: OwnedDescriptor?
        let view: Descriptor
        /// Reading and writing may wait, also after poll(2) has said that it won't.
        let mayWait: Bool

        init(_ stream: Descriptor, _ flags: Int32) {
            if let reopened = stream.reopenedWithoutWaiting(flags) {
                (view, mayWait) = (reopened.view, false)
                own = consume reopened
            } else {
                (view, mayWait) = (stream, true)
                own = nil
            }
        }
    }

    /// Bytes on their way.
    private struct Buffer {
        private var bytes: [UInt8] = []
        private var start = 0

        var isEmpty: Bool { start == bytes.count }
        var count: Int { bytes.count - start }
        var last: UInt8? { bytes.last }

        /// Takes what can be read. False: it has ended.
        mutating func fill(from descriptor: Descriptor) throws(SystemError) -> Bool {
            let room = 16384
            start = 0
            bytes = [UInt8](repeating: 0, count: room)
            let result: Result<Int, SystemError> = bytes.withUnsafeMutableBytes { buffer in
                do throws(SystemError) { return .success(try descriptor.read(into: buffer)) } catch {
                    return .failure(error)
                }
            }
            let count = (try? result.get()) ?? 0
            bytes.removeLast(room - count)
            return try result.get() > 0
        }

        mutating func put(_ more: [UInt8]) {
            bytes = more
            start = 0
        }

        /// Writes what can be written, at most `most` bytes.
        mutating func drain(into descriptor: Descriptor, most: Int) throws(SystemError) {
            let start = start
            let result: Result<Int, SystemError> = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[start...].prefix(most))
                do throws(SystemError) { return .success(try descriptor.writeSome(rest)) } catch {
                    return .failure(error)
                }
            }
            self.start = start + (try result.get())
        }
    }
}

extension Foreground {
    /// Stays with the container, and shows its terminal, whose other end is `terminal`, on the caller's to the last byte.
    ///
    /// - Returns: what of that went wrong, and did not stop the container.
    mutating func stay(
        with container: borrowing RunningContainer, timeout: UInt64?, showing terminal: consuming OwnedDescriptor
    ) throws(ContainersError) -> String? {
        do throws(SystemError) {
            var relay = try TerminalRelay.begin(terminal)
            try stay(with: container, timeout: timeout, through: &relay)
            // A reader that has gone wants no more.
            guard let lost = relay.lost, lost.code != .EPIPE, lost.code != .EIO else { return nil }
            return "what the container wrote to its terminal was not shown to its end: \(lost)"
        } catch { throw .terminal(error) }
    }

    private mutating func stay(
        with container: borrowing RunningContainer, timeout: UInt64?, through relay: inout TerminalRelay
    ) throws(SystemError) {
        if let timeout { try timer.arm(at: Clock.boot() &+ timeout) }
        while true {
            let own = [container.view, signals.view, timer.view].map { Poll.Wait($0, reading: true) }
            let ready = try Poll.any(own + relay.waits, timeout: relay.patience)
            if ready[0] { break }
            do throws(SystemError) {
                if ready[1] {
                    let signal = try signals.next()
                    if !relay.took(signal) { try took(signal, container) }
                }
                if ready[2] { try ranOut(container) }
            } catch  where error.code == .ESRCH {
                // It ended a moment ago; the next round sees it.
            }
            try relay.move(hasInput: ready[3], hasEvent: ready[4])
        }
        while try !relay.finish() {
            let ready = try Poll.any([Poll.Wait(signals.view, reading: true), relay.sinkWait])
            // There is nobody left to end but us.
            if ready[0], Foreground.ending.contains(try signals.next()) { return }
        }
    }
}
