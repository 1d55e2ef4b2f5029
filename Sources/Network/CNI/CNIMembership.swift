internal import Glibc
internal import Linux
internal import OCI

/// A pod's place in a network that plugins make. They may take their time: meanwhile nobody else is kept waiting, and what is
/// begun has been written down, so that whoever comes after a death has them take it away.
struct CNIMembership {
    /// Of the root.
    let root: String
    let identifier: String

    private func locked<Result: ~Copyable>(
        _ body: (borrowing NetworkDirectory) throws(NetworkError) -> Result
    ) throws(NetworkError) -> Result {
        let (root, identifier) = (root, identifier)
        let directory = try during(.records) { () throws(SystemError) in try NetworkDirectory.lock(root, identifier) }
        let result: Result
        do throws(NetworkError) { result = try body(directory) } catch {
            directory.end()
            throw error
        }
        directory.end()
        return result
    }

    /// The same where there is anything; nil: there is not.
    private func looking<Result>(
        _ body: (borrowing NetworkDirectory) throws(SystemError) -> Result?
    ) throws(NetworkError) -> Result? {
        let (root, identifier) = (root, identifier)
        return try during(.records) { () throws(SystemError) in
            guard let directory = try NetworkDirectory.existing(root, identifier) else { return nil }
            let result: Result?
            do throws(SystemError) { result = try body(directory) } catch {
                directory.end()
                throw error
            }
            directory.end()
            return result
        }
    }

    // MARK: coming

    /// See ``PodNetworks/attach(_:_:ports:holding:)``. Of one that is there with these ports already the namespace is the same.
    func make(
        _ pod: PodNetworks.Pod, _ settings: CNISettings, _ ports: [PublishedPort], holding: Bool
    ) throws(NetworkError) -> PodAttachment {
        if let present = try present(pod, ports, holding: holding) { return present }
        // Half of one, or one with other ports.
        try end(pod.id, pod.tenant)
        var made: CNIAttachment
        do throws(CNIFailure) {
            made = try CNIAttachment(try CNINetwork.find(settings), settings, ports: ports)
        } catch { throw .cni(error) }
        let asked = made
        var begun: CNIRecord?
        // From here on `sweep` finds somebody alive.
        let lock = try locked { directory throws(NetworkError) -> OwnedDescriptor? in
            begun = try begin(pod, asked, in: directory)
            return try hold(pod, holding)
        }
        guard let begun else { preconditionFailure("it has begun") }
        var record = begun
        do throws(NetworkError) {
            try made.add(record, pinPath(pod.id, pod.tenant)) { (made) throws(NetworkError) in try keep(begun, made) }
            do throws(CNIFailure) { record.address = try made.address() } catch { throw .cni(error) }
            let (done, finished) = (made, record)
            try locked { directory throws(NetworkError) in try tell(finished, done, in: directory) }
            let space = try during(.interface) { () throws(SystemError) in try pin(pod.id, pod.tenant) }
            return PodAttachment(
                record.address ?? IPv4Address(number: 0), files(pod.id, pod.tenant), space, lock)
        } catch {
            do throws(NetworkError) { try end(pod.id, pod.tenant) } catch {}
            throw error
        }
    }

    private func pinPath(_ id: String, _ tenant: String) -> String {
        "\(root)/\(NetworkDirectory.name)/\(CNIDirectory.path(tenant, id)).ns"
    }

    private func pin(_ id: String, _ tenant: String) throws(SystemError) -> OwnedDescriptor {
        guard let space = try NamespacePin.open(pinPath(id, tenant)) else {
            throw SystemError("open", pinPath(id, tenant), detail: "no namespace is mounted there,", .ENOENT)
        }
        return space
    }

    private func hold(_ pod: PodNetworks.Pod, _ holding: Bool) throws(NetworkError) -> OwnedDescriptor? {
        guard holding else { return nil }
        let path = "\(root)/\(NetworkDirectory.name)/" + CNIDirectory.path(pod.tenant, pod.id)
        return try during(.records) { () throws(SystemError) -> OwnedDescriptor? in
            let file = try Descriptor.workingDirectory.open(path, O_RDONLY)
            _ = try file.view.lock(exclusive: false, waiting: true)
            return file
        }
    }

    /// nil: there is none that is whole.
    private func present(
        _ pod: PodNetworks.Pod, _ ports: [PublishedPort], holding: Bool
    ) throws(NetworkError) -> PodAttachment? {
        let found = try looking { directory throws(SystemError) -> (address: IPv4Address, made: String)? in
            let record = try CNIDirectory.record(pod.id, of: pod.tenant, in: directory)
            let made = try CNIDirectory.made(pod.id, of: pod.tenant, in: directory)
            guard let address = record?.address, let made else { return nil }
            return (address, made)
        }
        guard let found, let made = try? CNIAttachment(parsing: found.made), made.isWhole, made.ports == ports,
            let space = try? pin(pod.id, pod.tenant)
        else { return nil }
        return PodAttachment(found.address, files(pod.id, pod.tenant), space, try hold(pod, holding))
    }

    /// Its record, its line in the hosts file, which is free, and its namespace.
    private func begin(
        _ pod: PodNetworks.Pod, _ made: CNIAttachment, in directory: borrowing NetworkDirectory
    ) throws(NetworkError) -> CNIRecord {
        let (tenant, id) = (pod.tenant, pod.id)
        let pin = pinPath(id, tenant)
        return try during(.records) { () throws(SystemError) in
            try directory.view.makeDirectories(CNIDirectory.path(tenant), mode: 0o700)
            let hosts = CNIDirectory.path(tenant, "hosts")
            if try !directory.view.exists(hosts) { try HostsFile.make(hosts, in: directory.view) }
            let file = try directory.view.open(hosts, O_RDWR)
            let taken = try CNIDirectory.records(of: tenant, in: directory).map(\.slot)
            let now = Clock.boot() / 1_000_000_000
            var slot = 0
            while true {
                let isFree = try HostsFile(file.view).isFree(slot: slot, now: now)
                if isFree, !taken.contains(slot) { break }
                slot += 1
            }
            try file.close()
            let record = CNIRecord(pod, slot: slot)
            // First what takes it away.
            try directory.set(CNIDirectory.path(tenant, id) + ".made", made.text)
            try directory.set(CNIDirectory.path(tenant, id), record.text)
            try directory.set(CNIDirectory.path(tenant, id) + ".ns", "")
            let own = try OwnNetwork.remember()
            try own.insideNew { (space: consuming OwnedDescriptor) throws(SystemError) in
                let loopback: Int32 = 1
                try NetlinkSocket.open().request(.bringUp(loopback), "lo", "RTM_SETLINK")
                try NamespacePin.make(space.view, at: pin)
            }
            return record
        }
    }

    /// For whoever takes it away.
    private func keep(_ record: CNIRecord, _ made: CNIAttachment) throws(NetworkError) {
        try locked { directory throws(NetworkError) in
            try during(.records) { () throws(SystemError) in
                try directory.set(CNIDirectory.path(record.tenant, record.id) + ".made", made.text)
            }
        }
    }

    /// Writes down what it has, and tells the tenant's other pods its name.
    private func tell(
        _ record: CNIRecord, _ made: CNIAttachment, in directory: borrowing NetworkDirectory
    ) throws(NetworkError) {
        guard let address = record.address else { return }
        let base = CNIDirectory.path(record.tenant, record.id)
        try during(.records) { () throws(SystemError) in
            try directory.set(base + ".made", made.text)
            // In place, since the file is locked, and at once: it is longer than what is there, and never empty.
            let file = try directory.view.open(base, O_WRONLY)
            try file.view.write(Array(record.text.utf8), at: 0)
            try file.close()
            if let resolver = made.resolver { try directory.setForAll(base + ".resolv", resolver) }
        }
        try during(.hosts) { () throws(SystemError) in
            let place = CNIDirectory.path(record.tenant)
            try directory.eachHostsFile(in: place, slot: record.slot) { file throws(SystemError) in
                try file.publish(address, [record.hostname, record.name], slot: record.slot)
            }
            // Last: it says that the others find the pod.
            try directory.setForAll(base + NetworkDirectory.hostnameEnd, record.hostname + "\n")
        }
    }

    // MARK: going

    /// Has the plugins take away what a pod has. One that has nothing is no error.
    func end(_ id: String, _ tenant: String) throws(NetworkError) {
        let found = try looking { directory throws(SystemError) -> (record: CNIRecord, made: String?)? in
            guard let record = try CNIDirectory.record(id, of: tenant, in: directory) else {
                let made = try directory.view.exists(CNIDirectory.path(tenant, id) + ".made")
                if made { try CNIDirectory.forget(id, of: tenant, in: directory) }
                return nil
            }
            try directory.eachHostsFile(in: CNIDirectory.path(tenant), slot: record.slot) { file throws(SystemError) in
                try file.withdraw(slot: record.slot, now: Clock.boot() / 1_000_000_000)
            }
            return (record, try CNIDirectory.made(id, of: tenant, in: directory))
        }
        guard let (record, text) = found else { return }
        if let text, let made = try? CNIAttachment(parsing: text) {
            let path = pinPath(id, tenant)
            let isThere = try during(.interface) { () throws(SystemError) in try NamespacePin.isThere(path) }
            do throws(CNIFailure) { try made.remove(record, isThere ? path : "") } catch { throw .cni(error) }
        }
        try locked { directory throws(NetworkError) in
            try during(.records) { () throws(SystemError) in
                try CNIDirectory.forget(id, of: tenant, in: directory)
            }
        }
    }

    /// Those that have something, and that nobody holds.
    func abandoned() throws(NetworkError) -> [CNIRecord] {
        let all = try looking { directory throws(SystemError) -> [CNIRecord]? in
            var found: [CNIRecord] = []
            for tenant in try CNIDirectory.tenants(in: directory) {
                for record in try CNIDirectory.records(of: tenant, in: directory) {
                    let file = try directory.view.open(CNIDirectory.path(tenant, record.id), O_RDONLY)
                    if try file.view.lock(exclusive: true, waiting: false) { found.append(record) }
                }
            }
            return found
        }
        return all ?? []
    }

    // MARK: looking

    /// The host names of pods that have one of `ports`, by the port's name.
    func holders(of ports: [PublishedPort], besides id: String) -> [String: String] {
        let all = try? looking { directory throws(SystemError) -> [String: String]? in
            var found: [String: String] = [:]
            for tenant in try CNIDirectory.tenants(in: directory) {
                for record in try CNIDirectory.records(of: tenant, in: directory) where record.id != id {
                    let text = try CNIDirectory.made(record.id, of: tenant, in: directory)
                    guard let text, let made = try? CNIAttachment(parsing: text) else { continue }
                    for port in made.ports where ports.contains(where: { $0.name == port.name }) {
                        found[port.name] = record.hostname
                    }
                }
            }
            return found
        }
        return all.flatMap { $0 } ?? [:]
    }

    /// nil: it has none.
    func address(of id: String, _ tenant: String) -> IPv4Address? {
        let path = "\(root)/\(NetworkDirectory.name)/" + CNIDirectory.path(tenant, id)
        guard let text = try? Descriptor.workingDirectory.readFile(path, limit: 4096) else { return nil }
        return CNIRecord(id: id, tenant: tenant, String(decoding: text, as: UTF8.self))?.address
    }

    func isAttached(_ id: String, of tenant: String) -> Bool {
        let path = "\(root)/\(NetworkDirectory.name)/" + CNIDirectory.path(tenant, id) + NetworkDirectory.hostnameEnd
        return (try? Descriptor.workingDirectory.exists(path)) == true
    }

    /// The files of a pod's /etc: as they are, or would be.
    func files(_ id: String, _ tenant: String) -> PodAttachment.Files {
        let base = "\(root)/\(NetworkDirectory.name)/"
        let own = base + CNIDirectory.path(tenant, id) + ".resolv"
        let hasOwn = (try? Descriptor.workingDirectory.exists(own)) == true
        return PodAttachment.Files(
            hosts: base + CNIDirectory.path(tenant, "hosts"),
            ownHosts: base + CNIDirectory.path(tenant, id) + NetworkDirectory.hostsEnd,
            hostname: base + CNIDirectory.path(tenant, id) + NetworkDirectory.hostnameEnd,
            resolver: hasOwn ? own : "/etc/resolv.conf")
    }

    /// Where its namespace would be.
    func plannedPath(_ id: String, _ tenant: String) -> String { pinPath(id, tenant) }
}
