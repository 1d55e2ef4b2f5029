internal import CLaunch
internal import Glibc
internal import Linux
internal import Planning

/// The child's half of a plan in the stage's binary form, in a memfd, checked; and the page through which the stage
/// reports.
final class CompiledPlan {
    private let arena: Arena
    private let result: UnsafeMutablePointer<launch_result>

    /// Lays out the steps `plan.child`, the first of which has number `firstNumber`; `descriptors` are the plan's and
    /// `control` the stage's end of the socket pair.
    ///
    /// A function of a class: Swift 6.0's compiler fails on a noncopyable value that is made in steps that throw.
    static func make(
        _ plan: LaunchPlan, firstNumber: Int, references: ArenaBuilder.References,
        descriptors: [Int32], control: Descriptor, timeline: Bool
    ) throws(LaunchError) -> CompiledPlan {
        guard firstNumber + plan.child.count <= 65535 else { throw .tooManySteps(firstNumber + plan.child.count - 1) }
        var builder = ArenaBuilder()
        for (i, step) in plan.child.enumerated() { builder.add(step, number: firstNumber + i, references) }
        let steps = firstNumber + plan.child.count - 1
        let layout = builder.layout(steps: steps)
        let arena: Arena
        do throws(SystemError) { arena = try Arena.make(size: layout.size) } catch { throw .system(error) }
        let bytes = arena.mapping.bytes
        guard let base = bytes.baseAddress, descriptors.count <= Int(LAUNCH_DESCRIPTORS) else {
            throw .tooManyDescriptors(descriptors.count)
        }
        let header = base.assumingMemoryBound(to: launch_header.self)
        header.pointee.magic = UInt32(LAUNCH_MAGIC)
        header.pointee.size = UInt32(layout.size)
        header.pointee.operations = UInt32(layout.operations)
        header.pointee.operation_count = UInt32(builder.operations.count)
        header.pointee.result = UInt32(layout.result)
        header.pointee.step_count = UInt32(steps)
        header.pointee.flags = timeline ? LAUNCH_TIMELINE.rawValue : 0
        header.pointee.control = control.number
        header.pointee.descriptor_count = UInt32(descriptors.count)
        withUnsafeMutableBytes(of: &header.pointee.descriptors) { table in
            let numbers = table.bindMemory(to: Int32.self)
            for (i, number) in descriptors.enumerated() { numbers[i] = number }
        }
        builder.pool.withUnsafeBytes { pool in
            UnsafeMutableRawBufferPointer(rebasing: bytes[MemoryLayout<launch_header>.size...]).copyMemory(from: pool)
        }
        builder.operations.withUnsafeBytes { operations in
            UnsafeMutableRawBufferPointer(rebasing: bytes[layout.operations...]).copyMemory(from: operations)
        }
        var at: UInt32 = 0
        if let problem = launch_validate(base, layout.size, &at) {
            throw .malformedPlan(operation: Int(at), String(cString: problem))
        }
        return CompiledPlan(
            arena: arena, result: (base + layout.result).assumingMemoryBound(to: launch_result.self))
    }

    private init(arena: Arena, result: UnsafeMutablePointer<launch_result>) {
        self.arena = arena
        self.result = result
    }

    /// The memory that runtime and stage share.
    private final class Arena {
        let file: OwnedDescriptor
        let mapping: MemoryFile.Mapping

        static func make(size: Int) throws(SystemError) -> Arena {
            let memory = try MemoryFile.create("perigee-plan", sealable: false)
            try memory.view.truncate(to: Int64(size))
            let mapping = try MemoryFile.Mapping(memory.view, size: size)
            return Arena(memory, mapping)
        }

        private init(_ file: consuming OwnedDescriptor, _ mapping: consuming MemoryFile.Mapping) {
            self.file = file
            self.mapping = mapping
        }
    }

    /// The arena as the stage will map it.
    var memory: Descriptor { arena.file.view }

    /// What the clone needs; the pointer lives as long as this value.
    var header: UnsafePointer<launch_header>? {
        UnsafePointer(arena.mapping.bytes.baseAddress?.assumingMemoryBound(to: launch_header.self))
    }

    /// What the stage has reported so far.
    var report: Report {
        let r = result.pointee
        return Report(
            state: launch_state(rawValue: r.state), step: Int(r.step), call: r.call, code: Errno(rawValue: r.error),
            subject: text(at: Int(r.subject)), candidate: Int(r.candidate))
    }

    /// When step `number` had ended on the monotonic clock, and the processor time until then, both in nanoseconds; 0
    /// where it has not, and all 0 without a timeline.
    func time(ofStep number: Int) -> (wall: UInt64, processor: UInt64) {
        let times = (UnsafeRawPointer(result) + MemoryLayout<launch_result>.size)
            .assumingMemoryBound(to: launch_time.self)
        return (times[number].wall, times[number].processor)
    }

    /// The result page, read.
    struct Report {
        let state: launch_state
        let step: Int
        let call: UInt32
        let code: Errno
        let subject: String
        let candidate: Int
    }

    private func text(at offset: Int) -> String {
        guard offset > 0, offset < arena.mapping.bytes.count else { return "" }
        return String(decoding: arena.mapping.bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
    }
}
