internal import Glibc
package import Linux

// Pods come to be: all that are submitted at once or none of them, each with a supervisor.
extension PodList {
    /// Accepts the pods, which are one submission of `tenant`, and has them supervised. Those of a group run beside each
    /// other, and wait for the group before.
    ///
    /// - Throws: ``PodsError/podLimit(live:most:)`` where they would be too many beside each other.
    package func submit(
        _ groups: [[PodRecord]], of tenant: Tenant, _ configuration: Configuration, from file: ManifestFile? = nil
    ) throws(PodsError) {
        let pods = try accept(groups, of: tenant, configuration, from: file)
        do throws(SystemError) {
            for pod in pods { try superviseAtOnce(pod) }
            for pod in pods { try PodDirectory.keep(pod.record.id, in: self.pods) }
        } catch { throw withdraw(pods, error) }
    }

    /// The same of one pod or more for a command that has nothing else to do: it tells the pods' host names on its standard
    /// output, and ends with 0. Where it can't, it goes on as `pod unfinished`.
    package func submitAndLeave(
        _ groups: [[PodRecord]], of tenant: Tenant, _ configuration: Configuration, from file: ManifestFile? = nil
    ) throws(PodsError) -> Never {
        let pods = try accept(groups, of: tenant, configuration, from: file)
        guard let last = pods.last else { preconditionFailure("a submission without pods") }
        do throws(SystemError) {
            for pod in pods.dropLast() { try superviseAtOnce(pod) }
            for pod in pods.dropLast(PodList.mostHeld) { try PodDirectory.keep(pod.record.id, in: self.pods) }
            var rest = OwnProgram.Rest(files: [], text: "", otherwise: own("pod", "unfinished"))
            for pod in pods.suffix(PodList.mostHeld) {
                rest.files += try PodDirectory.lasting(pod.record.id, in: self.pods)
            }
            for pod in pods {
                rest.text += pod.record.hostname + "\n"
                rest.otherwise.append(pod.record.id)
            }
            try OwnProgram.goOnApart(
                as: words(toSupervise: last.record.id), keeping: last.descriptors, leaving: rest)
        } catch { throw withdraw(pods, error) }
        _exit(stay(with: last))
    }

    /// Of how many pods that are being accepted something is open at once.
    private static let mostHeld = 32

    private func withdraw(_ pods: [AcceptedPod], _ error: SystemError) -> PodsError {
        // Or their ends would be waited for by the one who holds them.
        for pod in pods { pod.letGo() }
        withdraw(pods.map(\.record.id), error)
        return .pods(error)
    }

    /// Sees to it that none of pods `ids` is there any more, whose records did not get to the disk: accepted is what outlives the
    /// host's end.
    package func withdraw(_ ids: [String], _ error: SystemError) {
        for id in ids {
            try? stop(id, StopRequest(reason: "Stopped", message: "not accepted: \(error)", grace: 0))
            _ = try? end(of: id)
            try? remove(id)
        }
    }

    private func accept(
        _ groups: [[PodRecord]], of tenant: Tenant, _ configuration: Configuration, from file: ManifestFile?
    ) throws(PodsError) -> [AcceptedPod] {
        let records = groups.flatMap { $0 }
        let most = groups.reduce(0) { max($0, $1.count) }
        PodDirectory.sweep(pods)
        // Two can't both be the last for whom there is room.
        let turn = try TenantTurn.take(of: tenant.name, in: pods)
        let made: [AcceptedPod]
        do throws(PodsError) {
            try checkRoom(records, beside: most, tenant)
            made = try make(records, configuration, file)
        } catch {
            turn.end()
            throw error
        }
        turn.end()
        return made
    }

    /// The first supervisor of a pod that was just made: a copy of this process, for a start by execution would read all
    /// once more before it begins.
    private func superviseAtOnce(_ pod: AcceptedPod) throws(SystemError) {
        try OwnProgram.fork(as: words(toSupervise: pod.record.id), keeping: pod.descriptors) { stay(with: pod) }
        // From now on it is the copy's alone.
        pod.letGo()
    }

    /// What such a copy does: its exit status.
    private func stay(with pod: AcceptedPod) -> Int32 {
        do throws(PodsError) {
            try Supervisor.run(pod, of: self)
            return 0
        } catch { return 1 }
    }

    /// All of them or none.
    private func make(
        _ records: [PodRecord], _ configuration: Configuration, _ file: ManifestFile?
    ) throws(PodsError) -> [AcceptedPod] {
        var made: [AcceptedPod] = []
        for one in records {
            var record = one
            // All at one time: another submission comes before all of them or after.
            (record.acceptedAt, record.acceptedBoot) = (records[0].acceptedAt, records[0].acceptedBoot)
            do throws(PodsError) {
                let pod = try PodDirectory.make(record, in: pods, configuration, file)
                made.append(pod)
                if made.count > PodList.mostHeld { pod.letGo() }
            } catch {
                for other in made {
                    // Nobody else can take it on before it is gone.
                    _ = try? PodDirectory.find(other.record.id, in: pods)?.remove()
                    other.letGo()
                }
                throw error
            }
        }
        for record in records {
            PodEventLog.add(PodEvent(.accepted, of: record, message: "image \(record.request.image)"), in: pods)
        }
        return made
    }

    /// Tenant a's pod b-c and tenant a-b's pod c would have one name.
    private func checkHostname(of record: PodRecord) throws(PodsError) {
        for id in try PodDirectory.identifiers(in: pods) where id.hasPrefix(record.hostname + "-") {
            guard let other = try entry(id), other.record.hostname == record.hostname, !other.status.isFinal,
                other.record.request.tenant != record.request.tenant
            else { continue }
            throw .hostname(record.hostname, .usedBy(tenant: other.record.request.tenant))
        }
    }

    /// `count` of them run beside each other.
    private func checkRoom(_ records: [PodRecord], beside count: Int, _ tenant: Tenant) throws(PodsError) {
        let live = try entries(tenant: tenant.name).filter { !$0.status.isFinal }
        let areContainers = records.contains { $0.isContainer }
        for record in records { try checkHostname(of: record) }
        for record in records {
            guard let other = live.first(where: { $0.record.name == record.name })?.record else { continue }
            // A container is nobody's to replace, and replaces nobody that lives.
            if record.isContainer || other.isContainer {
                throw .nameTaken(record.name, isContainer: other.isContainer)
            }
        }
        if tenant.limits.mode == .parallel || areContainers {
            guard let most = tenant.limits.maximumPods else { return }
            let names = Set(records.map(\.name))
            let beside = live.count { other in
                let counts = tenant.limits.mode == .parallel || other.record.isContainer
                return counts && !names.contains(other.record.name)
            }
            if Int64(beside + count) > most { throw .podLimit(live: beside, most: Int(most)) }
        } else if let most = tenant.limits.maximumGroup, Int64(count) > most {
            throw .podLimit(live: 0, most: Int(most))
        }
    }
}
