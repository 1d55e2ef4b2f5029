internal import Containers
package import Images
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
    private var follower: PodFollower
    /// Tells what happens, a line each.
    private let tell: (String) -> Void

    /// The operation of the task file at `path`, for `tenant`.
    package static func begin(
        _ operation: Operation, at path: String, _ tenant: Tenant, _ configuration: Configuration, _ list: PodList,
        _ store: ImageStore, tell: @escaping (String) -> Void
    ) throws(PodsError) -> SequenceRun {
        let sources = try UplinkDirectory.of(taskFile: path)
        let follower = try PodFollower.make(list, tell: tell)
        return SequenceRun(operation, tenant, configuration, list, store, sources, follower, tell)
    }

    private init(
        _ operation: Operation, _ tenant: Tenant, _ configuration: Configuration, _ list: PodList, _ store: ImageStore,
        _ sources: consuming UplinkDirectory, _ follower: consuming PodFollower, _ tell: @escaping (String) -> Void
    ) {
        self.operation = operation
        self.tenant = tenant
        self.configuration = configuration
        self.list = list
        self.store = store
        self.sources = sources
        self.follower = follower
        self.tell = tell
    }

    /// The signal that has ended it; nil: none has.
    package var signal: Int32? { follower.interrupted }

    private static let interrupted = "skipped: interrupted"

    /// What has refused pods of it, first of all; nil: nothing has.
    package private(set) var refusal: PodsError?

    /// All steps, in the order of the file.
    package mutating func run() throws(PodsError) -> [StepResult] {
        var results: [StepResult] = []
        var ended: String?
        for group in operation.groups {
            if ended == nil, try follower.isInterrupted() { ended = SequenceRun.interrupted }
            let done = ended == nil ? try run(group) : group.steps.map { StepResult(id: $0.id, failure: ended) }
            for (step, result) in zip(group.steps, done) {
                if ended == nil, let failure = result.failure, step.onFailure == .stop || signal != nil {
                    tell("step \(step.id): \(failure)")
                    ended = signal == nil ? "skipped: step \(step.id) failed" : SequenceRun.interrupted
                }
            }
            results += done
        }
        return results
    }

    /// Copies what is to be uplinked, and submits the pods as ``PodList/submitAndLeave(_:of:_:from:)`` does; returns where it was
    /// interrupted before, or where there are none. The pods of a later step wait for those before. An uplink behind a pod needs
    /// somebody who stays with the steps.
    ///
    /// - Throws: ``PodsError/notDetachable``
    package mutating func submit() throws(PodsError) {
        let uplinks = operation.groups.prefix { $0.steps.contains { $0.pod == nil } }
        let pods = Array(operation.groups[uplinks.count...])
        if let late = pods.flatMap(\.steps).first(where: { $0.pod == nil }) { throw .notDetachable(late.id) }
        var records: [[PodRecord]] = []
        let submission = ContainerIdentifier.random().text
        var before: [Predecessor] = []
        for (number, group) in pods.enumerated() {
            var own = try self.records(of: group, submission)
            for i in own.indices {
                own[i].step = number
                own[i].after = before
                own[i].hasSuccessors = number < pods.count - 1
            }
            before = zip(own, group.steps).map { record, step in
                Predecessor(
                    id: record.id, step: step.id, mayFail: step.onFailure == .continue,
                    mayTimeOut: step.pod?.onTimeout == .success)
            }
            records.append(own)
        }
        for group in uplinks {
            for result in try run(group) where result.failure != nil {
                throw .step(result.id, result.failure ?? "")
            }
            if try follower.isInterrupted() { return }
        }
        if try follower.isInterrupted() || records.isEmpty { return }
        try list.submitAndLeave(records, of: tenant, configuration)
    }

    private mutating func run(_ group: StepGroup) throws(PodsError) -> [StepResult] {
        if let step = group.steps.first, case .uplink(let uplink) = step.work {
            let count = uplink.sources.count
            tell("step \(step.id): \(count) file\(count == 1 ? "" : "s") to volume \(uplink.volume)")
            do throws(PodsError) {
                try copy(uplink)
                return [StepResult(id: step.id, failure: nil)]
            } catch {
                _ = try follower.isInterrupted()
                return [
                    StepResult(
                        id: step.id, failure: "Sequence execution fails. (step \(step.id): \(error.summary))")
                ]
            }
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
        _ = try volume.put(
            files, to: uplink.destination.description, in: store, limit: tenant.limits.transferSize,
            until: follower.askedToEnd)
    }

    // MARK: pods

    private mutating func runPods(_ group: StepGroup) throws(PodsError) -> [StepResult] {
        let records: [PodRecord]
        do throws(PodsError) {
            records = try self.records(of: group, ContainerIdentifier.random().text)
        } catch {
            // Nothing of a group is begun where one of it can't be.
            return group.steps.map { StepResult(id: $0.id, failure: error.summary) }
        }
        do throws(PodsError) { try list.submit([records], of: tenant, configuration) } catch {
            let failure = SequenceRun.failure(group, error)
            if failure == nil { refusal = refusal ?? error }
            return group.steps.map { StepResult(id: $0.id, failure: failure ?? error.summary) }
        }
        for record in records { tell("step \(record.task ?? ""): pod \(record.hostname) is accepted") }
        let ends = try follower.follow(records) { "step \($0.task ?? ""): pod \($0.hostname)" }
        var results: [StepResult] = []
        for (step, (record, status)) in zip(group.steps, zip(records, ends)) {
            results.append(StepResult(id: step.id, failure: SequenceRun.failure(step, record, status)))
        }
        return results
    }

    /// What was in the way of keeping the pods' records, of which none is left; nil: it is the submission that is refused.
    /// REQUIREMENTS, E18.
    private static func failure(_ group: StepGroup, _ error: PodsError) -> String? {
        switch error {
        case .podLimit, .nameTaken, .hostname: nil
        default: "Remote manifest upload fails. (manifests/\(group.steps.first?.id ?? "").yaml: \(error.summary))"
        }
    }

    /// REQUIREMENTS, E19.
    private static func failure(_ step: Step, _ record: PodRecord, _ status: PodStatus) -> String? {
        if status.phase == .succeeded { return nil }
        if status.reason == "DeadlineExceeded", step.pod?.onTimeout == .success { return nil }
        let code = status.exitCode.map { ", exit code \($0)" } ?? ""
        return "Sequence execution fails. (step \(step.id), pod \(record.hostname): \(status.reason ?? "Error")\(code)"
            + (status.message.map { ": \($0)" } ?? "") + ")"
    }

    /// The pods of a group, of one submission.
    private borrowing func records(of group: StepGroup, _ submission: String) throws(PodsError) -> [PodRecord] {
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
        try tenant.check(pod.network)
        var request = PodRequest(image: pod.image)
        request.tenant = tenant.name
        request.command = pod.command
        request.volume = pod.volume
        request.environment = pod.environment.map { "\($0.name)=\($0.value)" }
        request.timeout = pod.maxDuration.map { $0 * 1_000_000 }
        request.network = pod.network
        request.ports = pod.ports.compactMap(\.published)
        var record = try PodRecord.accepted(pod.name, request, tenant, submission: submission)
        record.task = step.id
        try record.place(on: pod.node.rawValue, configuration, task: step.id)
        record.hasInit = pod.hasInit
        return record
    }
}
