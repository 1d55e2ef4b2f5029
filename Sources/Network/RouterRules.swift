internal import Linux

/// The rules of a tenant's router, for nft(8): what pods may send.
enum RouterRules {
    /// Of the bridge: ARP and IPv4 alone, each pod's from its own port, with its own hardware address and its own IPv4 address.
    /// Both are made of the port's number, so that nothing is changed when a pod comes or goes. All else is dropped: other
    /// pods' addresses, IPv6 with its router advertisements, VLANs, and whatever else a program with CAP_NET_RAW may think of.
    static func text(_ subnet: TenantSubnet) -> String {
        let elements = TenantSubnet.podOctets.map { octet in
            let address = subnet.address(octet)
            return "\"\(TenantSubnet.portName(octet))\" . \(HardwareAddress(of: address)) . \(address)"
        }
        return """
            table bridge perigee {
              set pods {
                type ifname . ether_addr . ipv4_addr
                elements = { \(elements.joined(separator: ",\n")) }
              }
              chain prerouting {
                type filter hook prerouting priority -300; policy drop;
                ether type ip iifname . ether saddr . ip saddr @pods accept
                ether type arp iifname . ether saddr . arp saddr ip @pods iifname . arp saddr ether . arp saddr ip @pods accept
              }
            }

            """
    }
}
