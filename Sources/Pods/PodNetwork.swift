package import Network

/// Which network a pod is in.
package enum PodNetwork: String, Hashable, Sendable, CaseIterable {
    /// Its own alone, with the loopback interface.
    case none
    /// Its tenant's.
    case pod
    /// The host's, where the tenant may.
    case host
}

extension PodRequest {
    /// The host's ports that are the pod's; as they are kept, each can be read.
    package var publishedPorts: [PublishedPort] { ports.compactMap { PublishedPort($0) } }
}

extension Tenant {
    /// Whether a pod may be in `network`.
    package func check(_ network: PodNetwork) throws(PodsError) {
        if network == .host, !limits.hostNamespaces.contains("network") { throw .hostNetwork(tenant: name) }
    }

    /// What holds for the tenant's network.
    func networkRules(_ configuration: Configuration) -> PodNetworks.Rules {
        PodNetworks.Rules(
            pool: configuration.addressPool, outbound: limits.outbound, cni: limits.cni ? configuration.cni : nil)
    }
}
