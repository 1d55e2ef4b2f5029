internal import Cgroups
package import Containers
internal import Glibc
internal import Images
package import Linux
internal import Network
package import OCI

/// The pods of a root, for commands: what they are is on the disk, and a supervisor each stays with those that live.
package struct PodList {
    /// Where their directories are.
    package let pods: String
    let rootPath: String
    let storePath: String

    /// The pods of `root`, with images and volumes in the store at `path`.
    package init(of root: borrowing RuntimeRoot, store path: String) throws(PodsError) {
        pods = try PodDirectory.all(of: root, store: path)
        do throws(SystemError) {
            rootPath = try AbsolutePath.of(root.path)
            storePath = try AbsolutePath.of(path)
        } catch { throw .pods(error) }
    }

    /// A pod, for whoever looks.
    package struct Entry: Sendable {
        package let record: PodRecord
        package let status: PodStatus
        /// Output that could not be kept; nil: none.
        package var lostOutput: LostOutput?
        /// In its tenant's network; nil: it is not asked for, or has none now.
        package var address: String?

        /// All that is kept of it.
        package var inspection: JSON.Value {
            .object(
                [("pod", record.json), ("status", status.json)]
                    + (lostOutput.map { [("lostOutput", $0.json)] } ?? []))
        }
    }

    /// All, or those of one tenant, or of its name `name`, the eldest first; not the one whose id is `except`.
    package func entries(
        tenant: String? = nil, name: String? = nil, except: String? = nil
    ) throws(PodsError) -> [Entry] {
        var found: [Entry] = []
        for id in try PodDirectory.identifiers(in: pods) where id != except {
            if let tenant, !id.hasPrefix(tenant + "-" + (name.map { $0 + "-" } ?? "")) { continue }
            // One that was removed meanwhile is none.
            guard let entry = try entry(id), tenant == nil || entry.record.request.tenant == tenant,
                name == nil || entry.record.name == name
            else { continue }
            found.append(entry)
        }
        return found.sorted {
            ($0.record.acceptedAt, $0.record.step, $0.record.id) < ($1.record.acceptedAt, $1.record.step, $1.record.id)
        }
    }

    /// The pod `id`; nil: there is none.
    package func entry(_ id: String) throws(PodsError) -> Entry? {
        guard let pod = try PodDirectory.find(id, in: pods), let status = try pod.presentStatus() else { return nil }
        return Entry(record: pod.record, status: status, lostOutput: PodLog.loss(in: pod.directory.view))
    }

    /// The pod `name` of a tenant's newest submission that has one. Where several steps have pods of that name, the one
    /// whose turn it is, or else the last.
    package func entry(of name: String, tenant: String) throws(PodsError) -> Entry {
        let all = try entries(tenant: tenant).filter { $0.record.name == name || $0.record.id == name }
        guard let last = all.last else { throw .noPod(name) }
        return all.first { $0.record.submission == last.record.submission && !$0.status.isFinal } ?? last
    }

    // MARK: acting

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
            let root: RuntimeRoot
            do throws(ContainersError) { root = try RuntimeRoot.at(path: rootPath) } catch { throw .containers(error) }
            try Supervisor.run(pod, of: self, in: root, store: storePath)
            return 0
        } catch { return 1 }
    }

    /// What another command runs for a pod whose supervisor is gone.
    private func words(toSupervise id: String) -> [String] { own("pod", "supervise", id) }

    /// A command about these pods.
    func own(_ words: String...) -> [String] {
        ["perigee", "--root", rootPath, "--store", storePath] + words
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
                    other.letGo()
                    _ = try? PodDirectory.find(other.record.id, in: pods)?.remove()
                }
                throw error
            }
        }
        for record in records {
            PodEventLog.add(PodEvent(.accepted, of: record, message: "image \(record.request.image)"), in: pods)
        }
        return made
    }

    /// `count` of them run beside each other.
    private func checkRoom(_ records: [PodRecord], beside count: Int, _ tenant: Tenant) throws(PodsError) {
        let live = try entries(tenant: tenant.name).filter { !$0.status.isFinal }
        let areContainers = records.contains { $0.isContainer }
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

    /// Makes sure that pod `id` has a supervisor if it needs one. False: it has ended.
    @discardableResult
    package func supervise(_ id: String) throws(PodsError) -> Bool {
        guard let pod = try PodDirectory.find(id, in: pods) else { throw .noPod(id) }
        let status: PodStatus?
        do throws(PodsError) {
            if try pod.isSupervised() { return true }
            status = try pod.presentStatus()
        } catch { throw PodList.gone(error, id) }
        guard let status else { throw .noPod(id) }
        if status.isFinal { return false }
        // Nothing becomes of one that waits for a pod which nobody looks after.
        for before in pod.record.after { _ = try supervisedStatus(of: before.id) }
        do throws(SystemError) {
            _ = try OwnProgram.detach(words(toSupervise: id), environment: [])
        } catch { throw .pods(error) }
        return true
    }

    /// nil: there is no such pod.
    package func status(of id: String) throws(PodsError) -> PodStatus? {
        guard let pod = try PodDirectory.find(id, in: pods) else { return nil }
        return try pod.presentStatus()
    }

    /// ``status(of:)`` of a pod that has a supervisor from now on, if it needs one.
    func supervisedStatus(of id: String) throws(PodsError) -> PodStatus? {
        do throws(PodsError) { try supervise(id) } catch {
            guard case .noPod = error else { throw error }
            return nil
        }
        return try status(of: id)
    }

    /// Has the supervisor of pod `id` look again.
    func call(_ id: String) {
        guard let pod = try? PodDirectory.find(id, in: pods) else { return }
        try? PodWake.call(in: pod.directory.view)
    }

    /// Waits for the end of pod `id`, however often its supervisor is killed.
    package func end(of id: String) throws(PodsError) -> PodStatus {
        guard try PodDirectory.find(id, in: pods) != nil else { throw .noPod(id) }
        let patience = 10
        for round in 0... {
            guard let pod = try PodDirectory.find(id, in: pods), try pod.presentStatus() != nil else { return .removed }
            do throws(PodsError) {
                if try supervise(id) { try pod.awaitSupervisor() }
            } catch {
                if case .noPod = PodList.gone(error, id) { return .removed }
                throw error
            }
            guard let status = try pod.presentStatus() else { return .removed }
            if status.isFinal { return status }
            // It was killed, or has not begun yet; or it can't do its work, and has said why.
            if round >= patience, let failure = pod.failure() { throw .supervisor(pod.record.name, failure) }
            Clock.pause(min(5_000_000 << Int64(min(round, 8)), 1_000_000_000))
        }
        preconditionFailure("rounds have no end")
    }

    /// Asks for the end of pod `id`, and sees to it that somebody heeds that.
    package func stop(_ id: String, _ request: StopRequest) throws(PodsError) {
        guard let pod = try PodDirectory.find(id, in: pods) else { throw .noPod(id) }
        do throws(SystemError) { try pod.request(request) } catch { throw PodList.gone(.pods(error), id) }
        try supervise(id)
    }

    /// A pod may be removed between any two looks at it: then it is not there.
    private static func gone(_ error: PodsError, _ id: String) -> PodsError {
        if case .pods(let failure) = error, failure.code == .ENOENT { .noPod(id) } else { error }
    }

    /// Removes what is kept of a pod that has ended; `reason` and `message` are for who asks what happened to it.
    package func remove(
        _ id: String, reason: String = "Removed", message: String = "removed by a command"
    ) throws(PodsError) {
        PodDirectory.sweep(pods)
        guard let pod = try PodDirectory.find(id, in: pods), let status = try pod.presentStatus() else { return }
        guard status.isFinal else { throw .podLives(pod.record.name) }
        // The last that its supervisor does; but that may have been another machine's life.
        try? PodSandbox.remove(PodSandbox.directory(of: id, root: rootPath))
        if pod.record.request.network == .pod {
            do throws(NetworkError) { try networks.detach(id, of: pod.record.request.tenant) } catch {
                throw .network(error)
            }
        }
        if let group = PodList.supervisorGroup(of: id, in: pods) { OwnPlace.removeLeftover(group) }
        let event = PodEvent(.removed, of: pod.record, reason: reason, message: message)
        do throws(SystemError) {
            if try pod.retire() { PodEventLog.add(event, in: pods) }
        } catch { throw .pods(error) }
    }

    /// Those that were removed, the last few of each tenant: what they were, how they ended, and what they printed.
    package var removed: PodList {
        PodList(pods: RemovedPods.directory(in: pods), rootPath: rootPath, storePath: storePath)
    }

    private init(pods: String, rootPath: String, storePath: String) {
        self.pods = pods
        self.rootPath = rootPath
        self.storePath = storePath
    }

    /// Forgets a pod of ``removed``.
    package func forget(_ id: String) throws(PodsError) {
        guard let pod = try PodDirectory.find(id, in: pods) else { throw .noPod(id) }
        do throws(SystemError) { try pod.remove() } catch { throw .pods(error) }
    }

    /// Where the supervisor of pod `id` is: not in its caller's group, which may end before the pod does.
    static func supervisorGroup(of id: String, in pods: String) -> CgroupPath? {
        guard let root = pods.split(separator: "/").last else { return nil }
        return try? CgroupPath("perigee/\(root).\(id).supervisor")
    }

    /// Where the log of pod `id` is.
    package func directory(of id: String) -> String { "\(pods)/\(id)" }

    /// Where the log of the one container of `entry` is, or of that which `container` names.
    package func directory(of entry: Entry, container: String?) throws(PodsError) -> String {
        guard let name = try entry.container(container) else { return directory(of: entry.record.id) }
        return "\(directory(of: entry.record.id))/\(PodDirectory.containersName)/\(name)"
    }
}
