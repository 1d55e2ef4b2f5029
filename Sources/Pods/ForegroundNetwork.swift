internal import Linux
internal import Network

/// The network of a pod that runs in the foreground: it is this process's, and goes with it.
final class ForegroundNetwork {
    let share: NetworkShare
    private let networks: PodNetworks
    private let id: String
    private let tenant: String
    private var ports: [HeldPort]
    private let isAttached: Bool

    /// Of a pod that `placement` names; with `explains` of one that is only planned.
    init(
        _ kind: PodNetwork, _ rules: PodNetworks.Rules, _ request: PodRequest, _ placement: PodPlacement,
        in list: PodList, explains: Bool
    ) throws(PodsError) {
        networks = list.networks
        // No pod of a supervisor's has such an id.
        id = "foreground-\(placement.identifier.text)"
        tenant = request.tenant
        isAttached = kind == .pod && !explains
        do throws(NetworkError) {
            let wanted = request.publishedPorts
            ports = explains ? [] : try networks.hold(wanted, for: id)
            if isAttached {
                let pod = PodNetworks.Pod(id: id, tenant: tenant, hostname: placement.hostname, name: "pod")
                share = NetworkShare(try networks.attach(pod, rules, ports: wanted, holding: true))
            } else {
                share =
                    kind == .pod
                    ? NetworkShare(
                        planned: networks.plannedPath(id, tenant, rules), networks.plannedFiles(id, tenant, rules))
                    : NetworkShare(kind, hostname: nil)
            }
        } catch { throw .network(error) }
    }

    /// The container has ended, or has never been.
    func end() {
        guard isAttached else { return }
        do throws(NetworkError) { try networks.detach(id, of: tenant) } catch {}
        ports = []
    }
}
