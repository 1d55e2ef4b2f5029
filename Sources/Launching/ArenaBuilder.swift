internal import CLaunch
internal import OCI
internal import Planning

/// Lays a plan's operations and what they refer to into one block, as `launch.h` describes it.
struct ArenaBuilder {
    private(set) var pool: [UInt8] = []
    private(set) var operations: [launch_operation] = []
    /// The last text that may be shared: devices lie side by side.
    private var last: (text: String, offset: UInt32)?
    private let start = MemoryLayout<launch_header>.size

    init() { pool.reserveCapacity(8192) }

    /// An offset of `text` with a NUL behind it. The same text several times is laid once where `shared`.
    mutating func string(_ text: String, shared: Bool = false) -> UInt32 {
        if shared, let last, last.text == text { return last.offset }
        let offset = UInt32(start + pool.count)
        pool.append(contentsOf: text.utf8)
        pool.append(0)
        if shared { last = (text, offset) }
        return offset
    }

    /// An array of the offsets of `texts`, ended by 0.
    mutating func strings(_ texts: [String]) -> UInt32 {
        var next = UInt32(start + pool.count)
        for text in texts { _ = string(text) }
        align()
        let offset = UInt32(start + pool.count)
        for text in texts {
            append(UInt64(next))
            next += UInt32(text.utf8.count + 1)
        }
        append(UInt64(0))
        return offset
    }

    /// Keys and values one behind the other; a flag's value is "\u{1}"; an empty key is the end.
    mutating func pairs(_ options: [FileSystemMount.Option]) -> UInt32 {
        let offset = UInt32(start + pool.count)
        for option in options {
            _ = string(option.key)
            _ = string(option.value ?? "\u{1}")
        }
        pool.append(0)
        return offset
    }

    /// Raw bytes at a multiple of 8.
    mutating func block(_ bytes: [UInt8]) -> UInt32 {
        align()
        let offset = UInt32(start + pool.count)
        pool.append(contentsOf: bytes)
        return offset
    }

    /// Group ids.
    mutating func words(_ numbers: [UInt32]) -> UInt32 {
        align()
        let offset = UInt32(start + pool.count)
        for number in numbers { append(number) }
        return offset
    }

    private mutating func align() { while (start + pool.count) % 8 != 0 { pool.append(0) } }

    /// As the processor has it: the stage runs on the same.
    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number) { pool.append(contentsOf: $0) }
    }

    /// Adds an operation of step `step`.
    mutating func add(
        _ kind: launch_kind, step: Int, a: UInt32 = 0, b: UInt32 = 0, c: UInt32 = 0, d: UInt32 = 0, x: UInt64 = 0,
        y: UInt64 = 0
    ) {
        operations.append(
            launch_operation(
                kind: UInt16(kind.rawValue), step: UInt16(step), a: a, b: b, c: c, d: d, reserved: 0, x: x, y: y))
    }

    /// The layout: offset of the operations, of the result page, and the size of all, in bytes.
    func layout(steps: Int) -> (operations: Int, result: Int, size: Int) {
        let page = Int(LAUNCH_PAGE)
        func rounded(_ n: Int, _ to: Int) -> Int { (n + to - 1) / to * to }
        let operationsAt = rounded(start + pool.count, 8)
        let result = rounded(operationsAt + operations.count * MemoryLayout<launch_operation>.stride, page)
        let times = (steps + 1) * MemoryLayout<launch_time>.stride
        return (operationsAt, result, rounded(result + MemoryLayout<launch_result>.size + times, page))
    }
}
