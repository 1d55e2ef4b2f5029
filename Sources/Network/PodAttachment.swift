package import Linux

/// A pod's network, as its container is to have it: a namespace, and files of its `/etc`.
package final class PodAttachment: Sendable {
    package let address: IPv4Address
    /// Where the namespace is for this process; it lives as long as this value, or a process in it.
    package var namespacePath: String { "/proc/self/fd/\(space.view.number)" }
    package let files: Files
    private let space: OwnedDescriptor
    /// The locked record: whoever sweeps sees that somebody lives who needs it.
    private let hold: OwnedDescriptor?

    /// Where the files are on the host.
    package struct Files: Hashable, Sendable {
        package let hosts: String
        /// Of that pod alone, see ``PodNetworks/makeHosts(of:_:with:)``.
        package let ownHosts: String
        package let hostname: String
        package let resolver: String

        init(hosts: String, ownHosts: String, hostname: String, resolver: String) {
            self.hosts = hosts
            self.ownHosts = ownHosts
            self.hostname = hostname
            self.resolver = resolver
        }

        /// Of pod `id`, below the network's directory `path`.
        init(_ id: String, _ tenant: String, in path: String, outbound: Bool) {
            hosts = "\(path)/\(tenant)/hosts"
            ownHosts = "\(path)/\(tenant)/\(id)" + NetworkDirectory.hostsEnd
            hostname = "\(path)/\(tenant)/\(id)" + NetworkDirectory.hostnameEnd
            resolver = outbound ? "/etc/resolv.conf" : "\(path)/\(tenant)/resolv"
        }
    }

    init(
        _ address: IPv4Address, _ files: Files, _ space: consuming OwnedDescriptor, _ hold: consuming OwnedDescriptor?
    ) {
        self.address = address
        self.files = files
        self.space = space
        self.hold = hold
    }
}
