/// What a group has used. A nil is a number that this kernel does not tell for it, or a controller that is not there.
package struct CgroupStatistics: Hashable, Sendable {
    /// Bytes now.
    package var memoryCurrent: UInt64?
    /// The most bytes at one time; on v2 since Linux 5.19.
    package var memoryPeak: UInt64?
    /// The most bytes that it may have; nil also where there is no limit.
    package var memoryLimit: Int64?
    /// Bytes of files in memory.
    package var memoryCache: UInt64?
    /// Bytes in swap, or on v1 in memory and swap.
    package var swapCurrent: UInt64?
    /// How often the kernel killed a process of the group for want of memory.
    package var oomKills: UInt64?
    /// Processor time in microseconds, and its parts.
    package var cpuMicroseconds: UInt64?
    package var cpuUserMicroseconds: UInt64?
    package var cpuSystemMicroseconds: UInt64?
    /// Periods of the processor's quota, those in which it ran out, and how long the group then waited: microseconds.
    package var periods: UInt64?
    package var throttledPeriods: UInt64?
    package var throttledMicroseconds: UInt64?
    /// Tasks (threads) now.
    package var pidsCurrent: UInt64?
    /// The most tasks at one time; since Linux 6.1.
    package var pidsPeak: UInt64?
    /// The most that it may have; nil also where there is no limit.
    package var pidsLimit: UInt64?

    package init() {}
}

extension Cgroup {
    /// Reads the counters. A group that is gone has none.
    package func statistics() throws(CgroupError) -> CgroupStatistics {
        var result = CgroupStatistics()
        if let memory = place(of: .memory) { try addMemory(memory, to: &result) }
        if let cpu = place(of: .cpuacct) { try addProcessor(cpu, to: &result) }
        if let cpu = place(of: .cpu) { try addThrottling(cpu, to: &result) }
        if let pids = place(of: .pids) {
            result.pidsCurrent = try number(pids, "pids.current")
            result.pidsPeak = try number(pids, "pids.peak")
            result.pidsLimit = try number(pids, "pids.max")
        }
        return result
    }

    private func addMemory(_ memory: Place, to result: inout CgroupStatistics) throws(CgroupError) {
        let isV1 = memory.version == .v1
        result.memoryCurrent = try number(memory, isV1 ? "memory.usage_in_bytes" : "memory.current")
        result.memoryPeak = try number(memory, isV1 ? "memory.max_usage_in_bytes" : "memory.peak")
        result.memoryLimit = try memoryLimit()
        result.swapCurrent = try number(memory, isV1 ? "memory.memsw.usage_in_bytes" : "memory.swap.current")
        result.memoryCache = try CgroupFile.readIfPresent("\(memory.directory)/memory.stat").flatMap {
            CgroupFile.number(isV1 ? "total_cache" : "file", in: $0)
        }
        result.oomKills = try oomKills()
    }

    private func addProcessor(_ cpu: Place, to result: inout CgroupStatistics) throws(CgroupError) {
        if cpu.version == .v1 {
            result.cpuMicroseconds = try number(cpu, "cpuacct.usage").map { $0 / 1000 }
            result.cpuUserMicroseconds = try number(cpu, "cpuacct.usage_user").map { $0 / 1000 }
            result.cpuSystemMicroseconds = try number(cpu, "cpuacct.usage_sys").map { $0 / 1000 }
        } else if let text = try CgroupFile.readIfPresent("\(cpu.directory)/cpu.stat") {
            result.cpuMicroseconds = CgroupFile.number("usage_usec", in: text)
            result.cpuUserMicroseconds = CgroupFile.number("user_usec", in: text)
            result.cpuSystemMicroseconds = CgroupFile.number("system_usec", in: text)
        }
    }

    private func addThrottling(_ cpu: Place, to result: inout CgroupStatistics) throws(CgroupError) {
        guard let text = try CgroupFile.readIfPresent("\(cpu.directory)/cpu.stat") else { return }
        result.periods = CgroupFile.number("nr_periods", in: text)
        result.throttledPeriods = CgroupFile.number("nr_throttled", in: text)
        result.throttledMicroseconds =
            cpu.version == .v1
            ? CgroupFile.number("throttled_time", in: text).map { $0 / 1000 }
            : CgroupFile.number("throttled_usec", in: text)
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
        return try CgroupFile.readIfPresent(CgroupFile.path(memory.directory, file)).flatMap {
            CgroupFile.number("oom_kill", in: $0)
        }
    }

    private func number(_ place: Place, _ file: String) throws(CgroupError) -> UInt64? {
        guard let text = try CgroupFile.readIfPresent(CgroupFile.path(place.directory, file)) else { return nil }
        return UInt64(text.prefix { $0 != "\n" })
    }
}
