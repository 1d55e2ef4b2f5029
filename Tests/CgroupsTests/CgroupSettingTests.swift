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
                "hugetlb.2MB.rsvd.max=4194304",
            ])
        #expect(
            try Self.lines(r, Self.v1) == [
                "memory.limit_in_bytes=1048576", "memory.memsw.limit_in_bytes=3145728",
                "memory.soft_limit_in_bytes=4096",
                "cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000", "cpuset.cpus=0-1",
                "pids.max=7",
                "hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304",
            ])
        #expect(try CgroupSettings(r, legacy: []).writes.last?.otherwise == .nothing)
    }

    /// Two of the files by another version's names, and what is tried where the first is not there.
    static func others(_ resources: LinuxResources, _ legacy: CgroupControllers) throws -> [String] {
        try CgroupSettings(resources, legacy: legacy).writes.map {
            guard case .write(let file, let value) = $0.otherwise else { return "-" }
            return "\(file)=\(value)"
        }
    }

    @Test("limits of block devices: weights by BFQ or the older scheduler, rates by io.max or one file each")
    func blockIO() throws {
        let disk = LinuxResources.BlockDevice(major: 8, minor: 16)
        var io = LinuxResources.BlockIO()
        io.weight = 500
        io.weights = [.init(device: disk, weight: 1000, leafWeight: nil)]
        io.rates = [
            .init(limit: .rbps, device: disk, rate: 600), .init(limit: .wiops, device: disk, rate: 0),
        ]
        var r = LinuxResources()
        r.rare = .init()
        r.rare?.blockIO = io
        #expect(
            try Self.lines(r, []) == [
                "io.bfq.weight=500", "io.bfq.weight=8:16 1000", "io.max=8:16 rbps=600", "io.max=8:16 wiops=max",
            ])
        #expect(try Self.others(r, []) == ["io.weight=4950", "io.weight=8:16 10000", "-", "-"])
        r.rare?.blockIO?.leafWeight = 10
        #expect(
            try Self.lines(r, .io) == [
                "blkio.weight=500", "blkio.leaf_weight=10", "blkio.weight_device=8:16 1000",
                "blkio.throttle.read_bps_device=8:16 600", "blkio.throttle.write_iops_device=8:16 0",
            ])
        #expect(
            try Self.others(r, .io) == [
                "blkio.bfq.weight=500", "-", "blkio.bfq.weight_device=8:16 1000", "-", "-",
            ])
    }

    @Test("network and RDMA")
    func network() throws {
        var r = LinuxResources()
        r.rare = .init()
        r.rare?.classID = 0x10_0001
        r.rare?.priorities = [("eth0", 5)]
        r.rare?.rdma = [
            .init(device: "mlx5_1", handles: 3, objects: nil), .init(device: "rxe3", handles: 1, objects: 2),
        ]
        #expect(
            try Self.lines(r, [.networkClass, .networkPriority]) == [
                "net_cls.classid=1048577", "net_prio.ifpriomap=eth0 5", "rdma.max=mlx5_1 hca_handle=3",
                "rdma.max=rxe3 hca_handle=1 hca_object=2",
            ])
    }

    @Test("kernel memory, hierarchy and real time are v1's; burst and idle both's; 0 processes are the first alone")
    func older() throws {
        var r = LinuxResources()
        (r.memory.kernel, r.memory.kernelTCP, r.memory.useHierarchy) = (-1, 5, true)
        (r.cpu.realtimePeriod, r.cpu.realtimeRuntime, r.cpu.burst, r.cpu.idle, r.pids) = (1_000_000, 950_000, 7, 1, 0)
        #expect(
            try Self.lines(r, Self.v1) == [
                "memory.use_hierarchy=1", "memory.kmem.limit_in_bytes=-1", "memory.kmem.tcp.limit_in_bytes=5",
                "cpu.rt_period_us=1000000", "cpu.rt_runtime_us=950000", "cpu.cfs_burst_us=7", "cpu.idle=1",
                "pids.max=1",
            ])
        (r.memory.kernelTCP, r.cpu.realtimePeriod, r.cpu.realtimeRuntime) = (nil, nil, nil)
        #expect(try Self.lines(r, []) == ["cpu.max.burst=7", "cpu.idle=1", "pids.max=1"])
    }

    @Test("checkBeforeUpdate is looked at on v2, where the kernel would kill instead of refusing")
    func checkBeforeUpdate() throws {
        var r = LinuxResources()
        (r.memory.limit, r.memory.checkBeforeUpdate) = (4096, true)
        #expect(try CgroupSettings(r, legacy: []).leastMemory == 4096)
        #expect(try CgroupSettings(r, legacy: Self.v1).leastMemory == nil)
        r.memory.checkBeforeUpdate = false
        #expect(try CgroupSettings(r, legacy: []).leastMemory == nil)
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
        func refuseRare(_ name: String, _ legacy: CgroupControllers = [], _ change: (inout LinuxResources.Rare) -> Void)
        {
            var rare = LinuxResources.Rare()
            change(&rare)
            refuse(name, legacy) { $0.rare = rare }
        }
        refuseRare("network.classID") { $0.classID = 5 }
        refuseRare("network.priorities") { $0.priorities = [("eth0", 5)] }
        refuseRare("network.priorities", .networkPriority) { $0.priorities = [("eth0 1\neth1", 5)] }
        refuseRare("rdma") { $0.rdma = [.init(device: "a b", handles: 1, objects: nil)] }
        refuseRare("blockIO.weight is 9") {
            $0.blockIO = .init(); $0.blockIO?.weight = 9
        }
        refuseRare("blockIO.leafWeight") {
            $0.blockIO = .init(); $0.blockIO?.leafWeight = 10
        }
        refuse("memory.kernelTCP") { $0.memory.kernelTCP = 5 }
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
