internal import Linux
internal import Network

extension PodList {
    /// The networks of the root's tenants.
    var networks: PodNetworks { PodNetworks(root: rootPath, identifier: identifier) }

    /// The pod's address; nil: it has none now.
    package func address(of record: PodRecord) -> String? {
        networks.address(of: record.id, record.request.tenant).map { "\($0)" }
    }

    /// Whether pod `id` has not ended, as far as can be found out.
    func mayLive(_ id: String) -> Bool {
        do throws(PodsError) { return try status(of: id)?.isFinal == false } catch { return true }
    }

    /// The root's.
    private var identifier: String { pods.split(separator: "/").last.map(String.init) ?? "" }
}
