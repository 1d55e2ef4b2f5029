package import Containers
internal import Linux
internal import OCI
internal import Planning

/// A further command in the container of a pod that runs: what a caller asks for.
package struct PodExec: Hashable, Sendable {
    /// At least one word, the program.
    package var command: [String]
    /// `NAME=VALUE`; one of the container's of the same name is replaced.
    package var environment: [String] = []
    /// As in an image's configuration: `name`, `uid`, `name:group`, `uid:gid`; nil: the container's own.
    package var user: String?
    /// Absolute; nil: the container's own.
    package var workingDirectory: String?
    package var hasTerminal = false

    package init(_ command: [String]) { self.command = command }
}

extension PodList {
    /// Executes a command in the container of `entry`, and returns when that is being executed: by the rights, the user and
    /// the environment that were written down when the container was launched.
    ///
    /// - Throws: ``PodsError/notRunning(_:)``, ``PodsError/podPaused(_:)``, ``PodsError/execUser(_:)``.
    package func execute(
        _ exec: PodExec, in entry: Entry, container name: String? = nil
    ) throws(PodsError) -> ContainerProcess {
        let record = entry.record
        let identifier = try entry.identifier(of: name)
        guard try supervise(record.id) else { throw .notRunning(record.name) }
        let root = try openRoot()
        let container: Container
        do throws(ContainersError) {
            container = try Container.find(try ContainerIdentifier(identifier), in: root, for: .join)
        } catch { throw PodList.refusal(error, record) }
        do throws(ContainersError) {
            let status = try container.status()
            // Before anything of it is read.
            if status != .running { throw .wrongStatus(record.id, status, cannot: "exec in") }
        } catch { throw PodList.refusal(error, record) }
        let process = try exec.process(of: record, in: container)
        do throws(ContainersError) {
            var request = ContainerExec.Request(process: process)
            request.terminal = exec.hasTerminal
            return try container.execute(request, in: root)
        } catch { throw PodList.refusal(error, record) }
    }

    /// For people, who know the pod and not its container.
    private static func refusal(_ error: ContainersError, _ record: PodRecord) -> PodsError {
        switch error {
        case .wrongStatus(_, .paused, _): .podPaused(record.name)
        case .noContainer, .wrongStatus: .notRunning(record.name)
        default: .containers(error)
        }
    }
}

extension PodExec {
    /// The process that it comes to in `container`.
    func process(of record: PodRecord, in container: borrowing Container) throws(PodsError) -> ProcessSpec {
        var process: ProcessSpec
        do throws(ContainersError) { process = try container.configuration().process ?? .nothing } catch {
            throw .containers(error)
        }
        process.args = command
        if let workingDirectory { process.cwd = workingDirectory }
        var home: [String] = []
        if let user {
            let identity = try identity(user, record, in: container)
            process.user = .init()
            process.user.uid = identity.uid
            process.user.gid = identity.gid
            process.user.additionalGids = identity.additionalGids
            process.capabilities = PodSpec.capabilities(isRoot: identity.uid == 0)
            home = ["HOME=" + identity.home]
        }
        process.env = PodSpec.merged(process.env + home + environment)
        return process
    }

    /// Whoever writes the files of the container says there who has a name; nobody gains by it more than root in the
    /// container has, whom the caller can name as well.
    private func identity(
        _ user: String, _ record: PodRecord, in container: borrowing Container
    ) throws(PodsError) -> RootfsFacts.Identity {
        let root: OwnedDescriptor
        do throws(ContainersError) { root = try container.openRoot() } catch { throw .containers(error) }
        let facts = try record.request.users(in: root.view)
        do throws(PlanningError) { return try facts.resolve(user: user) } catch { throw .execUser(error) }
    }
}
