internal import Glibc
internal import Linux

/// A pod's place in its tenant's network: its record, its interface, its line in the hosts file. Under the directory's lock.
enum PodMembership {
    static func make(
        _ pod: PodNetworks.Pod, _ rules: PodNetworks.Rules, _ ports: [PublishedPort], holding: Bool,
        in directory: borrowing NetworkDirectory, _ own: borrowing OwnNetwork
    ) throws(NetworkError) -> PodAttachment {
        let subnet = try subnet(of: pod.tenant, rules, in: directory)
        var record = try record(of: pod, subnet, in: directory)
        record.ports = ports
        let changed = record
        if !ports.isEmpty { try HostSide.announce(directory) }
        try setOutbound(rules.outbound, pod.tenant, in: directory)
        try during(.records) { () throws(SystemError) in
            try directory.set("\(pod.tenant)/\(pod.id)", changed.text)
        }
        let hold = try during(.records) { () throws(SystemError) -> OwnedDescriptor? in
            guard holding else { return nil }
            let file = try directory.view.open("\(pod.tenant)/\(pod.id)", O_RDONLY)
            _ = try file.view.lock(exclusive: false, waiting: true)
            return file
        }
        let router = try TenantRouter.open(pod.tenant, subnet, in: directory, own)
        let space = try during(.interface) { () throws(SystemError) in
            try PodInterface.make(changed.octet, subnet, router.view, own)
        }
        try during(.hosts) { () throws(SystemError) in
            try directory.eachHostsFile(in: pod.tenant, slot: changed.slot) { file throws(SystemError) in
                try file.publish(changed.address, [changed.hostname, changed.name], slot: changed.slot)
            }
            // Last: it says that the others find the pod.
            let name = "\(pod.tenant)/\(pod.id)" + NetworkDirectory.hostnameEnd
            try directory.setForAll(name, changed.hostname + "\n")
        }
        try HostSide.applyPending(directory, own)
        try HostSide.forgetFlows(to: ports)
        let files = PodAttachment.Files(pod.id, pod.tenant, in: directory.path, outbound: rules.outbound)
        return PodAttachment(changed.address, files, space, hold)
    }

    /// The tenant's directory with its subnet, made where there is none, or where the router is gone, and with it the pods: the
    /// machine was started anew, or who made it was killed.
    private static func subnet(
        of tenant: String, _ rules: PodNetworks.Rules, in directory: borrowing NetworkDirectory
    ) throws(NetworkError) -> TenantSubnet {
        var subnets: Set<TenantSubnet> = []
        do throws(SystemError) {
            for other in try directory.tenants() {
                guard let subnet = try directory.subnet(of: other) else { continue }
                if other == tenant, try TenantRouter.isWhole(tenant, in: directory) { return subnet }
                if other != tenant { subnets.insert(subnet) }
            }
        } catch { throw .step(.records, error) }
        try TenantRouter.remove(tenant, in: directory)
        let start = Int(UInt32(directory.identifier, radix: 16) ?? 0)
        let routes: [IPv4Network]
        do throws(SystemError) { routes = try NetworkRoutes.all() } catch { throw .step(.setting, error) }
        guard let subnet = rules.pool.free(besides: subnets, routes: routes, from: start) else {
            throw .poolUsedUp(rules.pool)
        }
        try during(.records) { () throws(SystemError) in
            try directory.view.makeDirectory(tenant, mode: 0o700)
            try HostsFile.make("\(tenant)/hosts", in: directory.view)
            try directory.setForAll("\(tenant)/resolv", resolver)
            try directory.set("\(tenant)/subnet", subnet.text)
        }
        return subnet
    }

    private static let resolver = "# no name server: pods of this tenant reach each other by the names in /etc/hosts\n"

    /// What the pod has already, or a new address.
    private static func record(
        of pod: PodNetworks.Pod, _ subnet: TenantSubnet, in directory: borrowing NetworkDirectory
    ) throws(NetworkError) -> NetworkRecord {
        do throws(SystemError) {
            let records = try directory.records(of: pod.tenant)
            if let own = records.first(where: { $0.id == pod.id }) { return own }
            let file = try directory.view.open("\(pod.tenant)/hosts", O_RDWR)
            let hosts = HostsFile(file.view), now = Clock.boot() / 1_000_000_000
            for octet in TenantSubnet.podOctets where !records.contains(where: { $0.octet == octet }) {
                let record = NetworkRecord(
                    id: pod.id, address: subnet.address(octet), hostname: pod.hostname, name: pod.name)
                guard try hosts.isFree(slot: record.slot, now: now) else { continue }
                try file.close()
                return record
            }
        } catch { throw .step(.records, error) }
        throw .subnetUsedUp(subnet.network)
    }

    /// What a pod begins with holds for all of its tenant, and where it is another than before the host's rules must change.
    private static func setOutbound(
        _ outbound: Bool, _ tenant: String, in directory: borrowing NetworkDirectory
    ) throws(NetworkError) {
        let name = "\(tenant)/outbound"
        let before = try during(.records) { () throws(SystemError) in try directory.view.exists(name) }
        if before == outbound { return }
        try HostSide.announce(directory)
        try during(.records) { () throws(SystemError) in try directory.set(name, outbound ? "" : nil) }
    }

    /// Takes away what there is of pod `id`, and of the tenant's network where it has no other pod.
    static func end(
        _ id: String, _ tenant: String, in directory: borrowing NetworkDirectory, _ own: borrowing OwnNetwork
    ) throws(NetworkError) {
        let records: [NetworkRecord]
        let hasLink: Bool
        do throws(SystemError) {
            guard try directory.view.exists(tenant) else { return }
            records = try directory.records(of: tenant)
            hasLink = try directory.view.exists("\(tenant)/link")
        } catch { throw .step(.records, error) }
        let isLast = !records.contains { $0.id != id }
        let record = records.first { $0.id == id }
        // First its name, so that nobody finds it who would not reach it.
        if let record, !isLast {
            try during(.hosts) { () throws(SystemError) in
                try directory.eachHostsFile(in: tenant, slot: record.slot) { file throws(SystemError) in
                    try file.withdraw(slot: record.slot, now: Clock.boot() / 1_000_000_000)
                }
            }
        }
        let changesHost = record?.ports.isEmpty == false || isLast && hasLink
        if changesHost { try HostSide.announce(directory) }
        if isLast, hasLink {
            let subnet = try during(.records) { () throws(SystemError) in try directory.subnet(of: tenant) }
            if let subnet { try HostSide.unlink(tenant, subnet, routerStays: false, directory, own) }
        }
        if let record, !isLast, let router = try TenantRouter.existing(tenant, in: directory) {
            try during(.interface) { () throws(SystemError) in try PodInterface.remove(record.octet, router.view, own) }
        }
        if isLast {
            try TenantRouter.remove(tenant, in: directory)
        } else {
            try during(.records) { () throws(SystemError) in
                try directory.set("\(tenant)/\(id)" + NetworkDirectory.hostnameEnd, nil)
                try directory.set("\(tenant)/\(id)" + NetworkDirectory.hostsEnd, nil)
                try directory.set("\(tenant)/\(id)", nil)
            }
        }
        if changesHost { try HostSide.apply(directory, own) }
        try HostSide.forgetFlows(to: record?.ports ?? [])
    }
}
