internal import Containers
internal import Images
internal import Launching
internal import Linux
internal import OCI
internal import Planning

// A pod of a manifest: what its supervisor does from the acceptance to the end. What is to become of its containers is
// ``PodLife``'s to say, and what carries it out is ``PodCourse``.
extension Supervisor {
    mutating func superviseContainers(in root: borrowing RuntimeRoot) throws(SystemError) {
        let manifest: Manifest
        do throws(PodsError) {
            guard let read = try pod.manifest() else { return }
            manifest = read
        } catch { return try finish(.failed, "CreateContainerConfigError", error.summary) }
        images = manifest.allContainers.map(\.image)
        // One that was killed may have begun to launch some of it.
        _ = repairOnce(root)
        let sandbox = PodSandbox(
            record.id, root: list.rootPath, manifest, fullName: record.hostname,
            sharedMemory: tenant?.limits.sharedMemory)
        let isOtherBoot = record.bootID != (try Boot.identifier())
        if !status.hasBegun, status.ending == nil {
            if isOtherBoot { return try loseContainers() }
            guard try begin(in: root), try awaitGroup() else { return }
            tell(PodEvent(.scheduled, of: record))
            (status.reason, status.message) = ("ContainerCreating", nil)
            status.hasBegun = true
            status.containers = PodLife(manifest, lives: nil, deadline: nil, grace: 0).lives
            try write(status)
        } else if status.ending == nil {
            tell(PodEvent(.takenOver, of: record, message: "the process that stayed with it before is gone"))
            takePlaceBack(in: root)
            holdPortsAgain()
        }
        enterPlace()
        if isOtherBoot {
            try loseContainers(settles: false)
        } else if status.ending == nil {
            try run(manifest, sandbox, in: root)
        }
        try removeAll(manifest, in: root)
        try PodSandbox.remove(sandbox.directory)
        slot = nil
        try settle()
    }

    /// What it has of its node, for those that are begun again.
    private mutating func takePlaceBack(in root: borrowing RuntimeRoot) {
        takeSlotBack(in: root)
        guard let name = record.node, let configuration = try? configuration(),
            let profile = try? configuration.node(name)
        else { return }
        node = NodeShare(
            profile, slot: slot?.slot ?? status.slot, lock: slot?.lock, cdiDirectories: configuration.cdiDirectories)
    }

    /// As the configuration has it now; nil: it can't be read.
    var tenant: Tenant? {
        try? configuration().tenant(named: record.request.tenant)
    }

    private mutating func run(
        _ manifest: Manifest, _ sandbox: PodSandbox, in root: borrowing RuntimeRoot
    ) throws(SystemError) {
        let isWhole = sandbox.isWhole
        if !isWhole, needsNetwork, network == nil {
            guard try attach(in: root) else { return }
        }
        var sandbox = sandbox
        let volumes: PodVolumes
        do throws(PodsError) {
            sandbox.network = try networkView()
            if sandbox.network != nil, sandbox.hasOwnHosts { try makeHosts(sandbox.hosts) }
            if !isWhole { try sandbox.make(network: network?.namespacePath) }
            try publish()
            let tenant = try configuration().tenant(named: record.request.tenant)
            volumes = try PodVolumes(manifest, sandbox, of: tenant, in: directory, store)
        } catch {
            // With containers of before there is nothing to be done but to end them.
            return try conclude(.failed, error.podReason.0, error.summary)
        }
        settleIn()
        try watch(manifest, sandbox, volumes, in: root)
    }

    /// The machine was started anew: none of them runs, and none is begun again.
    private mutating func loseContainers(settles: Bool = true) throws(SystemError) {
        if status.ending == nil {
            for i in status.containers.indices {
                guard case .running(let since) = status.containers[i].state else { continue }
                var end = ContainerLife.Termination(
                    exitCode: 137, reason: "ContainerStatusUnknown", finishedAt: Clock.wall())
                end.startedAt = since
                status.containers[i].state = .terminated(end)
                (status.containers[i].isReady, status.containers[i].isStarted) = (false, false)
                status.exitCode = 137
            }
            try conclude(
                .failed, "ContainerStatusUnknown", "the machine was started anew while the pod was there")
        }
        if settles { try settle() }
    }

    /// What is left of containers that have ended.
    private func removeAll(_ manifest: Manifest, in root: borrowing RuntimeRoot) throws(SystemError) {
        for plan in manifest.allContainers {
            do throws(ContainersError) {
                let identifier = try ContainerIdentifier(record.identifier(of: plan.name))
                _ = try Container.find(identifier, in: root, for: .end).delete(force: true)
            } catch {
                if case .noContainer = error { continue }
                throw SystemError("unlinkat", plan.name, detail: "\(error),", .EIO)
            }
        }
        if manifest.sharesProcesses { try SandboxProcess.remove(of: record, in: root) }
    }
}
