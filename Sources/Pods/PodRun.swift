package import Containers
internal import Images
package import Planning

/// A pod of one container, run in the foreground.
package struct PodRun {
    private let request: PodRequest
    private let store: ImageStore
    private var phases: LaunchPhases

    /// `storePath` is where images and volumes are.
    package init(_ request: PodRequest, storePath: String) throws(PodsError) {
        self.request = request
        phases = LaunchPhases(measured: request.timeline)
        do throws(ImagesError) { store = try ImageStore(path: storePath) } catch { throw .images(error) }
        phases.end("open store")
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
        var prepared = try store.prepare(
            request,
            PodPlacement(
                identifier: .random(), hostname: "\(request.tenant)-pod", explains: explain), in: root, phases: phases)
        if explain { return .explained(prepared.launch.plan) }
        guard let mount = prepared.mount.take() else { preconditionFailure("prepared with its root") }
        do throws(ContainersError) {
            var launch = prepared.launch
            let outcome = try launch.run(in: root, &prepared.state, rootFileSystem: mount)
            prepared.end()
            return .ended(outcome)
        } catch { throw .containers(error) }
    }
}
