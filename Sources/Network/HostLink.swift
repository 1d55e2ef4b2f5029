internal import Linux

/// A pair of links between the host and a tenant's router, routed on both ends. What may go over it is said by ``HostRules``,
/// which must be there before. It and its routes and settings go together.
enum HostLink {
    /// In the router.
    private static let routerEnd = "host"

    static func make(
        _ subnet: TenantSubnet, of root: String, _ router: Descriptor, _ own: borrowing OwnNetwork
    ) throws(SystemError) {
        let name = subnet.hostLink(of: root)
        let here = try NetlinkSocket.open()
        // Half of one.
        try here.delete(name)
        try here.request(.pair(name, peer: routerEnd, in: router), name, "RTM_NEWLINK veth")
        try NetworkSetting.set("ipv6/conf/\(name)/disable_ipv6", to: "1")
        // A connection to 127.0.0.1 that is led to a pod leaves by this link.
        try NetworkSetting.set("ipv4/conf/\(name)/route_localnet", to: "1")
        let index = try here.index(of: name)
        try here.request(.address(subnet.hostEnd, length: 32, on: index), name, "RTM_NEWADDR")
        try here.request(.bringUp(index), name, "RTM_SETLINK")
        let there = try own.inside(router) { () throws(SystemError) in try NetlinkSocket.open() }
        let end = try there.index(of: routerEnd)
        try there.request(.bringUp(end), routerEnd, "RTM_SETLINK")
        try there.request(.route(to: IPv4Network(subnet.hostEnd, length: 32), by: end), routerEnd, "RTM_NEWROUTE")
        let all = IPv4Network(IPv4Address(number: 0), length: 0)
        try there.request(.route(to: all, by: end, gateway: subnet.hostEnd), routerEnd, "RTM_NEWROUTE")
        let back = NetlinkMessage.route(
            to: subnet.network, by: index, gateway: subnet.gateway, source: subnet.hostEnd)
        try here.request(back, "\(subnet.network)", "RTM_NEWROUTE")
    }

    static func remove(_ subnet: TenantSubnet, of root: String) throws(SystemError) {
        try NetlinkSocket.open().delete(subnet.hostLink(of: root))
    }
}
