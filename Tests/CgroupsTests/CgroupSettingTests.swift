import Testing

@testable import Cgroups
@testable import OCI

struct CgroupSettingTests {
    static let v1: CgroupControllers = [.cpu, .cpuacct, .cpuset, .memory, .io, .pids, .devices, .freezer]

    static func lines(_ resources: LinuxResources, _ legacy: CgroupControllers) throws -> [String] {
        try CgroupSettings(resources, legacy: legacy).writes.map { "\($0.file)=\($0.value)" }
    }

    @Test("each limit becomes a file of the version that the host has")
    func translation() throws {
        var r = LinuxResources()
        r.memory.limit = 1 << 20
        r.memory.swap = 3 << 20
        r.memory.reservation = 4096
        r.cpu.shares = 1024
        r.cpu.quota = 50_000
        r.cpu.period = 100_000
        r.cpu.cpus = "0-1"
        r.pids = 7
        r.hugepageLimits = [("2MB", 4 << 20)]
        #expect(
            try Self.lines(r, []) == [
                "memory.max=1048576", "memory.swap.max=2097152", "memory.low=4096", "cpu.weight=100",
                "cpu.max=50000 100000", "cpuset.cpus=0-1", "pids.max=7", "hugetlb.2MB.max=4194304",
            ])
        #expect(
            try Self.lines(r, Self.v1) == [
                "memory.limit_in_bytes=1048576", "memory.memsw.limit_in_bytes=3145728",
                "memory.soft_limit_in_bytes=4096",
                "cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000", "cpuset.cpus=0-1",
                "pids.max=7",
                "hugetlb.2MB.max=4194304",
            ])
    }

    @Test("-1 is no limit")
    func unlimited() throws {
        var r = LinuxResources()
        (r.memory.limit, r.memory.swap, r.cpu.quota, r.pids) = (-1, -1, -1, -1)
        #expect(try Self.lines(r, []) == ["memory.max=max", "memory.swap.max=max", "cpu.max=max", "pids.max=max"])
    }

    @Test(
        "shares become weights: both ends and both defaults meet", arguments: [(2, 1), (1024, 100), (262_144, 10_000)])
    func weights(shares: UInt64, weight: UInt64) {
        #expect(CgroupSettings.weight(ofShares: shares) == weight)
    }

    @Test("what can't be applied is refused by its name")
    func refusals() {
        func refuse(_ name: String, _ legacy: CgroupControllers = [], _ change: (inout LinuxResources) -> Void) {
            var r = LinuxResources()
            change(&r)
            let error = #expect(throws: CgroupError.self) { _ = try CgroupSettings(r, legacy: legacy) }
            #expect(error?.description.contains(name) == true, "\(String(describing: error))")
        }
        refuse("network") { $0.others = ["network"] }
        refuse("cpu.realtimeRuntime") { $0.cpu.realtimeRuntime = 5 }
        refuse("memory.swappiness") { $0.memory.swappiness = 60 }
        refuse("memory.disableOOMKiller") { $0.memory.disableOOMKiller = true }
        refuse("memory.swap") { $0.memory.swap = 5 }
        refuse("hugepageLimits") { $0.hugepageLimits = [("../x", 1)] }
        for name in ["a/b", "memory", "cgroup.procs", "cgroup.kill", "unknown.max"] {
            refuse(name) { $0.unified = [(name, "1")] }
        }
        refuse("memory.max", Self.v1) { $0.unified = [("memory.max", "1")] }
        refuse("devices") { $0.devices = [.init(allow: true, type: "p")] }
    }
}
