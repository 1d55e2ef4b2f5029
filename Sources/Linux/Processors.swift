internal import Glibc

/// The machine's processors, as far as they are ours.
package enum Processors {
    /// How many this process may run on, at least 1. Wraps sched_getaffinity(2).
    package static let count: Int = {
        var set = cpu_set_t()
        guard sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0 else { return 1 }
        return max(1, withUnsafeBytes(of: &set) { bytes in bytes.reduce(0) { $0 + $1.nonzeroBitCount } })
    }()
}
