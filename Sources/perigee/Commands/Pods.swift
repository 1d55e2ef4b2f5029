internal import Containers
internal import Linux
internal import OCI
internal import Pods

// `perigee pod ...` of pods that have a supervisor.
extension Verb {
    private static let json = Option("--json", "as JSON")
    private static let removed = Option(
        "--removed", "of those that were removed or replaced, the last five of a tenant")

    static let podList = Verb(
        .podList, operands: "", summary: "list a tenant's pods",
        options: [TenantOption.option, Option("--all-tenants", "of every tenant"), removed, json],
        run: { arguments, global in
            try none(arguments, "pod list")
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                let whose = arguments.has("--all-tenants") ? nil : tenant.name
                var entries = try list.entries(tenant: whose)
                if !arguments.has("--removed"), try list.takeOver(entries) { entries = try list.entries(tenant: whose) }
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
            let name = try podName(arguments, "pod status")
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                let found: PodList.Entry
                do throws(PodsError) { found = try list.entry(of: name, tenant: tenant.name) } catch {
                    guard case .noPod = error else { throw error }
                    let answer = JSON.Value.object([
                        ("error", .string("POD_NOT_FOUND")), ("message", .string(error.summary)),
                    ])
                    _ = CommandLineTool.printed(answer.text(indent: 2) + "\n")
                    throw error
                }
                _ = try list.takeOver([found])
                guard var entry = try list.entry(found.record.id) else { throw .noPod(found.record.name) }
                entry.address = list.address(of: entry.record)
                entry.isPaused = entry.status.isRunning && list.isPaused(entry)
                let answer = JSON.Value.object([
                    ("message", .string("Successfully fetched pod status")), ("data", entry.json),
                ])
                return CommandLineTool.printed(answer.text(indent: 2) + "\n")
            }
        })

    static let podInspect = Verb(
        .podInspect, operands: "NAME", summary: "show all that is kept of a pod, as JSON",
        options: [TenantOption.option, removed],
        run: { arguments, global in
            try pod(arguments, global, "pod inspect") { _, entry throws(PodsError) in
                CommandLineTool.printed(entry.inspection.text(indent: 2) + "\n")
            }
        })

    static let podLogs = Verb(
        .podLogs, operands: "NAME", summary: "print what a pod has printed",
        options: [
            TenantOption.option, ContainerOption.option,
            Option("--follow", short: "-f", "wait for more until the pod has ended"),
            Option("--timestamps", "the time before each line"), removed,
        ],
        run: { arguments, global in
            try pod(arguments, global, "pod logs") { list, entry throws(PodsError) in
                let id = entry.record.id
                let directory = try list.directory(of: entry, container: arguments["--container"])
                let isLive = try list.supervise(id)
                return try show(
                    id, in: directory, list, timestamps: arguments.has("--timestamps"),
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
        .podStop, operands: "NAME...", summary: "end pods: their stop signal, and KILL after the grace period",
        options: [
            TenantOption.option,
            Option("--time", short: "-t", value: "TIME", "the grace period (default: the pod's)"),
            Option("--ignore", "a pod that there is not is no error"),
        ],
        run: { arguments, global in
            let grace = try grace(arguments)
            guard !arguments.operands.isEmpty, arguments.command == nil, !arguments.operands.contains("") else {
                throw UsageError("pod stop: needs the names of pods")
            }
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                let request = StopRequest(reason: "Stopped", message: "stopped by a command", grace: grace)
                var ids: [String] = []
                for name in arguments.operands {
                    do throws(PodsError) {
                        let id = try list.entry(of: name, tenant: tenant.name).record.id
                        try list.stop(id, request)
                        ids.append(id)
                    } catch {
                        guard case .noPod = error, arguments.has("--ignore") else { throw error }
                    }
                }
                for id in ids { _ = try list.end(of: id) }
                return 0
            }
        })

    static let podRemove = Verb(
        .podRemove, operands: "NAME", summary: "remove a pod that has ended",
        options: [TenantOption.option, Option("--force", short: "-f", "end it first"), removed],
        run: { arguments, global in
            try pod(arguments, global, "pod rm") { list, entry throws(PodsError) in
                let id = entry.record.id
                if arguments.has("--removed") {
                    try list.forget(id)
                    return 0
                }
                if arguments.has("--force") {
                    try list.stop(id, StopRequest(reason: "Stopped", message: "removed by a command", grace: 0))
                    _ = try list.end(of: id)
                }
                _ = try list.takeOver([entry])
                try list.remove(id)
                return 0
            }
        })

    // MARK: what they share

    private static func none(_ arguments: Arguments, _ verb: String) throws(UsageError) {
        guard arguments.operands.isEmpty, arguments.command == nil else {
            throw UsageError("\(verb): takes no operand")
        }
    }

    static func podName(_ arguments: Arguments, _ verb: String) throws(UsageError) -> String {
        guard arguments.operands.count == 1, arguments.command == nil, !arguments.operands[0].isEmpty else {
            throw UsageError("\(verb): needs one operand, the pod's name")
        }
        return arguments.operands[0]
    }

    /// Milliseconds.
    private static func grace(_ arguments: Arguments) throws(UsageError) -> UInt64? {
        guard let text = arguments["--time"] else { return nil }
        guard let time = ["0", "0s"].contains(text) ? 0 : Quantity.nanoseconds(text) else {
            throw UsageError("pod stop: --time '\(text)' is not a time such as 10s")
        }
        return time / 1_000_000
    }

    /// `endsAsCommand`: what is ours ends with 125, since other exit codes are a command's own.
    static func pods(
        _ arguments: Arguments, _ global: GlobalOptions, endsAsCommand: Bool = false,
        _ body: (PodList, Tenant) throws(PodsError) -> Int32
    ) throws -> Int32 {
        TenantOption.run(arguments, global, endsAsCommand: endsAsCommand) { tenant, _ throws(PodsError) in
            let list = try PodList.open(global)
            return try body(arguments.has("--removed") ? list.removed : list, tenant)
        }
    }

    /// The same with the pod that the one operand names.
    static func pod(
        _ arguments: Arguments, _ global: GlobalOptions, _ verb: String, endsAsCommand: Bool = false,
        _ body: (PodList, PodList.Entry) throws(PodsError) -> Int32
    ) throws -> Int32 {
        let name = try podName(arguments, verb)
        return try pods(arguments, global, endsAsCommand: endsAsCommand) { list, tenant throws(PodsError) in
            try body(list, try list.entry(of: name, tenant: tenant.name))
        }
    }

    /// Prints the log, and with `follows` what comes until the pod has ended.
    static func show(
        _ id: String, in directory: String, _ list: PodList, timestamps: Bool, follows: Bool
    ) throws(PodsError) -> Int32 {
        do throws(SystemError) {
            guard var reader = try PodLogReader.open(directory, timestamps: timestamps, follows: follows)
            else { return 0 }
            try show(&reader, of: id, list, follows: follows)
            return 0
        } catch {
            if error.code == .EPIPE { return 1 }
            throw printing(error)
        }
    }

    /// Of a verb that prints what is kept: it writes nothing but that.
    static func printing(_ error: SystemError) -> PodsError { error.call == "write" ? .output(error) : .pods(error) }

    /// EPIPE: nobody reads it any more.
    static func show(
        _ reader: inout PodLogReader, of id: String, _ list: PodList, follows: Bool
    ) throws(SystemError) {
        var isLast = !follows
        while true {
            while let (out, err) = try reader.next() {
                try Descriptor.standardOutput.write(out)
                try Descriptor.standardError.write(err)
            }
            if isLast { return }
            try reader.await(milliseconds: 1000)
            isLast = (try? list.supervise(id)) != true
        }
    }

    static func age(since accepted: UInt64) -> String {
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
        if let address { members.append(("address", .string(address))) }
        if let node = record.node { members.append(("node", .string(node))) }
        if let slot = status.slot { members.append(("slot", .string(slot))) }
        if let task = record.task { members.append(("task", .string(task))) }
        members.append(("image", .string(record.request.image)))
        members.append(("phase", .string(status.phase.rawValue)))
        if let reason = status.reason { members.append(("reason", .string(reason))) }
        if let message = status.message { members.append(("message", .string(message))) }
        if isPaused { members.append(("paused", .bool(true))) }
        members.append(("acceptedAt", .string(Clock.rfc3339(record.acceptedAt))))
        members += statusMembers
        guard status.containers.isEmpty else { return .object(members) }
        members.append(("state", status.containerState))
        if let lostOutput { members.append(("lostOutput", lostOutput.json)) }
        return .object(members)
    }
}
