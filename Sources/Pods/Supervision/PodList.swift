internal import Cgroups
package import Containers
internal import Glibc
internal import Images
internal import Linux
internal import Network
internal import OCI

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

    func openRoot() throws(PodsError) -> RuntimeRoot {
        do throws(ContainersError) { return try RuntimeRoot.at(path: rootPath) } catch { throw .containers(error) }
    }

    func openStore() throws(PodsError) -> ImageStore {
        do throws(ImagesError) { return try ImageStore(path: storePath) } catch { throw .images(error) }
    }

    /// A pod, for whoever looks.
    package struct Entry: Sendable {
        package let record: PodRecord
        package let status: PodStatus
        /// Output that could not be kept; nil: none.
        package var lostOutput: LostOutput?
        /// Its processes are stopped where they are.
        package var isPaused = false
        /// In its tenant's network; nil: it is not asked for, or has none now.
        package var address: String?
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

    /// Has those looked after whose supervisors were killed, and waits a moment for what is found of those that have ended
    /// meanwhile. False: there are none.
    package func takeOver(_ entries: [Entry]) throws(PodsError) -> Bool {
        var taken: [String] = []
        var isAny = false
        for entry in entries where !entry.status.isFinal {
            if PodDirectory.isSupervised(entry.record.id, in: pods) { continue }
            isAny = true
            let hasEnded = hasEnded(entry)
            do throws(PodsError) {
                if try supervise(entry.record.id), hasEnded { taken.append(entry.record.id) }
            } catch {
                guard case .noPod = error else { throw error }
            }
        }
        let tries = 200
        for _ in 0..<tries {
            var rest: [String] = []
            for id in taken where try status(of: id)?.isFinal == false { rest.append(id) }
            if rest.isEmpty { break }
            taken = rest
            Clock.pause(10_000_000)
        }
        return isAny
    }

    /// Whether one of its containers that are said to run does not.
    private func hasEnded(_ entry: Entry) -> Bool {
        guard entry.status.isRunning, let root = try? openRoot() else { return false }
        return entry.running.contains { name in
            do throws(ContainersError) {
                guard let found = try SupervisedContainer.find(try ContainerIdentifier(name), in: root) else {
                    return true
                }
                return (try? found.process()) == nil
            } catch { return false }
        }
    }

    /// The host name of the pod that process `process` stays with; nil: none.
    package func hostname(supervisedBy process: Int32) -> String? {
        guard let text = try? Descriptor.workingDirectory.readFile("/proc/\(process)/cgroup", limit: 1 << 16),
            let root = pods.split(separator: "/").last
        else { return nil }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            guard let name = line.split(separator: "/").last, name.hasPrefix(root + "."), name.hasSuffix(".supervisor")
            else { continue }
            let id = name.dropFirst(root.count + 1).dropLast(".supervisor".count)
            return (try? entry(String(id)))??.record.hostname
        }
        return nil
    }

    /// nil: there is no such pod.
    package func status(of id: String) throws(PodsError) -> PodStatus? {
        guard let pod = try PodDirectory.find(id, in: pods) else { return nil }
        return try pod.presentStatus()
    }

    /// What another command runs for a pod whose supervisor is gone.
    func words(toSupervise id: String) -> [String] { own("pod", "supervise", id) }

    /// A command about these pods.
    func own(_ words: String...) -> [String] {
        ["perigee", "--root", rootPath, "--store", storePath] + words
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

    /// Waits for the end of pod `id`, which was there, however often its supervisor is killed.
    package func end(of id: String) throws(PodsError) -> PodStatus {
        let patience = 10
        for round in 0... {
            guard let pod = try PodDirectory.find(id, in: pods), try pod.presentStatus() != nil else {
                return try endOfRemoved(id)
            }
            do throws(PodsError) {
                if try supervise(id) { try pod.awaitSupervisor() }
            } catch {
                if case .noPod = PodList.gone(error, id) { return try endOfRemoved(id) }
                throw error
            }
            guard let status = try pod.presentStatus() else { return try endOfRemoved(id) }
            if status.isFinal { return status }
            // It was killed, or has not begun yet; or it can't do its work, and has said why.
            if round >= patience, let failure = pod.failure() { throw .supervisor(pod.record.name, failure) }
            Clock.pause(min(5_000_000 << Int64(min(round, 8)), 1_000_000_000))
        }
        preconditionFailure("rounds have no end")
    }

    /// How a pod ended that somebody has removed since it was there.
    private func endOfRemoved(_ id: String) throws(PodsError) -> PodStatus {
        try removed.status(of: id) ?? .removed
    }

    /// Asks for the end of pod `id`, and sees to it that somebody heeds that. One that has ended is left as it is.
    package func stop(_ id: String, _ request: StopRequest) throws(PodsError) {
        guard let pod = try PodDirectory.find(id, in: pods) else { throw .noPod(id) }
        if try pod.presentStatus()?.isFinal == true { return }
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
