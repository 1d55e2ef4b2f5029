internal import CLaunch
internal import Glibc
internal import Linux

/// The page through which the stage reports, in an arena that lives longer than this value.
struct ResultPage {
    private let arena: UnsafeMutableRawBufferPointer
    private let result: UnsafePointer<launch_result>

    /// Of an arena that begins with a header; nil: it has no room for what the header says.
    init?(_ arena: UnsafeMutableRawBufferPointer) {
        guard let base = arena.baseAddress, arena.count >= MemoryLayout<launch_header>.size else { return nil }
        let header = base.assumingMemoryBound(to: launch_header.self).pointee
        guard header.magic == LAUNCH_MAGIC, header.result % 8 == 0,
            Int(header.result) <= arena.count - MemoryLayout<launch_result>.size
        else { return nil }
        self.arena = arena
        result = UnsafePointer((base + Int(header.result)).assumingMemoryBound(to: launch_result.self))
    }

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
