internal import Cgroups
internal import Containers
internal import Glibc
internal import Images
internal import Launching
internal import Linux
internal import Network
internal import OCI
internal import Planning

/// The process that a pod has: it launches the pod's container, keeps what it prints, ends it at its deadline or where it is
/// asked to, and writes down how it ended. It may be killed at any moment: the next command that looks at the pod starts
/// another one, which goes on where this one was.
package struct Supervisor: ~Copyable {
    let pod: PodDirectory
    /// Held as long as this process lives.
    private let lock: OwnedDescriptor
    let list: PodList
    let store: ImageStore
    /// As long as the container runs nobody may remove what its root is made of. Kept here and not by a function, which may
    /// let go of a value that it does not use any more.
    var image: ImageHold?
    /// Until the container is there, whose init has it from then on; of a container without init as long as it runs.
    var slot: DeviceSlot?
    var node: NodeShare?
    var network: NetworkShare?
    /// The host's ports that are its, as long as it may run.
    var ports: [HeldPort] = []
    /// Of a pod of several containers all that they need; empty: the one of its request.
    var images: [String] = []
    var status: PodStatus
    /// Nobody has supervised it before, so that nothing of it can be there yet.
    let isFirst: Bool
    /// What killed commands had left was looked for.
    var isRepaired = false
    /// What the configuration was when the pod was accepted, as long as that was just now.
    private(set) var accepted: Configuration?
    /// The group that it is in; nil: still its caller's.
    private var place: OwnPlace?

    /// Takes pod `id` on until it has ended. Returns at once where another does already, or where it has ended.
    package static func run(_ id: String, of list: PodList) throws(PodsError) {
        guard let pod = try PodDirectory.find(id, in: list.pods) else { throw .noPod(id) }
        let status = try pod.status()
        let root = try list.openRoot()
        let store = try list.openStore()
        do throws(SystemError) {
            guard let lock = try own(pod) else { return }
            // What it was before the lock may be another supervisor's past.
            var supervisor = Supervisor(pod, lock, list, store, status, accepted: nil)
            do throws(PodsError) { supervisor.status = try supervisor.pod.status() } catch {
                if case .pods(let error) = error { throw error }
            }
            try supervisor.superviseOrTell(in: root)
        } catch { throw .pods(error) }
    }

    /// Takes a pod on that this process, or the one that it is a copy of, has just accepted.
    static func run(_ new: AcceptedPod, of list: PodList) throws(PodsError) {
        guard let pod = new.takeDirectory(), let lock = new.takeLock() else {
            return try run(new.record.id, of: list)
        }
        let root = try list.openRoot()
        let store = try list.openStore()
        do throws(SystemError) {
            var supervisor = Supervisor(pod, lock, list, store, new.status, accepted: new.configuration)
            try supervisor.superviseOrTell(in: root)
        } catch { throw .pods(error) }
    }

    /// The pod's lock; nil: another supervisor has it. Who only looks whether there is one has it for a moment, too.
    private static func own(_ pod: borrowing PodDirectory) throws(SystemError) -> OwnedDescriptor? {
        let milliseconds = 50
        for _ in 0..<milliseconds {
            if let lock = try pod.lock(exclusive: true, waiting: false) { return lock }
            Clock.pause(1_000_000)
        }
        return nil
    }

    private init(
        _ pod: consuming PodDirectory, _ lock: consuming OwnedDescriptor, _ list: PodList, _ store: ImageStore,
        _ status: PodStatus, accepted: Configuration?
    ) {
        self.pod = pod
        isFirst = accepted != nil
        self.accepted = accepted
        self.lock = lock
        self.list = list
        self.store = store
        self.status = status
    }

    // MARK: what is kept of it

    var record: PodRecord { pod.record }
    var directory: Descriptor { pod.directory.view }
    var path: String { pod.path }

    borrowing func request(_ stop: StopRequest) throws(SystemError) { try pod.request(stop) }
    borrowing func stopRequest() throws(SystemError) -> StopRequest? { try pod.stopRequest() }
    borrowing func write(_ status: PodStatus) throws(SystemError) { try pod.write(status) }
    borrowing func tell(_ event: PodEvent) { pod.tell(event) }

    /// The node's and its tenants', as it is now.
    borrowing func configuration() throws(PodsError) -> Configuration {
        if let accepted { return accepted }
        return try Configuration.read(record.configuration)
    }

    // MARK: where it is

    /// Before it waits or stays, which may be long: the configuration may change meanwhile, and its caller's group end.
    mutating func settleIn() {
        accepted = nil
        enterPlace()
    }

    /// Not its caller's group: that may end before the pod does. Without one it goes on where it is.
    mutating func enterPlace() {
        if place != nil { return }
        place = PodList.supervisorGroup(of: record.id, in: list.pods).flatMap { try? OwnPlace.enter($0) }
    }

    /// Before its last word: nobody looks after a pod that has ended.
    mutating func leavePlace() {
        place?.leave()
        place = nil
    }

    // MARK: others of its tenant

    borrowing func entries(of tenant: String) throws(PodsError) -> [PodList.Entry] { try list.entries(tenant: tenant) }
    /// Of a pod that has a supervisor from now on, if it needs one, or of one that was removed; nil: nothing is known of it.
    borrowing func status(of id: String) throws(PodsError) -> PodStatus? {
        if let status = try list.supervisedStatus(of: id) { return status }
        return try list.removed.status(of: id)
    }
    borrowing func call(_ id: String) { list.call(id) }
    var networks: PodNetworks { list.networks }

    /// What keeps it from its work is for who waits for the pod.
    private mutating func superviseOrTell(in root: borrowing RuntimeRoot) throws(SystemError) {
        do throws(SystemError) { try supervise(in: root) } catch {
            leavePlace()
            pod.setFailure("\(error)")
            throw error
        }
    }

    private mutating func supervise(in root: borrowing RuntimeRoot) throws(SystemError) {
        if status.isFinal { return }
        let record = pod.record
        if record.manifest != nil { return try superviseContainers(in: root) }
        let identifier: ContainerIdentifier
        do throws(ContainersError) { identifier = try ContainerIdentifier(record.id) } catch {
            return try finish(.failed, "CreateContainerError", "\(error)")
        }
        var volume: VolumeHold?
        if !isFirst, try isThere(identifier, in: root) {
            // Somebody else launched it, and was killed.
            tell(PodEvent(.takenOver, of: record, message: "the process that stayed with it before is gone"))
            volume = try? Volume(tenant: record.request.tenant, name: record.request.volume).hold(in: store)
            if !record.hasInit { takeSlotBack(in: root) }
            holdPortsAgain()
        } else if !isFirst, try isLost() {
            try lose()
            // What one that was killed has left of itself.
            enterPlace()
            return try settle()
        } else {
            guard try begin(in: root), try awaitGroup() else { return }
            let scheduled = PodEvent(.scheduled, of: record)
            do throws(PodsError) {
                try publish()
                volume = try launchAgain(identifier, telling: scheduled, in: root)
            } catch {
                tell(scheduled)
                if isFirst { list.tidyAside() }
                slot = nil
                let (reason, code) = error.podReason
                if let code {
                    status.exitCode = code
                    status.termination = reason
                }
                return try finish(.failed, reason, "\(error)")
            }
        }
        if isFirst { list.tidyAside() }
        if !holdsImage { image = try? store.hold(record.request.image) }
        settleIn()
        do throws(SystemError) { try watch(identifier, in: root) } catch {
            if let held = consume volume { held.end() }
            throw error
        }
        image = nil
        slot = nil
        if let held = consume volume { held.end() }
        try settle()
    }

    private var holdsImage: Bool {
        switch image {
        case .some: true
        case .none: false
        }
    }

    // MARK: what one before it may have done

    /// Whether the container is there; one that was killed may have begun to launch it.
    private mutating func isThere(
        _ identifier: ContainerIdentifier, in root: borrowing RuntimeRoot
    ) throws(SystemError) -> Bool {
        _ = repairOnce(root)
        do throws(ContainersError) { return try SupervisedContainer.find(identifier, in: root) != nil } catch {
            throw SystemError("open", identifier.text, detail: "\(error),", .EIO)
        }
    }

    /// Whether its container, which is not there, is not to begin any more: it ran, or was to in another life of the machine.
    private borrowing func isLost() throws(SystemError) -> Bool {
        if status.phase == .running { return true }
        return record.bootID != (try Boot.identifier())
    }

    /// A launch whose supervisor was killed may hold its directory a moment longer than that one lived, by the process that
    /// makes the first of a container: then a repair can't remove it yet.
    private mutating func launchAgain(
        _ identifier: ContainerIdentifier, telling scheduled: PodEvent, in root: borrowing RuntimeRoot
    ) throws(PodsError) -> VolumeHold? {
        let tries = 100
        for _ in 1..<tries {
            do throws(PodsError) { return try launch(identifier, telling: scheduled, in: root) } catch {
                guard case .containers(.identifierInUse) = error else { throw error }
            }
            Clock.pause(10_000_000)
            _ = Repair.run(in: root, and: store)
        }
        return try launch(identifier, telling: scheduled, in: root)
    }

    /// From the image to the command's first instruction. What was to be told before is told afterwards: the command does not
    /// wait for that.
    private mutating func launch(
        _ identifier: ContainerIdentifier, telling scheduled: PodEvent, in root: borrowing RuntimeRoot
    ) throws(PodsError) -> VolumeHold? {
        let record = pod.record
        var request = record.request
        request.timeline = false
        let time = request.timeout
        request.timeout = nil
        let deadline = time.map { Clock.boot() &+ $0 }
        let margin: UInt64 = 2_000_000_000
        var initial = ContainerInit(
            stopSignal: SIGTERM, grace: UInt32(clamping: record.terminationGrace),
            deadline: deadline.map { $0 &+ margin } ?? 0)
        initial.holdsLock = node?.lock != nil
        var prepared = try store.prepare(
            request,
            PodPlacement(
                identifier: identifier, hostname: record.hostname, initial: record.hasInit ? initial : nil,
                stopsOnSignal: false, node: node, network: network), image: shared(), in: root,
            phases: LaunchPhases(measured: false))
        guard let mount = prepared.mount.take() else { preconditionFailure("prepared with its root") }
        try launch(&prepared, mount, in: root)
        let stopSignal = prepared.stopSignal
        let held = prepared.keep()
        // The namespace is the container's from now on.
        network = nil
        if record.hasInit { slot = nil }
        status.phase = .running
        (status.reason, status.message) = (nil, nil)
        status.startedAt = Clock.wall()
        status.deadline = deadline
        status.stopSignal = stopSignal
        // The container is there and goes on: what can't be written now is written at its end.
        do throws(SystemError) { try pod.write(status) } catch {}
        tell(scheduled)
        tell(PodEvent(.started, of: record))
        return held
    }

    private func launch(
        _ prepared: inout PreparedPod, _ mount: consuming OwnedDescriptor, in root: borrowing RuntimeRoot
    ) throws(PodsError) {
        let streams: PodStreams
        do throws(SystemError) { streams = try PodStreams.open(in: pod.directory.view) } catch { throw .pods(error) }
        let exit = try exitRecord()
        do throws(ContainersError) {
            streams.become()
            defer { PodStreams.leave() }
            var launch = prepared.launch
            _ = try launch.leave(
                in: root, &prepared.state, rootFileSystem: mount, rootPath: pod.path, exitRecord: exit)
        } catch { throw .containers(error) }
    }

    /// Another hold of its image; nil: it has none.
    private borrowing func shared() -> ImageHold? {
        switch image {
        case .some(let held): held.shared()
        case .none: nil
        }
    }

    /// Where the command's init writes; nil: it has none.
    private func exitRecord() throws(PodsError) -> OwnedDescriptor? {
        if !pod.record.hasInit { return nil }
        do throws(SystemError) { return try pod.exitRecord() } catch { throw .pods(error) }
    }
}
