internal import Linux

/// What the host has of a root's networks: links to tenants' routers, a table of rules, and the settings that those need. It is
/// made of what the records say, the whole anew at each change, and goes with the last that needs it.
enum HostSide {
    private static let marker = "host"
    /// The records have changed, and the host not yet.
    private static let pending = "pending"
    private static let forwarding = "ipv4/ip_forward"
    /// What stands in a tenant's `link` while the link is made or taken away; one that is there for sure has an empty one.
    private static let unfinished = "unfinished"

    /// Says that ``apply(_:_:)`` is to come: whoever is killed before it leaves that to the next.
    static func announce(_ directory: borrowing NetworkDirectory) throws(NetworkError) {
        try during(.records) { () throws(SystemError) in try directory.set(pending, "") }
    }

    /// Does ``apply(_:_:)`` where it is to come: what was announced, by this command or by one that was killed or failed.
    static func applyPending(
        _ directory: borrowing NetworkDirectory, _ own: borrowing OwnNetwork
    ) throws(NetworkError) {
        if try during(.records, { () throws(SystemError) in try directory.view.exists(pending) }) {
            try apply(directory, own)
        }
    }

    /// Makes the host as the records say. In the host's network namespace.
    static func apply(_ directory: borrowing NetworkDirectory, _ own: borrowing OwnNetwork) throws(NetworkError) {
        var rules = HostRules(root: directory.identifier)
        var wanted: [(tenant: String, subnet: TenantSubnet)] = []
        var unwanted: [(tenant: String, subnet: TenantSubnet)] = []
        do throws(SystemError) {
            for tenant in try directory.tenants() {
                guard let subnet = try directory.subnet(of: tenant) else { continue }
                let records = try directory.records(of: tenant)
                for record in records {
                    for port in record.ports where !rules.ports.contains(where: { $0.port.name == port.name }) {
                        rules.ports.append((port, record.address))
                    }
                }
                let mayLeave = try directory.view.exists("\(tenant)/outbound")
                let isOutbound = mayLeave && !records.isEmpty
                if isOutbound { rules.outbound.append(subnet.hostLink(of: directory.identifier)) }
                if isOutbound || records.contains(where: { !$0.ports.isEmpty }) {
                    wanted.append((tenant, subnet))
                } else if try directory.view.exists("\(tenant)/link") {
                    unwanted.append((tenant, subnet))
                }
            }
        } catch { throw .step(.records, error) }
        for (tenant, subnet) in unwanted { try unlink(tenant, subnet, directory, own) }
        if wanted.isEmpty {
            try undo(rules, directory)
        } else {
            try begin(rules, directory)
            for (tenant, subnet) in wanted { try link(tenant, subnet, directory, own) }
        }
        try during(.records) { () throws(SystemError) in try directory.set(pending, nil) }
    }

    /// Has flows to these ports be led as the rules say now. Those of TCP end by themselves.
    static func forgetFlows(to ports: [PublishedPort]) throws(NetworkError) {
        try during(.setting) { () throws(SystemError) in
            for port in ports where port.transport == .udp { try FlowTable.forget(datagramsTo: port.host) }
        }
    }

    /// The rules first: no link is ever open.
    private static func begin(
        _ rules: HostRules, _ directory: borrowing NetworkDirectory
    ) throws(NetworkError) {
        try during(.setting) { () throws(SystemError) in
            if try directory.text(marker) == nil {
                try directory.set(marker, try NetworkSetting.value(of: forwarding))
            }
        }
        // Before the rules: a socket that is closed after what they replace is deleted waits for that.
        let mayDrop = try HostFilter.mayDrop()
        try during(.rules) { () throws(SystemError) in
            try rules.changes(replaces: try PacketFilter(.ip, rules.table).exists()).commit()
        }
        if mayDrop { try HostFilter.open(directory) }
        try during(.setting) { () throws(SystemError) in
            if try NetworkSetting.value(of: forwarding) != "1" { try NetworkSetting.set(forwarding, to: "1") }
        }
    }

    private static func link(
        _ tenant: String, _ subnet: TenantSubnet, _ directory: borrowing NetworkDirectory, _ own: borrowing OwnNetwork
    ) throws(NetworkError) {
        guard let router = try TenantRouter.existing(tenant, in: directory) else { return }
        try during(.hostLink) { () throws(SystemError) in
            if try directory.text("\(tenant)/link")?.isEmpty == true { return }
            // Before it is there: whoever is killed leaves what can be found.
            try directory.set("\(tenant)/link", unfinished)
            try HostLink.make(subnet, of: directory.identifier, router.view, own)
            try directory.set("\(tenant)/link", "")
        }
    }

    /// Takes a tenant's link away; its router may be gone already, or be about to go.
    static func unlink(
        _ tenant: String, _ subnet: TenantSubnet, routerStays: Bool = true, _ directory: borrowing NetworkDirectory,
        _ own: borrowing OwnNetwork
    ) throws(NetworkError) {
        try during(.hostLink) { () throws(SystemError) in
            try directory.set("\(tenant)/link", unfinished)
            try HostLink.remove(subnet, of: directory.identifier)
        }
        // Else the mark goes with the router.
        guard routerStays else { return }
        if let router = try TenantRouter.existing(tenant, in: directory) {
            try during(.hostLink) { () throws(SystemError) in try HostLink.end(subnet, router.view, own) }
        }
        try during(.hostLink) { () throws(SystemError) in try directory.set("\(tenant)/link", nil) }
    }

    private static func undo(_ rules: HostRules, _ directory: borrowing NetworkDirectory) throws(NetworkError) {
        let before: String?
        do throws(SystemError) { before = try directory.text(marker) } catch { throw .step(.records, error) }
        guard let before else { return }
        try HostFilter.close(directory)
        try during(.rules) { () throws(SystemError) in
            do throws(SystemError) { try rules.removal.commit() } catch  where error.code == .ENOENT {}
        }
        try during(.setting) { () throws(SystemError) in
            if before != "1" { try NetworkSetting.set(forwarding, to: before) }
            try directory.set(marker, nil)
        }
    }
}
