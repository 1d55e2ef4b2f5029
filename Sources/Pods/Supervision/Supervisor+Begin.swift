internal import Containers
internal import Images
internal import Linux

// A pod before it runs: those that it replaces end, its node gives it what it asks for, and its image is there.
extension Supervisor {
    /// Whether it may run: the image is there, its node has room, and nobody has asked for its end.
    mutating func begin(in root: borrowing RuntimeRoot) throws(SystemError) -> Bool {
        let record = pod.record
        guard try awaitTurn() else { return false }
        // Its time to start begins with its turn.
        let turn = record.after.isEmpty ? record.acceptedBoot : Clock.boot()
        if let newer = try replaceOthers() {
            let message = Supervisor.replaced(by: newer)
            try finish(.failed, "Replaced", message)
            // The newer one may have looked before this one was there.
            do throws(PodsError) { try list.remove(record.id, reason: "Replaced", message: message) } catch {}
            return false
        }
        // Plugins are told the ports at once, which must be held by then.
        let isLast = attachesLast
        if !isLast { guard try attach(in: root) else { return false } }
        if let answer = try mayRun(in: root) { return answer && isLast ? try attach(in: root) : answer }
        // What it lacks may be what a dead command has.
        if repairOnce(root), let answer = try mayRun(in: root) {
            return answer && isLast ? try attach(in: root) : answer
        }
        let timer = try DeadlineTimer()
        try timer.arm(at: turn &+ record.startGrace &* 1_000_000)
        let asked = try PodWake.open(in: directory)
        let images = try DirectoryWatch.begin(store.path + "/images")
        while true {
            settleIn()
            if let answer = try mayRun(in: root) { return answer && isLast ? try attach(in: root) : answer }
            // A node tells nobody when it has room again.
            let milliseconds: Int32? = status.reason == Supervisor.unschedulable ? 250 : nil
            let ready = try Poll.readable([timer.view, asked.view, images.view], timeout: milliseconds)
            if ready[0] {
                let seconds = record.startGrace / 1000
                let last = "\(status.reason ?? ""): \(status.message ?? "")"
                try finish(.failed, "StartTimeout", "Pod did not start within \(seconds) s; last state \(last)")
                return false
            }
            try asked.clear()
            try images.clear()
        }
    }

    private static let unschedulable = "Unschedulable"

    /// nil: not yet, since its image is not there, or its node has no room.
    private mutating func mayRun(in root: borrowing RuntimeRoot) throws(SystemError) -> Bool? {
        if let stop = try pod.stopRequest() {
            try finish(.failed, stop.reason, stop.message)
            return false
        }
        for image in images.isEmpty ? [pod.record.request.image] : images {
            do throws(ImagesError) {
                if images.isEmpty { self.image = try store.hold(image) } else { _ = try store.find(image) }
            } catch {
                let reason = error.isMissing ? "ErrImageNeverPull" : "ImageInspectError"
                let message =
                    error.isMissing
                    ? "Container image \"\(image)\" is not present with pull policy of Never" : "\(error)"
                // Nobody brings it while a sequence waits.
                if error.isMissing, record.task != nil {
                    try finish(.failed, reason, message)
                    return false
                }
                for i in status.containers.indices where status.containers[i].image == image {
                    status.containers[i].state = .waiting(reason: reason, message: message)
                }
                try wait(reason, message)
                return nil
            }
        }
        // Last: who has a slot can begin.
        do throws(PodsError) {
            try holdPorts()
            try takePlace(in: root)
        } catch {
            ports = []
            image = nil
            try wait(Supervisor.unschedulable, error.summary)
            return nil
        }
        return true
    }

    private mutating func wait(_ reason: String, _ message: String) throws(SystemError) {
        if status.reason == reason, status.message == message { return }
        (status.reason, status.message) = (reason, message)
        try pod.write(status)
        tell(PodEvent(.waiting, of: pod.record, reason: reason, message: message))
    }

    /// What it gets of its node, as the configuration has that now.
    private mutating func takePlace(in root: borrowing RuntimeRoot) throws(PodsError) {
        let record = pod.record
        guard let name = record.node else { return }
        let configuration = try configuration()
        let profile = try configuration.node(name)
        guard profile.isEnabled else { throw .nodeDisabled(profile.name) }
        slot = try DeviceSlot.take(profile, tenant: record.request.tenant, pod: record.name, in: root)
        node = NodeShare(
            profile, slot: slot?.slot, lock: slot?.lock, cdiDirectories: configuration.cdiDirectories)
        guard let taken = slot?.slot else { return }
        status.slot = taken
        do throws(SystemError) { try pod.write(status) } catch { throw .pods(error) }
    }

    /// Of a container without init the slot was free from the death of its supervisor on; somebody else may have it now.
    mutating func takeSlotBack(in root: borrowing RuntimeRoot) {
        let record = pod.record
        guard let name = record.node, let own = status.slot,
            let profile = try? configuration().node(name)
        else { return }
        slot = try? DeviceSlot.take(
            profile, only: own, tenant: record.request.tenant, pod: record.name, in: root)
    }

    /// Those of the tenant that were submitted before this one's submission end, and go. Returns one that came later, which
    /// waits for this one to go in turn: of two submissions at least the one that is found second sees the other.
    private mutating func replaceOthers() throws(SystemError) -> PodRecord? {
        let own = pod.record
        let boot = isFirst ? own.bootID : try Boot.identifier()
        var newer: PodRecord?
        do throws(PodsError) {
            // Of pods that run beside each other only the one of the same name; so it is with containers.
            let name = own.isParallel || own.isContainer ? own.name : nil
            for other in try list.entries(tenant: own.request.tenant, name: name, except: own.id) {
                if other.record.isContainer, other.record.name != own.name { continue }
                if other.record.precedes(own, boot: boot) {
                    try replace(other)
                } else if own.precedes(other.record, boot: boot) {
                    newer = other.record
                }
            }
        } catch { throw SystemError("unlinkat", "the tenant's former pod", detail: "\(error),", .EIO) }
        if status.message != nil {
            status.message = nil
            try pod.write(status)
        }
        return newer
    }

    private mutating func replace(_ other: PodList.Entry) throws(PodsError) {
        if !other.status.isFinal {
            settleIn()
            status.message = "waiting for pod \(other.record.name) to be removed"
            do throws(SystemError) { try pod.write(status) } catch { throw .pods(error) }
            do throws(PodsError) {
                try list.stop(
                    other.record.id, StopRequest(reason: "Replaced", message: Supervisor.replaced(by: pod.record)))
                _ = try list.end(of: other.record.id)
            } catch {
                if case .noPod = error { return }
                throw error
            }
        }
        try list.remove(other.record.id, reason: "Replaced", message: Supervisor.replaced(by: pod.record))
    }

    private static func replaced(by newer: PodRecord) -> String {
        "Removed because a newer pod was submitted (\(newer.hostname))"
    }
}
