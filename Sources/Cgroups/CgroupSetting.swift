internal import Glibc
package import OCI

/// The two generations of the kernel's interface.
package enum CgroupVersion: Sendable { case v1, v2 }

/// One file of a group and what is written to it: a limit as data, made before anything is done.
package struct CgroupSetting: Hashable, Sendable {
    /// Where in `linux.resources` it comes from: `memory.limit`.
    package let property: String
    /// What the file belongs to; empty for v2's core files.
    package let controller: CgroupControllers
    package let version: CgroupVersion
    /// `memory.max`
    package let file: String
    package let value: String
    /// What is done where the kernel has no such file.
    package var otherwise = Otherwise.failure
    /// Whether the file is read again: some kernels take the value, and limit nothing.
    var isReadBack = false

    package enum Otherwise: Hashable, Sendable {
        case failure
        /// It is done without.
        case nothing
        /// The older file, and what it takes.
        case write(file: String, value: String)
    }
}

/// All that a group is to be set to.
package struct CgroupSettings: Hashable, Sendable {
    /// In the order in which they are written.
    package private(set) var writes: [CgroupSetting] = []
    /// Empty: the group has no rules of its own, and all is allowed that the groups above allow. Otherwise the caller's
    /// rules, then ``DeviceRule/defaults``; what none allows is denied.
    package private(set) var devices: [DeviceRule] = []

    /// What the group may use at the most, in bytes, when these limits are set: `memory.checkBeforeUpdate`; nil: that is
    /// the kernel's to see to.
    private(set) var leastMemory: UInt64?

    private let legacy: CgroupControllers

    /// The controllers in which the group must be: those that the writes need, and those that are named without a value.
    private(set) var controllers: CgroupControllers = []

    /// Translates `resources` for a host that has the controllers `legacy` on v1 and the rest on v2. What can't be
    /// expressed is refused by name.
    package init(_ resources: LinuxResources, legacy: CgroupControllers) throws(CgroupError) {
        self.legacy = legacy
        try addMemory(resources.memory)
        try addProcessor(resources.cpu)
        try addSet("cpus", resources.cpu.cpus)
        try addSet("mems", resources.cpu.mems)
        // With 0 the first process could not be born in its group: one that may have no other is the same.
        if let pids = resources.pids {
            add("pids.limit", .pids, both: "pids.max", pids < 0 ? "max" : "\(max(pids, 1))")
        }
        for (size, limit) in resources.hugepageLimits {
            guard Self.isPageSize(size) else {
                throw .invalidValue(
                    property: "hugepageLimits.pageSize", value: "'\(size)'", reason: "not like 64KB, 2MB or 1GB")
            }
            let value = "\(limit)"
            add("hugepageLimits", .hugetlb, "hugetlb.\(size).limit_in_bytes", value, "hugetlb.\(size).max", value)
            // Reservations too, from Linux 5.7 on: then a mapping fails, and no access to it.
            add(
                "hugepageLimits", .hugetlb, "hugetlb.\(size).rsvd.limit_in_bytes", value, "hugetlb.\(size).rsvd.max",
                value, otherwise: .nothing)
        }
        if let rare = resources.rare { try addRare(rare) }
        for (name, value) in resources.unified { try addUnified(name, value) }
        guard resources.devices.count + DeviceRule.defaults.count <= DeviceProgram.limit else {
            throw .unsupported(property: "devices", reason: "there are more rules than a program may have")
        }
        for rule in resources.devices { devices.append(try DeviceRule(rule)) }
        if !devices.isEmpty { devices += DeviceRule.defaults }
        controllers = writes.reduce(into: []) { $0.formUnion($1.controller) }
        if resources.cpu.namesSets { controllers.formUnion(legacy.intersection(.cpuset)) }
    }
}

// MARK: - Memory

extension CgroupSettings {
    private mutating func addMemory(_ memory: LinuxResources.Memory) throws(CgroupError) {
        func bytes(_ n: Int64, v2: Bool) -> String { n < 0 ? (v2 ? "max" : "-1") : "\(n)" }
        let isV1 = legacy.contains(.memory)
        // 0 is what engines write for "not set".
        let limit = memory.limit == 0 ? nil : memory.limit
        if let limit {
            add(
                "memory.limit", .memory, "memory.limit_in_bytes", bytes(limit, v2: false), "memory.max",
                bytes(limit, v2: true))
        }
        if let swap = memory.swap, swap != 0 {
            if swap > 0 {
                guard let limit, limit > 0 else {
                    throw .invalidValue(property: "memory.swap", value: "\(swap)", reason: "it needs memory.limit")
                }
                guard swap >= limit else {
                    throw .invalidValue(
                        property: "memory.swap", value: "\(swap)",
                        reason: "it counts memory and swap together, so it can't be below memory.limit")
                }
            }
            // v1 limits the sum, v2 the swap alone.
            let alone = swap < 0 ? "max" : "\(swap - (limit ?? 0))"
            add("memory.swap", .memory, "memory.memsw.limit_in_bytes", bytes(swap, v2: false), "memory.swap.max", alone)
        } else if let limit, limit < 0, !isV1 {
            add("memory.limit", .memory, both: "memory.swap.max", "max")
        }
        if let reservation = memory.reservation, reservation != 0 {
            add(
                "memory.reservation", .memory, "memory.soft_limit_in_bytes", bytes(reservation, v2: false),
                "memory.low", bytes(reservation, v2: true))
        }
        if let swappiness = memory.swappiness {
            guard (0...100).contains(swappiness) else {
                throw .invalidValue(property: "memory.swappiness", value: "\(swappiness)", reason: "not in 0 to 100")
            }
            guard isV1 else {
                throw .unsupported(property: "memory.swappiness", reason: "cgroup v2 has no such setting")
            }
            add("memory.swappiness", .memory, both: "memory.swappiness", "\(swappiness)")
        }
        if memory.disableOOMKiller == true {
            guard isV1 else {
                throw .unsupported(property: "memory.disableOOMKiller", reason: "cgroup v2 has no such setting")
            }
            add("memory.disableOOMKiller", .memory, both: "memory.oom_control", "1")
        }
        try addKernelMemory(memory)
        if memory.checkBeforeUpdate == true, !isV1, let limit, limit > 0 { leastMemory = UInt64(limit) }
    }

    private mutating func addKernelMemory(_ memory: LinuxResources.Memory) throws(CgroupError) {
        let isV1 = legacy.contains(.memory)
        // On v2, and from Linux 5.11 on, all that is below a group counts in it.
        if memory.useHierarchy == true, isV1 {
            add("memory.useHierarchy", .memory, .v1, "memory.use_hierarchy", "1", otherwise: .nothing)
        }
        try addKernel("memory.kernel", memory.kernel, "memory.kmem.limit_in_bytes")
        try addKernel("memory.kernelTCP", memory.kernelTCP, "memory.kmem.tcp.limit_in_bytes")
    }

    private mutating func addKernel(_ property: String, _ limit: Int64?, _ file: String) throws(CgroupError) {
        guard let limit, limit != 0 else { return }
        if legacy.contains(.memory) {
            add(property, .memory, .v1, file, "\(max(limit, -1))")
            writes[writes.count - 1].isReadBack = true
        } else if limit > 0 {
            throw .unsupported(property: property, reason: "cgroup v2 has no such setting")
        }
    }
}

// MARK: - Processor

extension CgroupSettings {
    private mutating func addProcessor(_ cpu: LinuxResources.CPU) throws(CgroupError) {
        try addRealtime(cpu)
        if let shares = cpu.shares, shares != 0 {
            add("cpu.shares", .cpu, "cpu.shares", "\(shares)", "cpu.weight", "\(Self.weight(ofShares: shares))")
        }
        try addQuota(cpu)
        if let burst = cpu.burst { add("cpu.burst", .cpu, "cpu.cfs_burst_us", "\(burst)", "cpu.max.burst", "\(burst)") }
        if let idle = cpu.idle {
            guard idle == 0 || idle == 1 else {
                throw .invalidValue(property: "cpu.idle", value: "\(idle)", reason: "not 0 or 1")
            }
            add("cpu.idle", .cpu, both: "cpu.idle", "\(idle)")
        }
    }

    private mutating func addRealtime(_ cpu: LinuxResources.CPU) throws(CgroupError) {
        let runtime = cpu.realtimeRuntime ?? 0, period = cpu.realtimePeriod ?? 0
        if runtime == 0 && period == 0 { return }
        guard legacy.contains(.cpu) else {
            throw .unsupported(
                property: runtime != 0 ? "cpu.realtimeRuntime" : "cpu.realtimePeriod",
                reason: "cgroup v2 has no such setting")
        }
        if period != 0 { add("cpu.realtimePeriod", .cpu, .v1, "cpu.rt_period_us", "\(period)") }
        if runtime != 0 { add("cpu.realtimeRuntime", .cpu, .v1, "cpu.rt_runtime_us", "\(runtime)") }
    }

    private mutating func addQuota(_ cpu: LinuxResources.CPU) throws(CgroupError) {
        let quota = cpu.quota == 0 ? nil : cpu.quota
        let period = cpu.period == 0 ? nil : cpu.period
        if legacy.contains(.cpu) {
            if let period { add("cpu.period", .cpu, both: "cpu.cfs_period_us", "\(period)") }
            if let quota { add("cpu.quota", .cpu, both: "cpu.cfs_quota_us", quota < 0 ? "-1" : "\(quota)") }
            return
        }
        if quota == nil && period == nil { return }
        let time = quota.map { $0 < 0 ? "max" : "\($0)" } ?? "max"
        add("cpu.quota", .cpu, both: "cpu.max", period.map { "\(time) \($0)" } ?? time)
    }

    /// The v2 weight (1 to 10000) of v1 shares (2 to 262144). The curve meets both ends and both defaults, 1024 and 100,
    /// where a straight line would give the default container 39: the conversion of runc 1.4 and crun 1.24.
    static func weight(ofShares shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10_000 }
        let l = log2(Double(shares))
        return UInt64(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34).rounded(.up))
    }

    private mutating func addSet(_ name: String, _ list: String?) throws(CgroupError) {
        guard let list, !list.isEmpty else { return }
        guard list.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "-") })
        else {
            throw .invalidValue(property: "cpu.\(name)", value: "'\(list)'", reason: "not a list like 0-3,7")
        }
        add("cpu.\(name)", .cpuset, both: "cpuset.\(name)", list)
    }
}

// MARK: - Other settings

extension CgroupSettings {
    private mutating func add(
        _ property: String, _ controller: CgroupControllers, _ v1File: String, _ v1Value: String, _ v2File: String,
        _ v2Value: String, otherwise: CgroupSetting.Otherwise = .failure
    ) {
        let isV1 = legacy.contains(controller)
        writes.append(
            CgroupSetting(
                property: property, controller: controller, version: isV1 ? .v1 : .v2, file: isV1 ? v1File : v2File,
                value: isV1 ? v1Value : v2Value, otherwise: otherwise))
    }

    /// A file that one version alone has.
    mutating func add(
        _ property: String, _ controller: CgroupControllers, _ version: CgroupVersion, _ file: String, _ value: String,
        otherwise: CgroupSetting.Otherwise = .failure
    ) {
        writes.append(
            CgroupSetting(
                property: property, controller: controller, version: version, file: file, value: value,
                otherwise: otherwise))
    }

    /// Whether `controller` is on v1 here.
    func isLegacy(_ controller: CgroupControllers) -> Bool { legacy.contains(controller) }

    private mutating func add(_ property: String, _ controller: CgroupControllers, both file: String, _ value: String) {
        add(property, controller, file, value, file, value)
    }

    private mutating func addUnified(_ name: String, _ value: String) throws(CgroupError) {
        let property = "unified['\(name)']"
        guard !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(0), name.utf8.count < 256,
            let dot = name.utf8.firstIndex(of: UInt8(ascii: "."))
        else { throw .invalidValue(property: property, value: "'\(value)'", reason: "not a cgroup file's name") }
        let prefix = name[..<dot]
        let controller = CgroupControllers(named: prefix)
        if prefix == "cgroup" {
            guard name == "cgroup.max.depth" || name == "cgroup.max.descendants" || name == "cgroup.pressure" else {
                throw .unsupported(property: property, reason: "it moves or stops processes and is no limit")
            }
        } else {
            guard !controller.isEmpty else {
                throw .unsupported(property: property, reason: "no controller of that name is known")
            }
            guard legacy.isDisjoint(with: controller) else {
                throw .unsupported(property: property, reason: "this controller is on cgroup v1 here")
            }
        }
        writes.append(
            CgroupSetting(property: property, controller: controller, version: .v2, file: name, value: value))
    }

    private static func isPageSize(_ text: String) -> Bool {
        let digits = text.utf8.prefix { (48...57).contains($0) }
        return !digits.isEmpty && ["KB", "MB", "GB"].contains(text.dropFirst(digits.count))
    }
}

extension DeviceRule {
    /// A row of config.json, checked: ranges and letters are those of the kernel.
    init(_ row: LinuxResources.DeviceRule) throws(CgroupError) {
        func number(_ n: Int64?) throws(CgroupError) -> UInt32? {
            guard let n, n >= 0 else { return nil }
            guard let fitting = UInt32(exactly: n) else {
                throw .invalidValue(property: "devices", value: "\(n)", reason: "no device has such a number")
            }
            return fitting
        }
        let kind: Kind
        switch row.type {
        case "a": kind = .any
        case "b": kind = .block
        case "c", "u": kind = .character
        default: throw .invalidValue(property: "devices.type", value: "'\(row.type)'", reason: "not a, b or c")
        }
        var access: Access = []
        for letter in row.access {
            switch letter {
            case "r": access.insert(.read)
            case "w": access.insert(.write)
            case "m": access.insert(.makeNode)
            default: throw .invalidValue(property: "devices.access", value: "'\(row.access)'", reason: "not of r, w, m")
            }
        }
        // As in the specification's first example, a row without access is about all of it.
        self.init(allow: row.allow, kind, try number(row.major), try number(row.minor), access.isEmpty ? .all : access)
    }
}
