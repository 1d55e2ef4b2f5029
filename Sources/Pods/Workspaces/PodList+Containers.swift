internal import Containers
package import Images
internal import Linux

// Containers that people deploy: pods with a workspace, which go on until they are retired.
extension PodList {
    /// Those of `tenant`, or of all, the eldest first.
    package func containers(of tenant: String?) throws(PodsError) -> [Entry] {
        try entries(tenant: tenant).filter(\.record.isContainer)
    }

    /// The one of that name.
    package func container(_ name: String, of tenant: String) throws(PodsError) -> Entry {
        // Of a name there is one that lives, or the last one that has ended.
        let all = try containers(of: tenant).filter { $0.record.name == name || $0.record.id == name }
        guard let found = all.first(where: { !$0.status.isFinal }) ?? all.last else { throw .noContainer(name) }
        return found
    }

    /// Accepts a container and returns when its command runs. What can't begin is removed: nobody waits for room or for an
    /// image here.
    ///
    /// - Throws: ``PodsError/nameTaken(_:isContainer:)``, ``PodsError/podLimit(live:most:)``,
    ///   ``PodsError/notStarted(_:reason:message:status:)``
    package func deploy(
        _ record: PodRecord, of tenant: Tenant, _ configuration: Configuration
    ) throws(PodsError) {
        try submit([[record]], of: tenant, configuration)
        let step: UInt64 = 5_000_000
        var round: UInt64 = 0
        while true {
            guard let status = try status(of: record.id) else { throw .noContainer(record.name) }
            if status.startedAt != nil { return }
            if let failure = PodList.failure(of: record, status) {
                _ = try retire(record.id, grace: 0)
                throw failure
            }
            Clock.pause(Int64(step))
            round += 1
            // Its supervisor may have been killed.
            if round % 100 == 0 { try supervise(record.id) }
        }
    }

    /// Why it will not come to run now; nil: it may.
    private static func failure(of record: PodRecord, _ status: PodStatus) -> PodsError? {
        let reason = status.reason ?? ""
        let (busy, missing, failed): (Int32, Int32, Int32) = (3, 4, 1)
        let code: Int32
        switch reason {
        case "Unschedulable": code = busy
        case "ErrImageNeverPull": code = missing
        case "ImageInspectError": code = failed
        default:
            guard status.isFinal else { return nil }
            code = failed
        }
        return .notStarted(record.name, reason: reason, message: status.message ?? "", status: code)
    }

    /// Ends pod `id`, `grace` milliseconds after its stop signal by force, and waits for that.
    ///
    /// - Returns: how it ended; what had ended before is left as it is.
    package func halt(_ id: String, grace: UInt64) throws(PodsError) -> PodStatus {
        if let status = try status(of: id), status.isFinal { return status }
        try stop(id, StopRequest(reason: "Stopped", message: "stopped by a command", grace: grace))
        return try end(of: id)
    }

    /// Ends it and removes what is left of it. False: somebody else has done that meanwhile.
    package func retire(_ id: String, grace: UInt64) throws(PodsError) -> Bool {
        do throws(PodsError) {
            _ = try halt(id, grace: grace)
            guard try status(of: id) != nil else { return false }
            try remove(id, message: "retired by a command")
            return true
        } catch {
            if case .noPod = error { return false }
            throw error
        }
    }

    // MARK: what runs

    /// Whether its processes are stopped where they are.
    package func isPaused(_ entry: Entry) -> Bool {
        var isPaused = false
        do throws(PodsError) {
            try act(on: entry, for: .look) { container throws(ContainersError) in
                isPaused = try container.status() == .paused || isPaused
            }
        } catch {}
        return isPaused
    }

    /// Stops all its processes where they are; one that is paused stays so.
    package func pause(_ entry: Entry) throws(PodsError) {
        try act(on: entry, for: .change) { container throws(ContainersError) in
            if try container.status() != .paused { try container.pause() }
        }
    }

    /// Lets them go on.
    package func unpause(_ entry: Entry) throws(PodsError) {
        var isPaused = false
        try act(on: entry, for: .change) { container throws(ContainersError) in
            guard try container.status() == .paused else { return }
            isPaused = true
            try container.resume()
        }
        if !isPaused { throw .notPaused(entry.record.name) }
    }

    private func act(
        on entry: Entry, for use: Container.Use, _ body: (borrowing Container) throws(ContainersError) -> Void
    ) throws(PodsError) {
        guard entry.status.isRunning else { throw .notRunning(entry.record.name) }
        do throws(ContainersError) {
            let root = try RuntimeRoot.at(path: rootPath)
            for identifier in entry.running {
                try body(try Container.find(try ContainerIdentifier(identifier), in: root, for: use))
            }
        } catch {
            switch error {
            case .noContainer, .wrongStatus: throw .notRunning(entry.record.name)
            default: throw .containers(error)
            }
        }
    }

    // MARK: images

    /// The pods and containers of any tenant, also those that have ended, that were made of `image`.
    package func users(of image: ImageRecord, in store: ImageStore) throws(PodsError) -> [Entry] {
        try entries().filter { entry in
            entry.images.contains { (try? store.find($0))?.reference == image.reference }
        }
    }
}
