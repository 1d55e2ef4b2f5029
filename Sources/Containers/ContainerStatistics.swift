internal import Cgroups
package import OCI

/// What a container has used. What this kernel or host does not count is left out.
package struct ContainerStatistics: Sendable {
    /// How often the kernel killed one of its processes for want of memory.
    package let oomKills: UInt64
    /// The `data` of a line of `runc events`: bytes, and times in nanoseconds.
    package let json: JSON.Value

    init(_ statistics: CgroupStatistics) {
        oomKills = statistics.oomKills ?? 0
        json = ContainerStatistics.json(of: statistics)
    }

    private static func json(of all: CgroupStatistics) -> JSON.Value {
        typealias Member = (name: String, value: JSON.Value)
        func object(_ members: [(String, UInt64?)]) -> JSON.Value {
            .object(members.compactMap { name, value in value.map { (name: name, value: .unsigned($0)) } })
        }
        func nanoseconds(_ microseconds: UInt64?) -> UInt64? { microseconds.map { $0 * 1000 } }
        let limit = all.memoryLimit.map { UInt64(clamping: $0) }
        let memory: [Member] = [
            ("usage", object([("limit", limit), ("usage", all.memoryCurrent), ("max", all.memoryPeak)])),
            ("swap", object([("usage", all.swapCurrent)])),
        ]
        return .object([
            (
                "cpu",
                .object([
                    (
                        "usage",
                        object([
                            ("total", nanoseconds(all.cpuMicroseconds)),
                            ("kernel", nanoseconds(all.cpuSystemMicroseconds)),
                            ("user", nanoseconds(all.cpuUserMicroseconds)),
                        ])
                    ),
                    (
                        "throttling",
                        object([
                            ("periods", all.periods), ("throttledPeriods", all.throttledPeriods),
                            ("throttledTime", nanoseconds(all.throttledMicroseconds)),
                        ])
                    ),
                ])
            ),
            ("memory", .object((all.memoryCache.map { [("cache", .unsigned($0))] } ?? []) + memory)),
            ("pids", object([("current", all.pidsCurrent), ("limit", all.pidsLimit)])),
        ])
    }
}

extension Container {
    /// What its group has used.
    package borrowing func statistics() throws(ContainersError) -> ContainerStatistics {
        let status = try status()
        guard status != .stopped, status != .creating, let group else {
            throw .wrongStatus(name, status, cannot: "show the statistics of")
        }
        do throws(CgroupError) { return ContainerStatistics(try group.statistics()) } catch { throw .cgroup(error) }
    }
}
