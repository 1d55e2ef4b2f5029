internal import Cgroups
package import Containers
internal import Glibc
internal import Images
internal import Linux
package import OCI

/// The pods of a root, for commands: what they are is on the disk, and a supervisor each stays with those that live.
package struct PodList {
    /// Where their directories are.
    package let pods: String
    private let rootPath: String
    private let storePath: String

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

        /// All that is kept of it.
        package var inspection: JSON.Value { .object([("pod", record.json), ("status", status.json)]) }
    }

    /// All, or those of one tenant, the eldest first.
    package func entries(tenant: String? = nil) throws(PodsError) -> [Entry] {
        var found: [Entry] = []
        for id in try PodDirectory.identifiers(in: pods) {
            if let tenant, !id.hasPrefix(tenant + "-") { continue }
            // One that was removed meanwhile is none.
            guard let entry = try entry(id), tenant == nil || entry.record.request.tenant == tenant else { continue }
            found.append(entry)
        }
        return found.sorted { ($0.record.acceptedAt, $0.record.id) < ($1.record.acceptedAt, $1.record.id) }
    }

    /// The pod `id`; nil: there is none.
    package func entry(_ id: String) throws(PodsError) -> Entry? {
        guard let pod = try PodDirectory.find(id, in: pods), let status = try pod.presentStatus() else { return nil }
        return Entry(record: pod.record, status: status)
    }

    /// The newest pod `name` of a tenant.
    package func entry(of name: String, tenant: String) throws(PodsError) -> Entry {
        let all = try entries(tenant: tenant)
        guard let last = all.last(where: { $0.record.name == name || $0.record.id == name }) else { throw .noPod(name) }
        return last
    }

    // MARK: acting

    /// Accepts the pods, which are one submission of `tenant`, and has them supervised.
    ///
    /// - Throws: ``PodsError/podLimit(live:most:)`` where they would be too many beside each other.
    package func submit(_ records: [PodRecord], of tenant: Tenant) throws(PodsError) {
        PodDirectory.sweep(pods)
        // Two can't both be the last for whom there is room.
        let turn = try TenantTurn.take(of: tenant.name, in: pods)
        do throws(PodsError) {
            try checkRoom(records, tenant)
            try make(records)
        } catch {
            turn.end()
            throw error
        }
        turn.end()
        for record in records { try supervise(record.id) }
    }

    /// All of them or none.
    private func make(_ records: [PodRecord]) throws(PodsError) {
        for (count, one) in records.enumerated() {
            var record = one
            // All at one time: another submission comes before all of them or after.
            (record.acceptedAt, record.acceptedBoot) = (records[0].acceptedAt, records[0].acceptedBoot)
            do throws(PodsError) { try PodDirectory.make(record, in: pods) } catch {
                for other in records.prefix(count) { try? PodDirectory.find(other.id, in: pods)?.remove() }
                throw error
            }
        }
    }

    private func checkRoom(_ records: [PodRecord], _ tenant: Tenant) throws(PodsError) {
        if tenant.limits.mode == .parallel {
            guard let most = tenant.limits.maximumPods else { return }
            let names = Set(records.map(\.name))
            let live = try entries(tenant: tenant.name).count { !$0.status.isFinal && !names.contains($0.record.name) }
            if Int64(live + records.count) > most { throw .podLimit(live: live, most: Int(most)) }
        } else if let most = tenant.limits.maximumGroup, Int64(records.count) > most {
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
        do throws(SystemError) {
            _ = try OwnProgram.detach(
                ["perigee", "--root", rootPath, "--store", storePath, "pod", "supervise", id], environment: [])
        } catch { throw .pods(error) }
        return true
    }

    /// nil: there is no such pod.
    package func status(of id: String) throws(PodsError) -> PodStatus? {
        guard let pod = try PodDirectory.find(id, in: pods) else { return nil }
        return try pod.presentStatus()
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

    /// Removes what is kept of a pod that has ended.
    package func remove(_ id: String) throws(PodsError) {
        PodDirectory.sweep(pods)
        guard let pod = try PodDirectory.find(id, in: pods), let status = try pod.presentStatus() else { return }
        guard status.isFinal else { throw .podLives(pod.record.name) }
        if let group = PodList.supervisorGroup(of: id, in: pods) { OwnPlace.removeLeftover(group) }
        do throws(SystemError) { try pod.remove() } catch { throw .pods(error) }
    }

    /// Where the supervisor of pod `id` is: not in its caller's group, which may end before the pod does.
    static func supervisorGroup(of id: String, in pods: String) -> CgroupPath? {
        guard let root = pods.split(separator: "/").last else { return nil }
        return try? CgroupPath("perigee/\(root).\(id).supervisor")
    }

    /// Where the log of pod `id` is.
    package func directory(of id: String) -> String { "\(pods)/\(id)" }
}
