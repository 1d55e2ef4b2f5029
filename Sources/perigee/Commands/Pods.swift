internal import Containers
internal import Linux
internal import OCI
internal import Pods

// `perigee pod ...` of pods that have a supervisor.
extension Verb {
    private static let json = Option("--json", "as JSON")

    static let podList = Verb(
        .podList, operands: "", summary: "list a tenant's pods",
        options: [TenantOption.option, Option("--all-tenants", "of every tenant"), json],
        run: { arguments, global in
            try none(arguments, "pod list")
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                let entries = try list.entries(tenant: arguments.has("--all-tenants") ? nil : tenant.name)
                if arguments.has("--json") {
                    return CommandLineTool.printed(JSON.Value.array(entries.map(\.json)).text(indent: 2) + "\n")
                }
                let head = ["TENANT", "NAME", "PHASE", "REASON", "EXIT", "IMAGE", "AGE"]
                let rows = entries.map { entry in
                    [
                        entry.record.request.tenant, entry.record.name, entry.status.phase.rawValue,
                        entry.status.reason ?? "-", entry.status.exitCode.map { "\($0)" } ?? "-",
                        entry.record.request.image, age(since: entry.record.acceptedAt),
                    ]
                }
                return CommandLineTool.printed(Table.text(head, rows))
            }
        })

    static let podStatus = Verb(
        .podStatus, operands: "NAME", summary: "show the state of a pod, as JSON",
        options: [TenantOption.option],
        run: { arguments, global in
            try pod(arguments, global, "pod status") { list, found throws(PodsError) in
                // One whose supervisor was killed is found here, and gets another.
                try list.supervise(found.record.id)
                guard let entry = try list.entry(found.record.id) else { throw .noPod(found.record.name) }
                let answer = JSON.Value.object([
                    ("message", .string("Successfully fetched pod status")), ("data", entry.json),
                ])
                return CommandLineTool.printed(answer.text(indent: 2) + "\n")
            }
        })

    static let podInspect = Verb(
        .podInspect, operands: "NAME", summary: "show all that is kept of a pod, as JSON",
        options: [TenantOption.option],
        run: { arguments, global in
            try pod(arguments, global, "pod inspect") { _, entry throws(PodsError) in
                CommandLineTool.printed(entry.inspection.text(indent: 2) + "\n")
            }
        })

    static let podStats = Verb(
        .podStats, operands: "NAME", summary: "show what a pod uses, as JSON: bytes, and times in nanoseconds",
        options: [TenantOption.option],
        run: { arguments, global in
            try pod(arguments, global, "pod stats") { _, entry throws(PodsError) in
                do throws(ContainersError) {
                    let root = try RuntimeRoot.at(path: global.root)
                    let container = try Container.find(try ContainerIdentifier(entry.record.id), in: root, for: .look)
                    let statistics = try container.statistics()
                    return CommandLineTool.printed(statistics.json.text(indent: 2) + "\n")
                } catch {
                    if case .noContainer = error { throw .notRunning(entry.record.name) }
                    throw .containers(error)
                }
            }
        })

    static let podLogs = Verb(
        .podLogs, operands: "NAME", summary: "print what a pod has printed",
        options: [
            TenantOption.option, Option("--follow", short: "-f", "wait for more until the pod has ended"),
            Option("--timestamps", "the time before each line"),
        ],
        run: { arguments, global in
            try pod(arguments, global, "pod logs") { list, entry throws(PodsError) in
                let id = entry.record.id
                let isLive = try list.supervise(id)
                return try show(
                    id, list, timestamps: arguments.has("--timestamps"),
                    follows: isLive && arguments.has("--follow"))
            }
        })

    static let podWait = Verb(
        .podWait, operands: "NAME", summary: "wait for the end of a pod, and end as its command did",
        options: [TenantOption.option],
        run: { arguments, global in
            try pod(arguments, global, "pod wait") { list, entry throws(PodsError) in
                try list.end(of: entry.record.id).exitStatus
            }
        })

    static let podStop = Verb(
        .podStop, operands: "NAME", summary: "end a pod: its stop signal, and KILL after the grace period",
        options: [
            TenantOption.option, Option("--time", short: "-t", value: "TIME", "the grace period (default: the pod's)"),
        ],
        run: { arguments, global in
            let grace = try grace(arguments)
            return try pod(arguments, global, "pod stop") { list, entry throws(PodsError) in
                let id = entry.record.id
                try list.stop(id, StopRequest(reason: "Stopped", message: "stopped by a command", grace: grace))
                _ = try list.end(of: id)
                return 0
            }
        })

    static let podRemove = Verb(
        .podRemove, operands: "NAME", summary: "remove what is kept of a pod that has ended",
        options: [TenantOption.option, Option("--force", short: "-f", "end it first")],
        run: { arguments, global in
            try pod(arguments, global, "pod rm") { list, entry throws(PodsError) in
                let id = entry.record.id
                if arguments.has("--force") {
                    try list.stop(id, StopRequest(reason: "Stopped", message: "removed by a command", grace: 0))
                    _ = try list.end(of: id)
                }
                try list.remove(id)
                return 0
            }
        })

    static let podSupervise = Verb(
        .podSupervise, operands: "ID", summary: "stay with a pod; other commands start this", options: [],
        run: { arguments, global in
            let id = try name(arguments, "pod supervise")
            do throws(PodsError) {
                let root: RuntimeRoot
                do throws(ContainersError) { root = try RuntimeRoot.at(path: global.root) } catch {
                    throw .containers(error)
                }
                try Supervisor.run(id, in: root, store: global.store)
                return 0
            } catch { return Report.failed(error.description, status: error.managementStatus) }
        })

    // MARK: what they share

    private static func none(_ arguments: Arguments, _ verb: String) throws(UsageError) {
        guard arguments.operands.isEmpty, arguments.command == nil else {
            throw UsageError("\(verb): takes no operand")
        }
    }

    private static func name(_ arguments: Arguments, _ verb: String) throws(UsageError) -> String {
        guard arguments.operands.count == 1, arguments.command == nil, !arguments.operands[0].isEmpty else {
            throw UsageError("\(verb): needs one operand, the pod's name")
        }
        return arguments.operands[0]
    }

    /// Milliseconds.
    private static func grace(_ arguments: Arguments) throws(UsageError) -> UInt64? {
        guard let text = arguments["--time"] else { return nil }
        guard let time = text == "0" ? 0 : Quantity.nanoseconds(text) else {
            throw UsageError("pod stop: --time '\(text)' is not a time such as 10s")
        }
        return time / 1_000_000
    }

    private static func pods(
        _ arguments: Arguments, _ global: GlobalOptions,
        _ body: (PodList, Tenant) throws(PodsError) -> Int32
    ) throws -> Int32 {
        do throws(PodsError) {
            let configuration = try Configuration.read(global.configuration)
            let tenant = try TenantOption.tenant(arguments, configuration)
            return try body(try PodList.open(global), tenant)
        } catch { return Report.failed(error.description, status: error.managementStatus) }
    }

    /// The same with the pod that the one operand names.
    private static func pod(
        _ arguments: Arguments, _ global: GlobalOptions, _ verb: String,
        _ body: (PodList, PodList.Entry) throws(PodsError) -> Int32
    ) throws -> Int32 {
        let name = try name(arguments, verb)
        return try pods(arguments, global) { list, tenant throws(PodsError) in
            try body(list, try list.entry(of: name, tenant: tenant.name))
        }
    }

    /// Prints the log, and with `follows` what comes until the pod has ended.
    static func show(
        _ id: String, _ list: PodList, timestamps: Bool, follows: Bool
    ) throws(PodsError) -> Int32 {
        do throws(SystemError) {
            guard var reader = try PodLogReader.open(list.directory(of: id), timestamps: timestamps, follows: follows)
            else { return 0 }
            var isLast = !follows
            while true {
                while let (out, err) = try reader.next() {
                    try Descriptor.standardOutput.write(out)
                    try Descriptor.standardError.write(err)
                }
                if isLast { return 0 }
                try reader.await(milliseconds: 1000)
                isLast = (try? list.supervise(id)) != true
            }
        } catch {
            if error.code == .EPIPE { return 1 }
            throw .pods(error)
        }
    }

    private static func age(since accepted: UInt64) -> String {
        let seconds = Int((Clock.wall() &- min(Clock.wall(), accepted)) / 1_000_000_000)
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<7200: return "\(seconds / 60)m"
        case ..<172_800: return "\(seconds / 3600)h"
        default: return "\(seconds / 86_400)d"
        }
    }
}

extension PodList {
    /// Of the root and the store that the command line names.
    static func open(_ global: GlobalOptions) throws(PodsError) -> PodList {
        let root: RuntimeRoot
        do throws(ContainersError) { root = try RuntimeRoot.at(path: global.root) } catch { throw .containers(error) }
        return try PodList(of: root, store: global.store)
    }
}

extension PodList.Entry {
    /// REQUIREMENTS, "Status JSON".
    var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = [
            ("tenant", .string(record.request.tenant)), ("pod_name", .string(record.name)), ("id", .string(record.id)),
            ("hostname", .string(record.hostname)),
        ]
        if let node = record.node { members.append(("node", .string(node))) }
        if let task = record.task { members.append(("task", .string(task))) }
        members.append(("image", .string(record.request.image)))
        members.append(("phase", .string(status.phase.rawValue)))
        if let reason = status.reason { members.append(("reason", .string(reason))) }
        if let message = status.message { members.append(("message", .string(message))) }
        members.append(("acceptedAt", .string(Clock.rfc3339(record.acceptedAt))))
        members.append(
            (
                "conditions",
                .array([.object([("type", .string("PodScheduled")), ("status", .string("True"))])])
            ))
        members.append(("state", status.containerState))
        return .object(members)
    }
}
