internal import CLaunch
internal import Glibc
internal import Linux

/// The page through which the stage reports, in an arena that lives longer than this value.
struct ResultPage {
    private let arena: UnsafeMutableRawBufferPointer
    private let result: UnsafeMutablePointer<launch_result>

    /// Of an arena that begins with a header; nil: it has no room for what the header says.
    init?(_ arena: UnsafeMutableRawBufferPointer) {
        guard let base = arena.baseAddress, arena.count >= MemoryLayout<launch_header>.size else { return nil }
        let header = base.assumingMemoryBound(to: launch_header.self).pointee
        guard header.magic == LAUNCH_MAGIC, header.result % 8 == 0,
            Int(header.result) <= arena.count - MemoryLayout<launch_result>.size
        else { return nil }
        self.arena = arena
        result = (base + Int(header.result)).assumingMemoryBound(to: launch_result.self)
    }

    /// The stage's number of the listener that its filter has made; nil: there is none yet.
    var listener: Int32? {
        let number = result.pointee.listener
        return number == 0 ? nil : Int32(exactly: number)
    }

    /// Lets the stage go on without it. It is still to be sent a byte.
    func takeListener() { result.pointee.listener_taken = 1 }

    /// What the stage has reported so far.
    struct Report {
        let state: launch_state
        let step: Int
        let call: UInt32
        let code: Errno
        let subject: String
        let candidate: Int

        /// What it failed with.
        var error: SystemError {
            SystemError(launch_call_name(call).map { String(cString: $0) } ?? "unknown", subject, code)
        }
    }

    var report: Report {
        let r = result.pointee
        return Report(
            state: launch_state(rawValue: r.state), step: Int(r.step), call: r.call, code: Errno(rawValue: r.error),
            subject: text(at: Int(r.subject)), candidate: Int(r.candidate))
    }

    /// When step `number` of a plan with so many had ended on the monotonic clock, and the processor time until then,
    /// both in nanoseconds; 0 where it has not, and all 0 without a timeline.
    func time(ofStep number: Int) -> (wall: UInt64, processor: UInt64) {
        let times = (UnsafeRawPointer(result) + MemoryLayout<launch_result>.size)
            .assumingMemoryBound(to: launch_time.self)
        return (times[number].wall, times[number].processor)
    }

    private func text(at offset: Int) -> String {
        guard offset > 0, offset < arena.count else { return "" }
        return String(decoding: arena[offset...].prefix { $0 != 0 }, as: UTF8.self)
    }
}
