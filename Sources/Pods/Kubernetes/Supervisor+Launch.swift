internal import Containers
internal import Images
internal import Launching
internal import Linux
internal import OCI
internal import Planning

// How a container of a pod is launched.
extension Supervisor {
    /// Launches the one at `i`, and leaves it to its record.
    func launch(_ i: Int, _ course: PodCourse, in root: borrowing RuntimeRoot) throws(PodsError) {
        let tries = 100
        for _ in 1..<tries {
            do throws(PodsError) { return try launchOnce(i, course, in: root) } catch {
                // Of a launch whose supervisor was killed just now.
                guard case .containers(.identifierInUse) = error else { throw error }
            }
            Clock.pause(10_000_000)
            _ = Repair.run(in: root, and: store)
        }
        try launchOnce(i, course, in: root)
    }

    private func launchOnce(_ i: Int, _ course: PodCourse, in root: borrowing RuntimeRoot) throws(PodsError) {
        let manifest = course.life.manifest
        let member = course.members[i], plan = member.plan
        // If nobody outside sees to it: after hooks would have had their time.
        let margin: UInt64 = 2_000_000_000
        let deadline = course.life.deadline ?? record.request.timeout.map { Clock.boot() &+ $0 }
        let late = deadline.map { $0 &+ record.terminationGrace &* 1_000_000 &+ margin } ?? 0
        if let space = course.sandbox.processesPath {
            var holder = SandboxProcess(record, course.sandbox)
            // After its containers' inits have ended what they can.
            holder.deadline = late == 0 ? 0 : late &+ record.terminationGrace &* 1_000_000 &+ margin
            holder.lock = node?.lock
            try holder.provide(at: space, in: root)
        }
        let share = try ContainerShare(plan, of: manifest, course.sandbox, course.volumes)
        let request = ContainerShare.request(
            plan, of: record, limits: limits(of: i, manifest), { field in value(of: field, course.sandbox) },
            hostname: manifest.hostname)
        var initial = ContainerInit(
            stopSignal: member.stopSignal, grace: UInt32(clamping: record.terminationGrace), deadline: 0)
        initial.deadline = late
        initial.role = manifest.sharesProcesses ? .member : .own
        // Where it does not see all end, that which does has it.
        initial.holdsLock = node?.lock != nil && !manifest.sharesProcesses
        var placement = PodPlacement(
            identifier: member.identifier, hostname: manifest.hostname, initial: initial, stopsOnSignal: false)
        placement.node = node
        placement.container = share
        var prepared = try store.prepare(request, placement, in: root, phases: LaunchPhases(measured: false))
        guard let mount = prepared.mount.take() else { preconditionFailure("prepared with its root") }
        let streams = try member.openOutput()
        let exit = try member.openExitRecord()
        // What joins a pid namespace takes us along, as far as children go.
        let own: OwnNamespaces
        do throws(SystemError) { own = try OwnNamespaces.remember() } catch { throw .pods(error) }
        do throws(ContainersError) {
            streams.become()
            defer { PodStreams.leave() }
            var launch = prepared.launch
            _ = try launch.leave(
                in: root, &prepared.state, rootFileSystem: mount, rootPath: path, exitRecord: exit)
        } catch { throw .containers(error) }
        _ = consume own
        _ = prepared.keep()
        // Until here its sources must be open.
        _ = share.capabilities
    }

    /// An init container runs beside the sidecars alone, and may have all that they leave.
    private func limits(of i: Int, _ manifest: Manifest) -> (memory: Int64?, cpus: Int64?, pids: Int64?) {
        let own = record.request
        let plan = manifest.allContainers[i], beside = manifest.lastingContainers
        func share(_ total: Int64?, _ said: (ManifestContainer) -> Int64?) -> Int64? {
            let shares = LimitShares(total, beside.map(said))
            if let place = beside.firstIndex(where: { $0.name == plan.name }) { return shares[place] }
            let sidecars = beside.indices.filter { beside[$0].isSidecar }.compactMap { shares[$0] }.reduce(0, +)
            return said(plan) ?? total.map { max(1, $0 - sidecars) }
        }
        return (
            share(own.memory) { $0.resources.memory }, share(own.cpus) { $0.resources.cpus },
            share(own.pids) { _ in nil }
        )
    }

    private func value(of field: ManifestVariable.Field, _ sandbox: PodSandbox) -> String {
        switch field {
        case .name: record.name
        case .namespace: record.request.tenant
        case .uid: record.id
        case .node: record.node ?? ""
        case .hostAddress, .podAddress: sandbox.addresses.first ?? ""
        case .podAddresses: sandbox.addresses.joined(separator: ",")
        }
    }
}
