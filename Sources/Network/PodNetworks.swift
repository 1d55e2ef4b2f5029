internal import Glibc
package import Linux

/// The networks of a root's tenants. Each change is made under one lock, and can be made again where whoever made it was killed.
package struct PodNetworks: Sendable {
    /// The root's path, absolute, and its identifier.
    private let root: String
    private let identifier: String

    package init(root: String, identifier: String) {
        self.root = root
        self.identifier = identifier
    }

    /// A pod that is to have a network.
    package struct Pod: Sendable {
        package let id: String
        package let tenant: String
        package let hostname: String
        package let name: String

        package init(id: String, tenant: String, hostname: String, name: String) {
            self.id = id
            self.tenant = tenant
            self.hostname = hostname
            self.name = name
        }
    }

    /// What the configuration says of a tenant's network.
    package struct Rules: Sendable {
        package let pool: AddressPool
        /// Whether pods reach what is outside.
        package let outbound: Bool
        /// Its pods are in a network that others' plugins make; nil: in one of our own.
        package let cni: CNISettings?

        package init(pool: AddressPool, outbound: Bool, cni: CNISettings? = nil) {
            self.pool = pool
            self.outbound = outbound
            self.cni = cni
        }
    }

    // MARK: a pod's coming and going

    /// Gives `pod` a namespace of its own in its tenant's network, and tells the tenant's other pods its name. A pod that has
    /// one already has the same address again, and another namespace.
    ///
    /// - Parameter ports: published at once, for ``HeldPort`` must be held before.
    /// - Parameter holding: the network is the pod's as long as the result lives, whatever ``sweep(isLive:)`` is told.
    package func attach(
        _ pod: Pod, _ rules: Rules, ports: [PublishedPort] = [], holding: Bool = false
    ) throws(NetworkError) -> PodAttachment {
        if let settings = rules.cni { return try plugins.make(pod, settings, ports, holding: holding) }
        let (root, identifier) = (root, identifier)
        let directory = try during(.records) { () throws(SystemError) in try NetworkDirectory.lock(root, identifier) }
        let own = try during(.router) { () throws(SystemError) in try OwnNetwork.remember() }
        let made: PodAttachment
        do throws(NetworkError) {
            made = try PodMembership.make(pod, rules, ports, holding: holding, in: directory, own)
        } catch {
            do throws(NetworkError) { try PodMembership.end(pod.id, pod.tenant, in: directory, own) } catch {}
            directory.end()
            throw error
        }
        directory.end()
        return made
    }

    /// Leads ports of the host to an attached pod.
    package func publish(_ ports: [PublishedPort], of id: String, _ tenant: String) throws(NetworkError) {
        try changing { directory, own throws(NetworkError) in
            guard var record = try record(id, tenant, directory), record.ports != ports else { return }
            record.ports = ports
            let changed = record
            try HostSide.announce(directory)
            try during(.records) { () throws(SystemError) in try directory.set("\(tenant)/\(id)", changed.text) }
            try HostSide.apply(directory, own)
            try HostSide.forgetFlows(to: ports)
        }
    }

    /// Gives an attached pod an /etc/hosts of its own, if it has none: its tenant's, which follows who comes and goes as that does,
    /// and these lines.
    package func makeHosts(of id: String, _ tenant: String, with lines: String) throws(NetworkError) {
        try changing { directory, _ throws(NetworkError) in
            try during(.hosts) { () throws(SystemError) in
                let isOurs = try directory.view.exists("\(tenant)/\(id)")
                let place = isOurs ? tenant : CNIDirectory.path(tenant)
                let name = "\(place)/\(id)" + NetworkDirectory.hostsEnd
                if try directory.view.exists(name) { return }
                let shared = try directory.view.readFile("\(place)/hosts", limit: 1 << 20)
                try directory.setForAll(name, HostsFile.whole(shared) + Array(lines.utf8))
            }
        }
    }

    /// Takes away all that a pod has, and with the tenant's last pod the tenant's network. One that has nothing is no error.
    package func detach(_ id: String, of tenant: String) throws(NetworkError) {
        try changing { directory, own throws(NetworkError) in
            try PodMembership.end(id, tenant, in: directory, own)
            // What an attempt before, or an attachment, could not do to its end.
            try HostSide.applyPending(directory, own)
        }
        try plugins.end(id, tenant)
    }

    /// Those of our pods' networks that others' plugins make.
    private var plugins: CNIMembership { CNIMembership(root: root, identifier: identifier) }

    /// Removes what dead pods have, and what killed commands have left half-way. `isLive` says whether a pod may need its
    /// network.
    package func sweep(isLive: (_ id: String) -> Bool) throws(NetworkError) {
        try changing { directory, own throws(NetworkError) in
            let tenants: [String]
            do throws(SystemError) { tenants = try directory.tenants() } catch { throw .step(.records, error) }
            for tenant in tenants {
                let records: [NetworkRecord]
                do throws(SystemError) { records = try directory.records(of: tenant) } catch {
                    throw .step(.records, error)
                }
                if records.isEmpty { try PodMembership.end("", tenant, in: directory, own) }
                for record in records where !isLive(record.id) && !isHeld(record.id, tenant, directory) {
                    try PodMembership.end(record.id, tenant, in: directory, own)
                }
            }
            try HostSide.applyPending(directory, own)
        }
        var failure: NetworkError?
        for record in try plugins.abandoned() where !isLive(record.id) {
            do throws(NetworkError) { try plugins.end(record.id, record.tenant) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// Under the lock, where there is anything.
    private func changing(
        _ body: (borrowing NetworkDirectory, borrowing OwnNetwork) throws(NetworkError) -> Void
    ) throws(NetworkError) {
        let (root, identifier) = (root, identifier)
        guard
            let directory = try during(
                .records,
                { () throws(SystemError) in
                    try NetworkDirectory.existing(root, identifier)
                })
        else { return }
        let own = try during(.router) { () throws(SystemError) in try OwnNetwork.remember() }
        do throws(NetworkError) { try body(directory, own) } catch {
            directory.end()
            throw error
        }
        directory.end()
    }

    private func record(
        _ id: String, _ tenant: String, _ directory: borrowing NetworkDirectory
    ) throws(NetworkError) -> NetworkRecord? {
        do throws(SystemError) { return try directory.record(id, of: tenant) } catch { throw .step(.records, error) }
    }

    /// Whether the process that it ends with lives.
    private func isHeld(_ id: String, _ tenant: String, _ directory: borrowing NetworkDirectory) -> Bool {
        guard let file = try? directory.view.open("\(tenant)/\(id)", O_RDONLY) else { return false }
        return (try? file.view.lock(exclusive: true, waiting: false)) == false
    }

    // MARK: looking

    /// Where the files of an attached pod are: of the network that it is in, whatever the configuration says by now.
    package func files(of id: String, _ tenant: String, _ rules: Rules) -> PodAttachment.Files {
        let place = "\(root)/\(NetworkDirectory.name)"
        let isOurs = (try? Descriptor.workingDirectory.exists("\(place)/\(tenant)/\(id)")) == true
        return isOurs
            ? PodAttachment.Files(id, tenant, in: place, outbound: rules.outbound) : plugins.files(id, tenant)
    }

    /// Where a pod's files would be, and the tenant's router, for who only plans one.
    package func plannedFiles(_ id: String, _ tenant: String, _ rules: Rules) -> PodAttachment.Files {
        if rules.cni != nil { return plugins.files(id, tenant) }
        return PodAttachment.Files(id, tenant, in: "\(root)/\(NetworkDirectory.name)", outbound: rules.outbound)
    }
    package func plannedPath(_ id: String, _ tenant: String, _ rules: Rules) -> String {
        if rules.cni != nil { return plugins.plannedPath(id, tenant) }
        return "\(root)/\(NetworkDirectory.name)/\(tenant)/ns"
    }

    /// Whether the pod has its address, and its tenant's others its name.
    package func isAttached(_ id: String, of tenant: String) -> Bool {
        let path = "\(root)/\(NetworkDirectory.name)/\(tenant)/\(id)" + NetworkDirectory.hostnameEnd
        return (try? Descriptor.workingDirectory.exists(path)) == true || plugins.isAttached(id, of: tenant)
    }

    /// Its address; nil: it has none now.
    package func address(of id: String, _ tenant: String) -> IPv4Address? {
        let path = "\(root)/\(NetworkDirectory.name)/\(tenant)/\(id)"
        guard let text = try? Descriptor.workingDirectory.readFile(path, limit: 1 << 16) else {
            return plugins.address(of: id, tenant)
        }
        return NetworkRecord(id: id, String(decoding: text, as: UTF8.self))?.address
    }

    /// Holds ports of the host for pod `id`, as long as the result lives.
    ///
    /// - Throws: ``NetworkError/portsTaken(_:)`` with all that somebody else has.
    package func hold(_ ports: [PublishedPort], for id: String) throws(NetworkError) -> [HeldPort] {
        var held: [HeldPort] = []
        var taken: [NetworkError.TakenPort] = []
        let holders = holders(of: ports, besides: id)
        for port in ports {
            let isUDP = port.transport == .udp
            if let holder = holders[port.name] {
                let reason = SystemError("bind", port.name, .EBUSY)
                taken.append(.init(port: port, holder: "pod \(holder)", reason: reason))
                continue
            }
            do throws(SystemError) { held.append(try HeldPort(port.host, datagrams: isUDP)) } catch {
                taken.append(.init(port: port, holder: nil, reason: error))
            }
        }
        if !taken.isEmpty { throw .portsTaken(taken) }
        return held
    }

    /// The host names of the root's pods that have a port, by the port's name.
    private func holders(of ports: [PublishedPort], besides id: String) -> [String: String] {
        if ports.isEmpty { return [:] }
        var found: [String: String] = [:]
        do throws(SystemError) {
            guard let directory = try NetworkDirectory.existing(root, identifier) else { return [:] }
            for tenant in try directory.tenants() {
                for record in try directory.records(of: tenant) where record.id != id {
                    for port in record.ports where ports.contains(where: { $0.name == port.name }) {
                        found[port.name] = record.hostname
                    }
                }
            }
            directory.end()
        } catch {}
        return found.merging(plugins.holders(of: ports, besides: id)) { own, _ in own }
    }
}
