package import Linux

/// The addresses of all tenants' networks: a /16 of the private ones (RFC 1918), a /24 of which is a tenant's. The first /24 stays
/// free.
package struct AddressPool: Hashable, Sendable, CustomStringConvertible {
    /// The first two octets.
    let prefix: (UInt8, UInt8)

    package static let standard = AddressPool(prefix: (10, 210))

    private init(prefix: (UInt8, UInt8)) { self.prefix = prefix }

    /// `A.B.0.0/16`; nil: `text` is none, or not private.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1] == "16", let address = IPv4Address(parts[0]) else { return nil }
        let octets = address.octets
        let isPrivate =
            octets[0] == 10 || octets[0] == 172 && (16...31).contains(octets[1]) || octets[0] == 192 && octets[1] == 168
        guard isPrivate, octets[2] == 0, octets[3] == 0 else { return nil }
        self.init(prefix: (octets[0], octets[1]))
    }

    package static func == (a: AddressPool, b: AddressPool) -> Bool { a.prefix == b.prefix }
    package func hash(into hasher: inout Hasher) { hasher.combine(prefix.0 &+ prefix.1) }

    package var description: String { "\(prefix.0).\(prefix.1).0.0/16" }

    func subnet(_ index: UInt8) -> TenantSubnet { TenantSubnet(prefix: prefix, index: index) }

    /// A subnet that is none of `used`, the first from `start` on of which the host has no route. One of a network that is
    /// larger than the pool is no hindrance, since the smaller network's goes before it. nil: there is none.
    package func free(besides used: Set<TenantSubnet>, routes: [IPv4Network], from start: Int) -> TenantSubnet? {
        let count = 254
        for i in 0..<count {
            let subnet = subnet(UInt8(1 + (start + i) % count))
            let isTaken = routes.contains { $0.length >= 16 && $0.overlaps(subnet.network) }
            if !used.contains(subnet), !isTaken { return subnet }
        }
        return nil
    }
}

/// A tenant's addresses, and what is named after them.
package struct TenantSubnet: Hashable, Sendable {
    private let octets: [UInt8]
    var index: UInt8 { octets[2] }

    init(prefix: (UInt8, UInt8), index: UInt8) { octets = [prefix.0, prefix.1, index] }

    /// What ``text`` gives; nil: it is none.
    init?(_ text: String) {
        guard let address = IPv4Address(text), address.octets[3] == 0, address.octets[2] > 0 else { return nil }
        octets = Array(address.octets.prefix(3))
    }

    var text: String { "\(address(0))" }

    package var network: IPv4Network { IPv4Network(address(0), length: 24) }

    /// Whose it is, the tenant's router or the host, see ``HostLink``.
    package var gateway: IPv4Address { address(1) }

    /// The pods' last octets; 254 and 255 stay free.
    static let podOctets: ClosedRange<UInt8> = 2...253

    package func address(_ last: UInt8) -> IPv4Address { IPv4Address(octets[0], octets[1], octets[2], last) }

    /// The port of the router's bridge that a pod is behind.
    static func portName(_ last: UInt8) -> String { "pod\(last)" }

    /// Of the link's end in the host's namespace, at most 14 bytes.
    func hostLink(of root: String) -> String { TenantSubnet.hostLinkPrefix(of: root) + "\(index)" }

    /// What the names of all host links of a root begin with.
    static func hostLinkPrefix(of root: String) -> String { "pg\(root)-" }
}
