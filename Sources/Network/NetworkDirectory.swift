internal import Glibc
internal import Linux

/// What is kept of the networks of a root, with the lock under which they are changed:
///
///     ROOT/@networks                     flock(2), exclusive, of who changes something
///     ROOT/@networks/host                something of the host's is changed: its ip_forward of before
///     ROOT/@networks/pending             the records have changed, and the host not yet
///     ROOT/@networks/iptables            the chain that has rules of ours
///     ROOT/@networks/TENANT/subnet       its addresses
///     ROOT/@networks/TENANT/ns           its router: a network namespace is mounted there
///     ROOT/@networks/TENANT/ready        the router is whole
///     ROOT/@networks/TENANT/link         its ``HostLink`` is there; with a text in it, maybe half
///     ROOT/@networks/TENANT/outbound     its pods may reach what is outside
///     ROOT/@networks/TENANT/hosts        /etc/hosts of its pods, see ``HostsFile``
///     ROOT/@networks/TENANT/resolv       /etc/resolv.conf of those that reach nothing outside
///     ROOT/@networks/TENANT/ID           a ``NetworkRecord``; pods' names have a '-', the others have not
///     ROOT/@networks/TENANT/ID.hostname  /etc/hostname of that pod
///     ROOT/@networks/TENANT/ID.hosts     /etc/hosts of that pod, if it has one of its own
///     ROOT/@networks/@cni                what others' plugins have made, see ``CNIDirectory``
struct NetworkDirectory: ~Copyable {
    static let name = "@networks"
    static let hostnameEnd = ".hostname"
    static let hostsEnd = ".hosts"
    /// Of the directory, with the root's.
    let path: String
    /// The root's.
    let identifier: String
    private let directory: OwnedDescriptor

    private init(_ path: String, _ identifier: String, _ directory: consuming OwnedDescriptor) {
        self.path = path
        self.identifier = identifier
        self.directory = directory
    }

    var view: Descriptor { directory.view }

    /// Makes the directory where it is missing, and waits for the lock.
    static func lock(_ root: String, _ identifier: String) throws(SystemError) -> NetworkDirectory {
        while true {
            if let locked = try existing(root, identifier) { return locked }
            do throws(SystemError) {
                try Descriptor.workingDirectory.makeDirectory("\(root)/\(name)", mode: 0o700)
            } catch
                where error.code == .EEXIST
            {}
        }
    }

    /// The same of one that is there; nil: it is not.
    static func existing(_ root: String, _ identifier: String) throws(SystemError) -> NetworkDirectory? {
        let path = "\(root)/\(name)"
        while true {
            let directory: OwnedDescriptor
            do throws(SystemError) {
                directory = try Descriptor.workingDirectory.open(path, O_RDONLY | O_DIRECTORY)
            } catch {
                if error.code == .ENOENT { return nil }
                throw error
            }
            _ = try directory.view.lock(exclusive: true, waiting: true)
            // The one before may have removed it, and another may be in its place.
            let own = try directory.view.status()
            let present = try? Descriptor.workingDirectory.status(of: path)
            if present?.inode == own.inode, present?.device == own.device {
                return NetworkDirectory(path, identifier, directory)
            }
        }
    }

    /// Lets go of the lock, and of the directory if nothing is in it but what somebody was writing who was killed.
    consuming func end() {
        do throws(SystemError) {
            try removeDrafts()
            try Descriptor.workingDirectory.unlink(path, flags: AT_REMOVEDIR)
        } catch {}
        // Until here it must be held.
        _ = directory.view
    }

    private func removeDrafts() throws(SystemError) {
        for entry in try view.entries() where Descriptor.isDraft(Descriptor.text(ofEntry: entry)) {
            try view.unlink(entry)
        }
    }

    /// Of the tenants that have a network, or half of one.
    func tenants() throws(SystemError) -> [String] {
        var names: [String] = []
        for entry in try view.entries() {
            let name = Descriptor.text(ofEntry: entry)
            if !name.hasPrefix("@"), try view.status(of: entry).isDirectory { names.append(name) }
        }
        return names.sorted()
    }

    /// The text of a file of ours; nil: there is none.
    func text(_ name: String, limit: Int = 1 << 20) throws(SystemError) -> String? {
        do throws(SystemError) { return String(decoding: try view.readFile(name, limit: limit), as: UTF8.self) } catch {
            if error.code == .ENOENT { return nil }
            throw error
        }
    }

    /// Writes it, or with nil removes it.
    func set(_ name: String, _ text: String?) throws(SystemError) {
        if let text { return try view.replaceFile(name, with: Array(text.utf8)) }
        do throws(SystemError) { try view.unlink(name) } catch  where error.code == .ENOENT {}
    }

    /// Writes it for all to read, whatever the umask says: the users of images differ.
    func setForAll(_ name: String, _ text: String) throws(SystemError) {
        try setForAll(name, Array(text.utf8))
    }

    func setForAll(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
        try view.replaceFile(name, with: bytes, exactMode: 0o644)
    }

    /// A tenant's directory by its name here.
    func subnet(of tenant: String) throws(SystemError) -> TenantSubnet? {
        try text("\(tenant)/subnet").flatMap { TenantSubnet($0) }
    }

    func record(_ id: String, of tenant: String) throws(SystemError) -> NetworkRecord? {
        try text("\(tenant)/\(id)").flatMap { NetworkRecord(id: id, $0) }
    }

    /// Does `body` with each file in a tenant's directory that names its pods: that which they share, and those of single ones as
    /// far as they have room for `slot`.
    func eachHostsFile(
        in directory: String, slot: Int, _ body: (HostsFile) throws(SystemError) -> Void
    ) throws(SystemError) {
        let own = try view.open(directory, O_RDONLY | O_DIRECTORY)
        var names = ["hosts"]
        for entry in HostsFile.hasRoom(for: slot) ? try own.view.entries() : [] {
            let name = Descriptor.text(ofEntry: entry)
            if name.hasSuffix(NetworkDirectory.hostsEnd) { names.append(name) }
        }
        for name in names {
            let file = try own.view.open(name, O_RDWR)
            try body(HostsFile(file.view))
            try file.close()
        }
    }

    /// Of a tenant's pods. One that can't be read is left out: nobody has ever written it whole.
    func records(of tenant: String) throws(SystemError) -> [NetworkRecord] {
        let own = try view.open(tenant, O_RDONLY | O_DIRECTORY)
        var found: [NetworkRecord] = []
        for entry in try own.view.entries() {
            let id = Descriptor.text(ofEntry: entry)
            guard id.utf8.contains(UInt8(ascii: "-")), !id.hasSuffix(NetworkDirectory.hostnameEnd),
                !id.hasSuffix(NetworkDirectory.hostsEnd),
                !Descriptor.isDraft(id),
                let record = try record(id, of: tenant)
            else { continue }
            found.append(record)
        }
        return found.sorted { $0.octet < $1.octet }
    }
}
