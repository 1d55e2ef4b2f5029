internal import Linux

/// What the host's rules are made of: a root's tenants that have a link to the host.
struct HostRules: Hashable, Sendable {
    /// The root's identifier.
    let root: String
    /// Where each published port leads.
    var ports: [(port: PublishedPort, address: IPv4Address)] = []
    /// The links of tenants whose pods may reach what is outside.
    var outbound: [String] = []

    init(root: String) { self.root = root }

    static func == (a: HostRules, b: HostRules) -> Bool { a.text == b.text }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }

    var table: String { "perigee-\(root)" }

    /// For nft(8): the whole table anew, in one step.
    ///
    /// Whatever comes from a link of ours goes nowhere but to a published port, or out where the tenant's configuration allows
    /// it; nothing else goes to such a link. What was published is masqueraded where the answer would not come back by the
    /// host: from pods, and from 127.0.0.1.
    var text: String {
        let links = "\"\(TenantSubnet.hostLinkPrefix(of: root))*\""
        let elements = ports.map { port, address in
            "\(port.transport.rawValue) . \(port.host) : \(address) . \(port.container)"
        }
        let destination =
            "fib daddr type local meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @ports"
        var lines = [
            "add table ip \(table)", "delete table ip \(table)", "table ip \(table) {", "map ports {",
            "type inet_proto . inet_service : ipv4_addr . inet_service",
            elements.isEmpty ? "" : "elements = { \(elements.joined(separator: ",\n")) }", "}",
            "set outbound {", "type ifname",
            outbound.isEmpty ? "" : "elements = { \(outbound.map { "\"\($0)\"" }.joined(separator: ", ")) }", "}",
        ]
        lines += ["chain prerouting {", "type nat hook prerouting priority -100;", destination, "}"]
        lines += ["chain output {", "type nat hook output priority -100;", destination, "}"]
        lines += [
            "chain postrouting {", "type nat hook postrouting priority 100;",
            "oifname \(links) ct status dnat ip saddr 127.0.0.0/8 masquerade",
            "iifname \(links) oifname \(links) ct status dnat masquerade",
            "iifname @outbound oifname != \(links) masquerade", "}",
        ]
        lines += [
            "chain input {", "type filter hook input priority 0;",
            "iifname \(links) ct state established,related accept", "iifname \(links) drop", "}",
        ]
        lines += [
            "chain forward {", "type filter hook forward priority 0;",
            "iifname \(links) ct state established,related accept",
            "oifname \(links) ct state established,related accept", "oifname \(links) ct status dnat accept",
            "oifname \(links) drop", "iifname @outbound accept", "iifname \(links) drop", "}", "}",
        ]
        return lines.filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
    }

    /// What takes it away again, whether it is there or not.
    var removal: String { "add table ip \(table)\ndelete table ip \(table)\n" }
}
