package import Containers
internal import Images
internal import Linux
internal import Network
package import Planning

/// A pod of one container, run in the foreground.
package struct PodRun {
    private let request: PodRequest
    private let store: ImageStore
    private var phases: LaunchPhases
    /// Where it runs, with the configuration's directories of CDI files; nil: it gets nothing of a node.
    private var node: (profile: NodeProfile, cdiDirectories: [String])?

    /// `storePath` is where images and volumes are.
    package init(_ request: PodRequest, storePath: String) throws(PodsError) {
        self.request = request
        phases = LaunchPhases(measured: request.timeline)
        do throws(ImagesError) { store = try ImageStore(path: storePath) } catch { throw .images(error) }
        phases.end("open store")
    }

    /// Gives it the share of a pod on the node that `name` names.
    ///
    /// - Throws: ``PodsError/unknownNode(_:task:)``, ``PodsError/nodeDisabled(_:)``
    package mutating func place(on name: String, _ configuration: Configuration) throws(PodsError) {
        let profile = try configuration.node(name)
        guard profile.isEnabled else { throw .nodeDisabled(profile.name) }
        node = (profile, configuration.cdiDirectories)
    }

    /// nil: it has its own alone.
    private var network: (kind: PodNetwork, rules: PodNetworks.Rules)?

    /// Has it be in the network that its request says, as the configuration has that.
    package mutating func join(_ configuration: Configuration) throws(PodsError) {
        guard let kind = request.network, kind != .none else { return }
        let tenant = try configuration.tenant(named: request.tenant)
        try tenant.check(kind)
        network = (kind, tenant.networkRules(configuration))
    }

    /// What a pod comes to: its end, or with `explain` its plan alone.
    package enum Result: Sendable {
        case explained(LaunchPlan)
        case ended(ContainerRun.Outcome)
    }

    /// Removes what killed commands have left, and tells what can't be removed.
    package func repair(in root: borrowing RuntimeRoot) -> [String] { Repair.run(in: root, and: store) }

    /// Runs the pod until it ends, or with `explain` only plans it.
    package mutating func run(in root: borrowing RuntimeRoot, explain: Bool) throws(PodsError) -> Result {
        do throws(ContainersError) { try Foreground.holdSignals() } catch { throw .containers(error) }
        var slot: DeviceSlot?
        var placement = PodPlacement(
            identifier: .random(), hostname: "\(request.tenant)-pod", explains: explain)
        if let (profile, directories) = node {
            // A plan needs no slot: it is that of the first.
            if !explain { slot = try DeviceSlot.take(profile, tenant: request.tenant, pod: "pod", in: root) }
            placement.node = NodeShare(
                profile, slot: slot?.slot ?? profile.slots.first, lock: nil, cdiDirectories: directories)
        }
        var membership: ForegroundNetwork?
        if let (kind, rules) = network {
            let made = try ForegroundNetwork(
                kind, rules, request, placement, in: try PodList(of: root, store: store.path), explains: explain)
            placement.network = made.share
            membership = made
        }
        // Whatever becomes of it.
        defer { membership?.end() }
        var prepared = try store.prepare(request, placement, in: root, phases: phases)
        if explain { return .explained(prepared.launch.plan) }
        guard let mount = prepared.mount.take() else { preconditionFailure("prepared with its root") }
        do throws(ContainersError) {
            var launch = prepared.launch
            let outcome = try launch.run(in: root, &prepared.state, rootFileSystem: mount)
            prepared.end()
            // Until here it is this process's: the container has ended.
            if let slot = consume slot { slot.end() }
            return .ended(outcome)
        } catch { throw .containers(error) }
    }
}
