/// Resource controllers of the kernel, as a set: cgroups(7).
package struct CgroupControllers: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let cpu = CgroupControllers(rawValue: 1 << 0)
    /// v1 alone; in v2 every group has `cpu.stat`.
    package static let cpuacct = CgroupControllers(rawValue: 1 << 1)
    package static let cpuset = CgroupControllers(rawValue: 1 << 2)
    package static let memory = CgroupControllers(rawValue: 1 << 3)
    /// `blkio` in v1.
    package static let io = CgroupControllers(rawValue: 1 << 4)
    package static let pids = CgroupControllers(rawValue: 1 << 5)
    /// v1 alone; in v2 an eBPF program does its work.
    package static let devices = CgroupControllers(rawValue: 1 << 6)
    /// v1 alone; in v2 every group has `cgroup.freeze`.
    package static let freezer = CgroupControllers(rawValue: 1 << 7)
    package static let hugetlb = CgroupControllers(rawValue: 1 << 8)
    package static let rdma = CgroupControllers(rawValue: 1 << 9)
    package static let misc = CgroupControllers(rawValue: 1 << 10)
    /// v1 alone, as the next one; in v2 eBPF programs and iptables see a packet's group.
    package static let networkClass = CgroupControllers(rawValue: 1 << 11)
    package static let networkPriority = CgroupControllers(rawValue: 1 << 12)

    /// Joined by every container on v1, limited or not, so that its use is counted and its devices are its own.
    static let alwaysJoined: CgroupControllers = [.devices, .memory, .cpu, .cpuacct, .pids]
    /// Enabled for every container on v2 where the host has them, so that its use is counted.
    static let alwaysEnabled: CgroupControllers = [.memory, .cpu, .pids]
    /// What a v2 tree needs no controller for.
    static let builtIntoUnified: CgroupControllers = [.cpuacct, .devices, .freezer]

    /// Each controller with its kernel name; `io` has the v2 name here.
    static let table: [(controller: CgroupControllers, name: String)] = [
        (.cpu, "cpu"), (.cpuacct, "cpuacct"), (.cpuset, "cpuset"), (.memory, "memory"), (.io, "io"), (.pids, "pids"),
        (.devices, "devices"), (.freezer, "freezer"), (.hugetlb, "hugetlb"), (.rdma, "rdma"), (.misc, "misc"),
        (.networkClass, "net_cls"), (.networkPriority, "net_prio"),
    ]

    /// The controller of that name, v1's or v2's; empty where we know none.
    init(named name: some StringProtocol) {
        if name == "blkio" { self = .io } else { self = Self.table.first { $0.name == name }?.controller ?? [] }
    }

    /// Parses a list of names such as `cgroup.controllers` (spaces) or the options of a v1 mount (commas) hold; other
    /// words are passed over.
    init(listing text: some StringProtocol) {
        self = []
        var rest = Substring(text)
        while !rest.isEmpty {
            let end = rest.utf8.firstIndex {
                $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\n")
            }
            formUnion(CgroupControllers(named: rest[..<(end ?? rest.endIndex)]))
            rest = end.map { rest[rest.utf8.index(after: $0)...] } ?? ""
        }
    }

    /// The kernel's names in v2.
    package var names: [String] { Self.table.filter { contains($0.controller) }.map(\.name) }
}

extension CgroupControllers: CustomStringConvertible {
    /// `cpu, memory`
    package var description: String { names.joined(separator: ", ") }
}
