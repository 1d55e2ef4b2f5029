internal import Linux

/// What the host's rules are made of: a root's tenants that have a link to the host.
struct HostRules: Sendable {
    /// The root's identifier.
    let root: String
    /// Where each published port leads.
    var ports: [(port: PublishedPort, address: IPv4Address)] = []
    /// The links of tenants whose pods may reach what is outside.
    var outbound: [String] = []

    init(root: String) { self.root = root }

    var table: String { "perigee-\(root)" }

    /// The whole table anew, in one step; with `replaces` there is one already.
    ///
    /// Whatever comes from a link of ours goes nowhere but to a published port, or out where the tenant's configuration allows
    /// it; from elsewhere nothing else goes to such a link. What was published is masqueraded where the answer would not come
    /// back by the host: from pods, and from 127.0.0.1. Behind each rule is what nft(8) says of it.
    func changes(replaces: Bool) -> PacketFilter {
        var filter = PacketFilter(.ip, table)
        if replaces { filter.deleteTable() }
        filter.addTable()
        filter.addSet(HostRules.ports, [.transport, .port], values: [.address, .port], ports.map(HostRules.element))
        filter.addSet(HostRules.leaving, [.interface], outbound.map { (HostRules.name($0), []) })
        filter.addChain("prerouting", type: "nat", .prerouting, priority: -100)
        filter.addChain("output", type: "nat", .output, priority: -100)
        filter.addChain("postrouting", type: "nat", .postrouting, priority: 100)
        filter.addChain("input", type: "filter", .input, priority: 0)
        filter.addChain("forward", type: "filter", .forward, priority: 0)
        for chain in ["prerouting", "output"] {
            // fib daddr type local dnat ip to meta l4proto . th dport map @ports
            filter.addRule(chain, HostRules.destination)
        }
        let (from, to) = (isLink(.inputName), isLink(.outputName))
        let known = FilterExpression.has(.state, anyOf: 2 | 4)
        let published = FilterExpression.has(.status, anyOf: 1 << 5)
        let mayLeave: [FilterExpression] = [
            .load(.inputName, register: 0), .lookup(HostRules.leaving, register: 0),
        ]
        let isLoopback: [FilterExpression] = [
            .payload(.network, offset: 12, size: 1, register: 0), .compare(register: 0, [127]),
        ]
        // oifname LINKS ct status dnat ip saddr 127.0.0.0/8 masquerade
        filter.addRule("postrouting", to + published + isLoopback + [.masquerade])
        // iifname LINKS oifname LINKS ct status dnat masquerade
        filter.addRule("postrouting", from + to + published + [.masquerade])
        // iifname @outbound oifname != LINKS masquerade
        filter.addRule("postrouting", mayLeave + isLink(.outputName, isNot: true) + [.masquerade])
        // What is known comes first, and whatever link it is on: elsewhere these chains accept everything, and it is most packets'
        // only rule, and one that the kernel carries out faster than it compares a name.
        // ct state established,related accept; iifname LINKS drop
        filter.addRule("input", known + [.verdict(.accept)])
        filter.addRule("input", from + [.verdict(.drop)])
        // ct state established,related accept; oifname LINKS ct status dnat accept
        filter.addRule("forward", known + [.verdict(.accept)])
        filter.addRule("forward", to + published + [.verdict(.accept)])
        // oifname LINKS drop; iifname @outbound accept; iifname LINKS drop
        filter.addRule("forward", to + [.verdict(.drop)])
        filter.addRule("forward", mayLeave + [.verdict(.accept)])
        filter.addRule("forward", from + [.verdict(.drop)])
        return filter
    }

    /// What takes it away again.
    var removal: PacketFilter {
        var filter = PacketFilter(.ip, table)
        filter.deleteTable()
        return filter
    }

    private static let ports = "ports", leaving = "outbound"

    /// A number in the network's order, filled up to four bytes.
    private static func field(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(truncatingIfNeeded: port), 0, 0] }

    private static func element(_ port: PublishedPort, _ address: IPv4Address) -> (key: [UInt8], value: [UInt8]) {
        let transport: UInt8 = port.transport == .tcp ? 6 : 17
        return ([transport, 0, 0, 0] + field(port.host), address.octets + field(port.container))
    }

    /// An interface's, as the kernel compares it.
    static func name(_ name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        return bytes + [UInt8](repeating: 0, count: 16 - bytes.count)
    }

    /// To a pod, where a port of this host's own address is published. The map has nothing of other protocols.
    private static let destination: [FilterExpression] = {
        let local: [UInt8] = [2, 0, 0, 0]
        return [
            .destinationType(register: 0), .compare(register: 0, local), .load(.transport, register: 0),
            .payload(.transport, offset: 2, size: 2, register: 1), .lookup(ports, register: 0, into: 0),
            .destination(address: 0, port: 1),
        ]
    }()

    /// Whether it is a link of the root's.
    private func isLink(_ property: FilterExpression.Property, isNot: Bool = false) -> [FilterExpression] {
        let prefix = Array(TenantSubnet.hostLinkPrefix(of: root).utf8)
        return [.load(property, register: 0), .compare(register: 0, prefix, isNot: isNot)]
    }
}
