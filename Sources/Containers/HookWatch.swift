internal import Glibc
internal import Linux
internal import Planning

/// The end of what a hook writes, for its error.
struct OutputTail {
    private static let limit = 1024
    private var bytes: [UInt8] = []

    mutating func add(_ part: UnsafeRawBufferPointer) {
        bytes += part.suffix(OutputTail.limit)
        if bytes.count > 4 * OutputTail.limit { bytes.removeFirst(bytes.count - OutputTail.limit) }
    }

    /// As a terminal may get it.
    var text: String { printable(String(decoding: bytes.suffix(OutputTail.limit), as: UTF8.self)) }
}

/// Stays with a hook until it ends, or is not to go on.
struct HookWatch {
    /// What it writes; does not block.
    let output: Descriptor
    /// The container's first process; nil: the hook does not depend on it.
    let container: Descriptor?
    /// In seconds.
    let timeout: Int?
    /// Who wants to end us wants to end the hook.
    let heedsSignals: Bool

    /// Returns when the hook `process` has ended: nil; or else why it may not go on. It is not waited for.
    func verdict(on process: Descriptor, _ identifier: Int32, _ tail: inout OutputTail) throws(SystemError) -> String? {
        let end = timeout.map { Clock.boot() &+ UInt64(min($0, 1_000_000_000)) &* 1_000_000_000 }
        // Only looked at: they stay for who takes them.
        let signals = try SignalSource(heedsSignals ? SignalSource.heeded(Foreground.ending) : [])
        var isOpen = true
        while true {
            var left: Int32?
            if let end {
                let now = Clock.boot()
                guard now < end else {
                    return "it was killed after its timeout, \(timeout ?? 0) \(timeout == 1 ? "second" : "seconds")"
                }
                // To the next millisecond, or it would be asked again and again.
                left = Int32(min((end - now + 999_999) / 1_000_000, 1_000_000_000))
            }
            let all = [process, signals.view] + (isOpen ? [output] : []) + (container.map { [$0] } ?? [])
            let ready = try Poll.readable(all, timeout: left)
            let hasEnded = container != nil && ready.last == true
            if isOpen, ready[2] { isOpen = try read(&tail, most: 1 << 16) }
            if ready[0] {
                // What it has left in the pipe; who goes on writing is not waited for.
                if isOpen { _ = try read(&tail, most: 1 << 20) }
                return nil
            }
            if hasEnded { return "it was killed, since the container's first process has ended" }
            if ready[1] { return "it was killed, since a signal called the container off" }
        }
    }

    /// False: no more will come.
    private func read(_ tail: inout OutputTail, most: Int) throws(SystemError) -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 14, alignment: 8)
        defer { buffer.deallocate() }
        var total = 0
        while total < most {
            do throws(SystemError) {
                let n = try output.read(into: buffer)
                if n == 0 { return false }
                total += n
                tail.add(UnsafeRawBufferPointer(rebasing: buffer[..<n]))
            } catch {
                if error.code == .EAGAIN { return true }
                throw error
            }
        }
        return true
    }

    /// nil: it has done its work.
    static func verdict(on end: ProcessEnd) -> String? {
        switch end.cause {
        case .exited(0): nil
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal, _): "killed by signal \(signal)"
        }
    }
}
