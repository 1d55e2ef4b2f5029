internal import Linux

/// A pair of links between the host and a tenant's router. With it the host is the gateway of the tenant's pods, in the router's
/// place: its end has the gateway's addresses, and the router's end is a port of the bridge, so that what goes over it is
/// forwarded by hardware address and not routed a second time. What may go over it is said by ``HostRules``, which must be
/// there before. It and its routes and settings go together.
enum HostLink {
    /// In the router.
    static let routerEnd = "host"
    /// Beyond those of all links that a host ever had, and so not the one of the host's end: where both ends have one index, the
    /// kernel may take a second until it sees that they are up, and the bridge drops what comes before (linkwatch_urgent_event).
    private static let routerEndIndex: Int32 = 1 << 30

    static func make(
        _ subnet: TenantSubnet, of root: String, _ router: Descriptor, _ own: borrowing OwnNetwork
    ) throws(SystemError) {
        let name = subnet.hostLink(of: root)
        let gateway = HardwareAddress(of: subnet.gateway)
        let here = try NetlinkSocket.open()
        let there = try own.inside(router) { () throws(SystemError) in try NetlinkSocket.open() }
        // Half of one.
        try here.delete(name)
        try there.delete(routerEnd)
        let pair = NetlinkMessage.pair(routerEnd, index: routerEndIndex, peer: name, in: own.view, gateway)
        try there.request(pair, name, "RTM_NEWLINK veth")
        try NetworkSetting.set("ipv6/conf/\(name)/disable_ipv6", to: "1")
        // A connection to 127.0.0.1 that is led to a pod leaves by this link.
        try NetworkSetting.set("ipv4/conf/\(name)/route_localnet", to: "1")
        try TenantRouter.setGateway(false, subnet, there)
        let bridge = try there.index(of: TenantRouter.bridge)
        try there.request(.join(routerEndIndex, bridge: bridge), routerEnd, "RTM_SETLINK")
        // What is for nobody that the bridge knows is for no gateway either.
        try there.request(.closedPort(routerEndIndex, isDeaf: true), routerEnd, "RTM_NEWLINK bridge_slave")
        try there.request(.station(gateway, behind: routerEndIndex), routerEnd, "RTM_NEWNEIGH")
        // The host's end last: until it is up nothing passes.
        let index = try here.index(of: name)
        try here.request(.address(subnet.gateway, length: 32, on: index), name, "RTM_NEWADDR")
        // No ARP: it has no rules, and would tell pods which addresses the host has. Both sides know what they would ask for.
        try here.request(.bringUpWithoutARP(index), name, "RTM_SETLINK")
        try there.settle(routerEnd)
        let neighbours = TenantSubnet.podOctets.map { octet in
            let address = subnet.address(octet)
            return NetlinkMessage.neighbour(address, HardwareAddress(of: address), on: index)
        }
        try here.request(all: neighbours, name, "RTM_NEWNEIGH")
        let route = NetlinkMessage.route(to: subnet.network, by: index, source: subnet.gateway)
        try here.request(route, "\(subnet.network)", "RTM_NEWROUTE")
    }

    static func remove(_ subnet: TenantSubnet, of root: String) throws(SystemError) {
        try NetlinkSocket.open().delete(subnet.hostLink(of: root))
    }

    /// Once it is removed: has the router be the gateway again.
    static func end(
        _ subnet: TenantSubnet, _ router: Descriptor, _ own: borrowing OwnNetwork
    ) throws(SystemError) {
        let there = try own.inside(router) { () throws(SystemError) in try NetlinkSocket.open() }
        try TenantRouter.setGateway(true, subnet, there)
    }
}
