internal import Glibc
internal import Linux

/// A tenant's router: a network namespace with a bridge, whose ports are the tenant's pods. It has no link to anything else
/// unless ``HostLink`` makes one, so that no pod reaches another tenant's, the host or what is outside, whatever rules those
/// have.
enum TenantRouter {
    static let bridge = "br0"

    /// The router of `tenant`, made where it is missing, or only half there.
    static func open(
        _ tenant: String, _ subnet: TenantSubnet, in directory: borrowing NetworkDirectory, _ own: borrowing OwnNetwork
    ) throws(NetworkError) -> OwnedDescriptor {
        if let present = try existing(tenant, in: directory) { return present }
        let pin = "\(directory.path)/\(tenant)/ns"
        try during(.router) { () throws(SystemError) in
            try PinnedMount.remove(pin)
            try directory.set("\(tenant)/ns", "")
        }
        let space = try during(.router) { () throws(SystemError) in
            try own.insideNew { (space: consuming OwnedDescriptor) throws(SystemError) in
                try NamespacePin.make(space.view, at: pin)
                try configure(subnet)
                try RouterRules.changes(subnet).commit()
                return space
            }
        }
        try during(.router) { () throws(SystemError) in try directory.set("\(tenant)/ready", "") }
        return space
    }

    /// nil: there is none, or it is not whole.
    static func existing(
        _ tenant: String, in directory: borrowing NetworkDirectory
    ) throws(NetworkError) -> OwnedDescriptor? {
        let isReady: Bool
        do throws(SystemError) { isReady = try directory.view.exists("\(tenant)/ready") } catch {
            throw .step(.records, error)
        }
        guard isReady else { return nil }
        do throws(SystemError) { return try NamespacePin.open("\(directory.path)/\(tenant)/ns") } catch {
            throw .step(.router, error)
        }
    }

    /// Whether ``existing(_:in:)`` finds it.
    static func isWhole(_ tenant: String, in directory: borrowing NetworkDirectory) throws(SystemError) -> Bool {
        guard try directory.view.exists("\(tenant)/ready") else { return false }
        return try NamespacePin.isThere("\(directory.path)/\(tenant)/ns")
    }

    /// Inside it.
    private static func configure(_ subnet: TenantSubnet) throws(SystemError) {
        // Before there is a link: each new one has what stands in default.
        try NetworkSetting.set("ipv6/conf/default/disable_ipv6", to: "1")
        try NetworkSetting.set("ipv4/ip_forward", to: "1")
        try NetworkSetting.set("ipv4/conf/all/send_redirects", to: "0")
        try NetworkSetting.set("ipv4/conf/default/send_redirects", to: "0")
        // Where br_netfilter is loaded, each frame on a bridge would be looked at as a packet too, with a look-up of its route, for
        // iptables' rules of this namespace, which has none.
        for kind in ["iptables", "ip6tables", "arptables"] {
            try NetworkSetting.set("bridge/bridge-nf-call-\(kind)", to: "0")
        }
        let socket = try NetlinkSocket.open()
        try socket.request(.bridge(bridge, HardwareAddress(of: subnet.gateway)), bridge, "RTM_NEWLINK")
        try setGateway(true, subnet, socket)
    }

    /// Whether the bridge itself is the pods' gateway, which answers that nothing is reachable; or somebody behind one of its
    /// ports, see ``HostLink``. Can be done twice.
    static func setGateway(
        _ isGateway: Bool, _ subnet: TenantSubnet, _ socket: borrowing NetlinkSocket
    ) throws(SystemError) {
        let index = try socket.index(of: bridge), length: UInt8 = 24
        if isGateway {
            try socket.request(.change(index, to: HardwareAddress(of: subnet.gateway)), bridge, "RTM_SETLINK")
            try socket.request(.address(subnet.gateway, length: length, on: index), bridge, "RTM_NEWADDR")
        } else {
            // Of an address that no pod has.
            try socket.request(.change(index, to: HardwareAddress(of: subnet.address(0))), bridge, "RTM_SETLINK")
            do throws(SystemError) {
                let removal = NetlinkMessage.addressRemoval(subnet.gateway, length: length, on: index)
                try socket.request(removal, bridge, "RTM_DELADDR")
            } catch  where error.code == .EADDRNOTAVAIL {}
        }
    }

    /// Takes it away, whatever is left of it.
    static func remove(_ tenant: String, in directory: borrowing NetworkDirectory) throws(NetworkError) {
        try during(.router) { () throws(SystemError) in
            guard try directory.view.exists(tenant) else { return }
            try directory.set("\(tenant)/ready", nil)
            try PinnedMount.remove("\(directory.path)/\(tenant)/ns")
        }
        try during(.records) { () throws(SystemError) in
            do throws(SystemError) { try directory.view.removeTree(tenant) } catch  where error.code == .ENOENT {}
        }
    }
}
