/// What a group has used. A nil is a number that this kernel does not tell for it, or a controller that is not there.
package struct CgroupStatistics: Hashable, Sendable {
    /// Bytes now.
    package var memoryCurrent: UInt64?
    /// The most bytes at one time; on v2 since Linux 5.19.
    package var memoryPeak: UInt64?
    /// How often the kernel killed a process of the group for want of memory.
    package var oomKills: UInt64?
    /// Processor time in microseconds.
    package var cpuMicroseconds: UInt64?
    /// Tasks (threads) now.
    package var pidsCurrent: UInt64?
    /// The most tasks at one time; since Linux 6.1.
    package var pidsPeak: UInt64?

    package init() {}
}

extension Cgroup {
    /// Reads the counters. A group that is gone has none.
    package func statistics() throws(CgroupError) -> CgroupStatistics {
        var result = CgroupStatistics()
        if let memory = place(of: .memory) {
            let isV1 = memory.version == .v1
            result.memoryCurrent = try number(memory, isV1 ? "memory.usage_in_bytes" : "memory.current")
            result.memoryPeak = try number(memory, isV1 ? "memory.max_usage_in_bytes" : "memory.peak")
            result.oomKills = try oomKills()
        }
        if let cpu = place(of: .cpuacct) {
            if cpu.version == .v1 {
                result.cpuMicroseconds = try number(cpu, "cpuacct.usage").map { $0 / 1000 }
            } else {
                result.cpuMicroseconds = try CgroupFile.readIfPresent("\(cpu.directory)/cpu.stat").flatMap {
                    CgroupFile.number("usage_usec", in: $0)
                }
            }
        }
        if let pids = place(of: .pids) {
            result.pidsCurrent = try number(pids, "pids.current")
            result.pidsPeak = try number(pids, "pids.peak")
        }
        return result
    }

    /// What is of use once all has ended: the peak of memory, and who was killed for it. One system call where memory
    /// is not counted.
    package func finalStatistics() throws(CgroupError) -> CgroupStatistics {
        var result = CgroupStatistics()
        guard let memory = place(of: .memory) else { return result }
        result.oomKills = try oomKills()
        // No events, no controller; the peak is younger (Linux 5.19).
        guard result.oomKills != nil else { return result }
        result.memoryPeak = try number(memory, memory.version == .v1 ? "memory.max_usage_in_bytes" : "memory.peak")
        return result
    }

    /// How often the kernel killed a process of the group for want of memory; nil where it does not tell.
    package func oomKills() throws(CgroupError) -> UInt64? {
        guard let memory = place(of: .memory) else { return nil }
        let file = memory.version == .v1 ? "memory.oom_control" : "memory.events"
        return try CgroupFile.readIfPresent("\(memory.directory)/\(file)").flatMap {
            CgroupFile.number("oom_kill", in: $0)
        }
    }

    private func number(_ place: Place, _ file: String) throws(CgroupError) -> UInt64? {
        guard let text = try CgroupFile.readIfPresent("\(place.directory)/\(file)") else { return nil }
        return UInt64(text.prefix { $0 != "\n" })
    }
}
