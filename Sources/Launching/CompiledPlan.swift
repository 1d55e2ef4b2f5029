internal import CLaunch
internal import Glibc
internal import Linux
internal import Planning

/// The child's half of a plan in the stage's binary form, in a memfd, checked; and the page through which the stage
/// reports.
final class CompiledPlan {
    private let arena: Arena
    /// How the stage reports.
    let page: ResultPage

    /// Lays out the steps `plan.child`, the first of which has number `firstNumber`; `descriptors` are the plan's and
    /// `control` the stage's end of the socket pair. `file` is an empty one for the arena, nil: in memory.
    ///
    /// A function of a class: Swift 6.0's compiler fails on a noncopyable value that is made in steps that throw.
    static func make(
        _ plan: LaunchPlan, firstNumber: Int, references: ArenaBuilder.References,
        descriptors: [Int32], control: Descriptor, timeline: Bool, file: Descriptor? = nil
    ) throws(LaunchError) -> CompiledPlan {
        guard firstNumber + plan.child.count <= 65535 else { throw .tooManySteps(firstNumber + plan.child.count - 1) }
        var builder = ArenaBuilder()
        for (i, step) in plan.child.enumerated() { builder.add(step, number: firstNumber + i, references) }
        let steps = firstNumber + plan.child.count - 1
        let layout = builder.layout(steps: steps)
        let arena: Arena
        do throws(SystemError) { arena = try Arena.make(size: layout.size, file) } catch { throw .system(error) }
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
        guard let page = ResultPage(bytes) else { preconditionFailure("a plan that was found well formed") }
        return CompiledPlan(arena: arena, page: page)
    }

    private init(arena: Arena, page: ResultPage) {
        self.arena = arena
        self.page = page
    }

    /// The memory that runtime and stage share.
    private final class Arena {
        let file: OwnedDescriptor
        let mapping: MemoryFile.Mapping

        static func make(size: Int, _ file: Descriptor?) throws(SystemError) -> Arena {
            let memory =
                if let file { try file.duplicate() } else { try MemoryFile.create("perigee-plan", sealable: false) }
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
}
