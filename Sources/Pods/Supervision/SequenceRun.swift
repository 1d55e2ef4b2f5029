internal import Containers
internal import Glibc
package import Images
internal import Linux
package import OCI

/// Carries out an operation's steps in the foreground: uplinks are copied, the pods of a group are submitted together and
/// followed until all have ended, and a failure ends what comes after it, unless its task says `continue`.
package struct SequenceRun: ~Copyable {
    /// What came of a step.
    package struct StepResult: Hashable, Sendable {
        package let id: String
        /// nil: it was fine.
        package let failure: String?

        package var json: JSON.Value {
            .object(
                [("id", .string(id)), ("status", .bool(failure == nil))]
                    + (failure.map { [("message", .string($0))] } ?? []))
        }
    }

    private let operation: Operation
    private let tenant: Tenant
    private let configuration: Configuration
    private let list: PodList
    private let store: ImageStore
    private let sources: UplinkDirectory
    private let signals: SignalSource
    private let watch: DirectoryWatch
    /// Tells what happens, a line each.
    private let tell: (String) -> Void
    /// The caller has asked for the end, by this signal.
    private var interrupted: Int32?

    /// The operation of the task file at `path`, for `tenant`.
    package static func begin(
        _ operation: Operation, at path: String, _ tenant: Tenant, _ configuration: Configuration, _ list: PodList,
        _ store: ImageStore, tell: @escaping (String) -> Void
    ) throws(PodsError) -> SequenceRun {
        let sources = try UplinkDirectory.of(taskFile: path)
        do throws(SystemError) {
            let signals = try SignalSource(SignalSource.heeded([SIGINT, SIGTERM, SIGHUP]))
            let watch = try DirectoryWatch.make()
            return SequenceRun(operation, tenant, configuration, list, store, sources, signals, watch, tell)
        } catch { throw .pods(error) }
    }

    private init(
        _ operation: Operation, _ tenant: Tenant, _ configuration: Configuration, _ list: PodList, _ store: ImageStore,
        _ sources: consuming UplinkDirectory, _ signals: consuming SignalSource, _ watch: consuming DirectoryWatch,
        _ tell: @escaping (String) -> Void
    ) {
        self.operation = operation
        self.tenant = tenant
        self.configuration = configuration
        self.list = list
        self.store = store
        self.sources = sources
        self.signals = signals
        self.watch = watch
        self.tell = tell
    }

    /// The signal that has ended it; nil: none has.
    package var signal: Int32? { interrupted }

    /// All steps, in the order of the file.
    package mutating func run() throws(PodsError) -> [StepResult] {
        var results: [StepResult] = []
        var ended: String?
        for group in operation.groups {
            let done = ended == nil ? try run(group) : group.steps.map { StepResult(id: $0.id, failure: ended) }
            for (step, result) in zip(group.steps, done) {
                if ended == nil, let failure = result.failure, step.onFailure == .stop || interrupted != nil {
                    tell("step \(step.id): \(failure)")
                    ended = "skipped: step \(step.id) failed"
                }
            }
            results += done
        }
        return results
    }

    /// Copies what is to be uplinked, submits the pods, and returns: their host names. That is an operation of uplinks and
    /// then one group of pods; of any other somebody must stay with the steps.
    ///
    /// - Throws: ``PodsError/notDetachable``
    package mutating func submit() throws(PodsError) -> [String] {
        let isPods = operation.groups.map { $0.steps.contains { $0.pod != nil } }
        guard isPods.last == true, isPods.dropLast().allSatisfy({ !$0 }), let last = operation.groups.last else {
            throw .notDetachable
        }
        for group in operation.groups.dropLast() {
            for result in try run(group) where result.failure != nil {
                throw .step(result.id, result.failure ?? "")
            }
        }
        let records = try records(of: last)
        try list.submit(records, of: tenant)
        return records.map(\.hostname)
    }

    private mutating func run(_ group: StepGroup) throws(PodsError) -> [StepResult] {
        if let step = group.steps.first, case .uplink(let uplink) = step.work {
            let count = uplink.sources.count
            tell("step \(step.id): \(count) file\(count == 1 ? "" : "s") to volume \(uplink.volume)")
            do throws(PodsError) {
                try copy(uplink)
                return [StepResult(id: step.id, failure: nil)]
            } catch { return [StepResult(id: step.id, failure: "\(error)")] }
        }
        return try runPods(group)
    }

    private borrowing func copy(_ uplink: UplinkTask) throws(PodsError) {
        var files: [UploadSource] = []
        for source in uplink.sources {
            files.append(
                UploadSource(name: source.name, path: source.path.description, taking: try sources.open(source)))
        }
        let volume = try Volume(tenant: tenant.name, name: uplink.volume)
        _ = try volume.put(files, to: uplink.destination.description, in: store, limit: tenant.limits.transferSize)
    }

    // MARK: pods

    private mutating func runPods(_ group: StepGroup) throws(PodsError) -> [StepResult] {
        let records: [PodRecord]
        do throws(PodsError) { records = try self.records(of: group) } catch {
            // Nothing of a group is begun where one of it can't be.
            return group.steps.map { StepResult(id: $0.id, failure: "\(error)") }
        }
        try list.submit(records, of: tenant)
        for record in records { tell("step \(record.task ?? ""): pod \(record.hostname) is accepted") }
        let ends = try follow(records)
        var results: [StepResult] = []
        for (step, (record, status)) in zip(group.steps, zip(records, ends)) {
            results.append(StepResult(id: step.id, failure: SequenceRun.failure(step, record, status)))
        }
        return results
    }

    /// REQUIREMENTS, E19.
    private static func failure(_ step: Step, _ record: PodRecord, _ status: PodStatus) -> String? {
        if status.phase == .succeeded { return nil }
        if status.reason == "DeadlineExceeded", step.pod?.onTimeout == .success { return nil }
        let code = status.exitCode.map { ", exit code \($0)" } ?? ""
        return "Sequence execution fails. (step \(step.id), pod \(record.hostname): \(status.reason ?? "Error")\(code)"
            + (status.message.map { ": \($0)" } ?? "") + ")"
    }

    /// The pods of a group, which are one submission.
    private borrowing func records(of group: StepGroup) throws(PodsError) -> [PodRecord] {
        let submission = ContainerIdentifier.random().text
        var records: [PodRecord] = []
        for step in group.steps {
            guard let pod = step.pod else { preconditionFailure("a group of pods") }
            do throws(PodsError) { records.append(try record(of: step, pod, submission)) } catch {
                throw .step(step.id, "\(error)")
            }
        }
        return records
    }

    private borrowing func record(of step: Step, _ pod: PodTask, _ submission: String) throws(PodsError) -> PodRecord {
        let node = try configuration.node(pod.node.rawValue, task: step.id)
        guard node.isEnabled else { throw .nodeDisabled(node.name) }
        // Without them the pod would not be what was asked for.
        guard !node.hasResources else { throw .nodeResources(node.name) }
        for port in pod.ports where port.host != nil {
            tell("warning: step \(step.id): port \(port.container) is not published: pods have no network yet")
        }
        var request = PodRequest(image: pod.image)
        request.tenant = tenant.name
        request.command = pod.command
        request.volume = pod.volume
        request.environment = pod.environment.map { "\($0.name)=\($0.value)" }
        request.timeout = pod.maxDuration.map { $0 * 1_000_000 }
        var record = try PodRecord.accepted(pod.name, request, tenant, submission: submission)
        record.task = step.id
        record.node = node.name.rawValue
        record.hasInit = pod.hasInit
        return record
    }

    /// Until all have ended; what changes is told.
    private mutating func follow(_ records: [PodRecord]) throws(PodsError) -> [PodStatus] {
        var seen: [PodStatus?] = records.map { _ in nil }
        for record in records {
            do throws(SystemError) { try watch.add(list.directory(of: record.id)) } catch {
                if error.code != .ENOENT { throw .pods(error) }
            }
        }
        while true {
            for (i, record) in records.enumerated() where seen[i]?.isFinal != true {
                let now = try status(of: record)
                // Why it has ended is told when it has.
                if now.ending == nil, now.phase != seen[i]?.phase || now.reason != seen[i]?.reason {
                    tell("step \(record.task ?? ""): pod \(record.hostname) is \(now.words)")
                }
                seen[i] = now
            }
            let ended = seen.compactMap { $0 }.filter(\.isFinal)
            if ended.count == records.count { return ended }
            try wait(records)
        }
    }

    /// After making sure that it has a supervisor. One that somebody has removed has failed.
    private borrowing func status(of record: PodRecord) throws(PodsError) -> PodStatus {
        do throws(PodsError) {
            try list.supervise(record.id)
            return try list.status(of: record.id) ?? .removed
        } catch {
            if case .noPod = error { return .removed }
            throw error
        }
    }

    /// For something to happen to the pods, or for the caller to ask for their end. Who was killed tells nobody: so it is
    /// looked after now and then.
    private mutating func wait(_ records: [PodRecord]) throws(PodsError) {
        do throws(SystemError) {
            let ready = try Poll.readable([watch.view, signals.view], timeout: 1000)
            if ready[0] { try watch.clear() }
            if ready[1] { interrupted = try signals.next() }
            guard ready[1] else { return }
        } catch { throw .pods(error) }
        for record in records {
            do throws(PodsError) {
                try list.stop(record.id, StopRequest(reason: "Stopped", message: "its caller was asked to end"))
            } catch {
                if case .noPod = error { continue }
                throw error
            }
        }
    }
}

extension PodStatus {
    /// `Running`, `Pending, ErrImageNeverPull: …`
    fileprivate var words: String {
        phase.rawValue + (reason.map { ", \($0)" } ?? "") + (message.map { ": \($0)" } ?? "")
    }
}
