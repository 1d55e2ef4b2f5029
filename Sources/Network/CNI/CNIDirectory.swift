internal import Glibc
internal import Linux

/// What is kept of pods whose networks plugins have made, below the directory of networks and under its lock:
///
///     TENANT/hosts        /etc/hosts of its pods, see ``HostsFile``
///     TENANT/ID           a ``CNIRecord``; pods' names have a '-', the others have not
///     TENANT/ID.ns        its namespace is mounted there
///     TENANT/ID.made      a ``CNIAttachment``
///     TENANT/ID.hostname  /etc/hostname; it is there when the pod has its address
///     TENANT/ID.hosts     /etc/hosts, if it has one of its own
///     TENANT/ID.resolv    /etc/resolv.conf, where the plugins have given name servers
enum CNIDirectory {
    static let name = "@cni"
    private static let ends = [
        ".ns", ".made", NetworkDirectory.hostnameEnd, NetworkDirectory.hostsEnd, ".resolv", ".new",
    ]

    static func path(_ tenant: String, _ name: String = "") -> String {
        "\(CNIDirectory.name)/\(tenant)" + (name.isEmpty ? "" : "/\(name)")
    }

    static func record(
        _ id: String, of tenant: String, in directory: borrowing NetworkDirectory
    ) throws(SystemError) -> CNIRecord? {
        try directory.text(path(tenant, id)).flatMap { CNIRecord(id: id, tenant: tenant, $0) }
    }

    /// The text of a ``CNIAttachment``; nil: there is none.
    static func made(
        _ id: String, of tenant: String, in directory: borrowing NetworkDirectory
    ) throws(SystemError) -> String? {
        // A configuration, and what each of its plugins has answered.
        let limit = 32 << 20
        return try directory.text(path(tenant, id) + ".made", limit: limit)
    }

    /// Of a tenant's pods. One that can't be read is left out: nobody has ever written it whole.
    static func records(
        of tenant: String, in directory: borrowing NetworkDirectory
    ) throws(SystemError) -> [CNIRecord] {
        var found: [CNIRecord] = []
        for name in try names(path(tenant), in: directory) {
            let isPod = name.utf8.contains(UInt8(ascii: "-")) && !ends.contains { name.hasSuffix($0) }
            if isPod, let record = try record(name, of: tenant, in: directory) { found.append(record) }
        }
        return found.sorted { $0.slot < $1.slot }
    }

    static func tenants(in directory: borrowing NetworkDirectory) throws(SystemError) -> [String] {
        try names(name, in: directory).sorted()
    }

    private static func names(
        _ path: String, in directory: borrowing NetworkDirectory
    ) throws(SystemError) -> [String] {
        let own: OwnedDescriptor
        do throws(SystemError) { own = try directory.view.open(path, O_RDONLY | O_DIRECTORY) } catch {
            if error.code == .ENOENT || error.code == .ENOTDIR { return [] }
            throw error
        }
        return try own.view.entries().map { Descriptor.text(ofEntry: $0) }
    }

    /// Removes what is kept of a pod, its namespace first, and the directories with the last.
    static func forget(
        _ id: String, of tenant: String, in directory: borrowing NetworkDirectory
    ) throws(SystemError) {
        try PinnedMount.remove("\(directory.path)/\(path(tenant, id)).ns")
        for end in ends + [""] { try directory.set(path(tenant, id + end), nil) }
        guard try records(of: tenant, in: directory).isEmpty else { return }
        do throws(SystemError) { try directory.view.removeTree(path(tenant)) } catch  where error.code == .ENOENT {}
        do throws(SystemError) { try directory.view.unlink(name, flags: AT_REMOVEDIR) } catch
            where error.code == .ENOTEMPTY || error.code == .ENOENT || error.code == .EEXIST
        {}
    }
}

/// A pod whose network plugins make, as a line of words: `ADDRESS SLOT HOSTNAME NAME`, with `-` where it has no address yet.
struct CNIRecord: Hashable, Sendable {
    let id: String
    let tenant: String
    var address: IPv4Address?
    /// Its line in the hosts file.
    let slot: Int
    let hostname: String
    let name: String

    init(_ pod: PodNetworks.Pod, slot: Int) {
        (id, tenant, hostname, name) = (pod.id, pod.tenant, pod.hostname, pod.name)
        self.slot = slot
    }

    /// nil: `text` is none.
    init?(id: String, tenant: String, _ text: String) {
        let words = text.split(separator: "\n").first?.split(separator: " ") ?? []
        guard words.count == 4, let slot = Int(words[1]), slot >= 0 else { return nil }
        let address = IPv4Address(words[0])
        if address == nil, words[0] != "-" { return nil }
        (self.id, self.tenant, self.address, self.slot) = (id, tenant, address, slot)
        (hostname, name) = (String(words[2]), String(words[3]))
    }

    var text: String { "\(address.map { "\($0)" } ?? "-") \(slot) \(hostname) \(name)\n" }
}
