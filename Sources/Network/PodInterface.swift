internal import Linux

/// A pod's network namespace, with `lo` and `eth0`.
enum PodInterface {
    static let name = "eth0"

    /// Makes the namespace of the pod at `octet`, and connects it with the tenant's router. Whatever was connected there before
    /// goes.
    static func make(
        _ octet: UInt8, _ subnet: TenantSubnet, _ router: Descriptor, _ own: borrowing OwnNetwork
    ) throws(SystemError) -> OwnedDescriptor {
        let address = subnet.address(octet), port = TenantSubnet.portName(octet)
        let there = try own.inside(router) { () throws(SystemError) in try NetlinkSocket.open() }
        try there.delete(port)
        return try own.insideNew { (space: consuming OwnedDescriptor) throws(SystemError) in
            // eth0 has what stands in default; lo was there before, and keeps ::1.
            try NetworkSetting.set("ipv6/conf/default/disable_ipv6", to: "1")
            let hardware = HardwareAddress(of: address)
            try there.request(.pair(port, peer: name, in: space.view, hardware), port, "RTM_NEWLINK veth")
            let index = try there.index(of: port)
            let bridge = try there.index(of: TenantRouter.bridge)
            try there.request(.join(index, bridge: bridge), port, "RTM_SETLINK")
            try there.request(.closedPort(index), port, "RTM_NEWLINK bridge_slave")
            try there.request(.station(hardware, behind: index), port, "RTM_NEWNEIGH")
            let here = try NetlinkSocket.open()
            let loopback: Int32 = 1
            try here.request(.bringUp(loopback), "lo", "RTM_SETLINK")
            let interface = try here.index(of: name)
            try here.request(.address(address, length: 24, on: interface), name, "RTM_NEWADDR")
            try here.request(.bringUp(interface), name, "RTM_SETLINK")
            try there.settle(port)
            try here.request(all: neighbours(of: octet, subnet, on: interface), name, "RTM_NEWNEIGH")
            let all = IPv4Network(IPv4Address(number: 0), length: 0)
            try here.request(.route(to: all, by: interface, gateway: subnet.gateway), name, "RTM_NEWROUTE")
            return space
        }
    }

    /// All that there may be, and the gateway, whose hardware addresses are made of the others. What is asked for by ARP stands in
    /// one table for all of the host's namespaces, with room for 1024 by default (`gc_thresh3`): without these, pods that look
    /// for all addresses of their subnet take that room from everybody.
    private static func neighbours(
        of octet: UInt8, _ subnet: TenantSubnet, on interface: Int32
    ) -> [NetlinkMessage] {
        let others = TenantSubnet.podOctets.filter { $0 != octet }.map(subnet.address)
        return (others + [subnet.gateway]).map { address in
            .neighbour(address, HardwareAddress(of: address), on: interface)
        }
    }

    /// Takes its port away, and with it the pod's end: at once, and not when the kernel has time for the namespace.
    static func remove(_ octet: UInt8, _ router: Descriptor, _ own: borrowing OwnNetwork) throws(SystemError) {
        let there = try own.inside(router) { () throws(SystemError) in try NetlinkSocket.open() }
        try there.delete(TenantSubnet.portName(octet))
    }
}
