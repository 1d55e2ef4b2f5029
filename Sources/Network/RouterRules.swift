internal import Linux

/// The rules of a tenant's router: what pods may send.
enum RouterRules {
    /// Of the bridge: ARP and IPv4 alone, each pod's from its own port, with its own hardware address and its own IPv4 address.
    /// Both are made of the port's number, so that nothing is changed when a pod comes or goes. All else is dropped: other
    /// pods' addresses, IPv6 with its router advertisements, VLANs, and whatever else a program with CAP_NET_RAW may think of.
    ///
    /// Nobody forges on the host's port: what comes by it is of the host's own, or what its rules have let through. It goes to
    /// one pod each; what programs of the host say to everybody on all of its links, such as mDNS, is not for pods.
    static func changes(_ subnet: TenantSubnet) -> PacketFilter {
        let set = "pods", chain = "prerouting"
        var filter = PacketFilter(.bridge, "perigee")
        filter.addTable()
        filter.addSet(set, [.interface, .hardware, .address], TenantSubnet.podOctets.map { (element($0, subnet), []) })
        filter.addChain(chain, type: "filter", .prerouting, priority: -300, drops: true)
        // iifname "host" ether daddr 02:50:…/16 accept
        filter.addRule(
            chain,
            [
                .load(.inputName, register: 0), .compare(register: 0, HostRules.name(HostLink.routerEnd)),
                .payload(.link, offset: 0, size: 2, register: 0), .compare(register: 0, HardwareAddress.prefix),
                .verdict(.accept),
            ])
        // ether type ip iifname . ether saddr . ip saddr @pods accept
        let ip: [UInt8] = [0x08, 0x00], arp: [UInt8] = [0x08, 0x06]
        filter.addRule(chain, isKind(ip) + isPod(set, .link, 6, addressAt: 12) + [.verdict(.accept)])
        // ether type arp iifname . ether saddr . arp saddr ip @pods iifname . arp saddr ether . arp saddr ip @pods accept
        filter.addRule(
            chain,
            isKind(arp) + isPod(set, .link, 6, addressAt: 14) + isPod(set, .network, 8, addressAt: 14)
                + [.verdict(.accept)])
        return filter
    }

    private static func element(_ octet: UInt8, _ subnet: TenantSubnet) -> [UInt8] {
        let address = subnet.address(octet)
        let port = HostRules.name(TenantSubnet.portName(octet))
        return port + HardwareAddress(of: address).octets + [0, 0] + address.octets
    }

    private static func isKind(_ kind: [UInt8]) -> [FilterExpression] {
        [.payload(.link, offset: 12, size: 2, register: 0), .compare(register: 0, kind)]
    }

    /// Whether the port, the hardware address at `offset` from `base` on, and the address in the packet are one pod's.
    private static func isPod(
        _ set: String, _ base: FilterExpression.Base, _ offset: UInt32, addressAt: UInt32
    ) -> [FilterExpression] {
        [
            .load(.inputName, register: 0), .payload(base, offset: offset, size: 6, register: 4),
            .payload(.network, offset: addressAt, size: 4, register: 6), .lookup(set, register: 0),
        ]
    }
}
