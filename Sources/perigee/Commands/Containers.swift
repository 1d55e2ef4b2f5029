internal import Linux
internal import OCI
internal import Pods

// What is done to containers that `container deploy` has made.
extension Verb {
    static let containerList = Verb(
        .containerList, operands: "", summary: "list the containers of a tenant that run",
        options: [
            TenantOption.option, Option("--all", short: "-a", "also those that have stopped"),
            Option("--all-tenants", "of every tenant, for root"),
            Option("--format", value: "table|simple|json", "how; simple is the names alone (default table)"),
        ],
        run: { arguments, global in
            guard arguments.operands.isEmpty, arguments.command == nil else {
                throw UsageError("container list: takes no operand")
            }
            let format = arguments["--format"] ?? "table"
            guard ["table", "simple", "json"].contains(format) else {
                throw UsageError("container list: --format '\(format)' is neither table nor simple nor json")
            }
            let ofAll = arguments.has("--all-tenants")
            if ofAll, Identity.user != 0 {
                return Report.failed("container list: --all-tenants is for root alone", status: 5)
            }
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                let all = try list.containers(of: ofAll ? nil : tenant.name)
                // One whose supervisor was killed gets another, which will know how it is.
                for entry in all where !entry.status.isFinal { _ = try? list.supervise(entry.record.id) }
                let shown = all.filter { arguments.has("--all") || !$0.status.isFinal }
                let rows = shown.map { ContainerRow($0, list) }
                switch format {
                case "simple": return CommandLineTool.printed(rows.map { $0.entry.record.name + "\n" }.joined())
                case "json":
                    return CommandLineTool.printed(JSON.Value.array(rows.map(\.json)).text(indent: 2) + "\n")
                default:
                    let head = ["NAME", "STATUS", "GPU", "UPTIME"]
                    return CommandLineTool.printed(
                        Table.text(
                            ofAll ? ["TENANT"] + head : head,
                            rows.map { ofAll ? [$0.entry.record.request.tenant] + $0.cells : $0.cells }))
                }
            }
        })

    static let containerAttach = Verb(
        .containerAttach, operands: "NAME", summary: "open a shell in a container that runs",
        options: [TenantOption.option],
        notes: """
            /bin/sh, in /workspace, with a terminal where we have one. Leaving it does not stop the container. The exit code is
            the shell's; 1 where the container does not run, 4 where there is none.
            """,
        run: { arguments, global in
            let name = try containerName(arguments, "container attach")
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                try openShell(in: try list.container(name, of: tenant.name), list)
            }
        })

    static let containerStop = Verb(
        .containerStop, operands: "[NAME...]", summary: "end containers, which can be looked at until they are retired",
        options: [
            TenantOption.option,
            Option("--time", short: "-t", value: "SECONDS", "from the stop signal to KILL (default 10)"),
            Option("--force", short: "-f", "KILL at once"), Option("--all", short: "-a", "all that run"),
        ],
        run: { arguments, global in
            let grace = try containerGrace(arguments, "container stop")
            guard arguments.command == nil, arguments.operands.isEmpty == arguments.has("--all") else {
                throw UsageError("container stop: needs the names of containers, or --all")
            }
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                var found = try list.containers(of: tenant.name).filter { !$0.status.isFinal }
                if !arguments.has("--all") {
                    found = []
                    for name in arguments.operands { found.append(try list.container(name, of: tenant.name)) }
                }
                var text = ""
                for entry in found {
                    let end = try list.halt(entry.record.id, grace: grace)
                    text += "\(entry.record.name): \(stopWords(entry, end, grace: grace))\n"
                }
                return CommandLineTool.printed(text)
            }
        })

    static let containerRetire = Verb(
        .containerRetire, operands: "NAME...", summary: "end and remove containers; their workspaces stay",
        options: [
            TenantOption.option,
            Option("--time", short: "-t", value: "SECONDS", "from the stop signal to KILL (default 10)"),
            Option("--force", short: "-f", "KILL at once"),
            Option("--images", "remove their images as well, if nothing else uses them"),
            Option("--dry-run", "only tell what would be done"),
        ],
        notes: """
            Whatever is wrong with a container, this ends and removes it, and its slot is free at once. What it has written
            outside /workspace and /data is gone.
            """,
        run: { arguments, global in
            let grace = try containerGrace(arguments, "container retire")
            guard arguments.command == nil, !arguments.operands.isEmpty else {
                throw UsageError("container retire: needs the names of containers")
            }
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                var found: [PodList.Entry] = []
                for name in arguments.operands { found.append(try list.container(name, of: tenant.name)) }
                if arguments.has("--dry-run") {
                    return CommandLineTool.printed(
                        found.map { retirement(of: $0, images: arguments.has("--images")) }.joined())
                }
                for entry in found {
                    // Two at a time: the second one finds none, as if it had come later.
                    guard try list.retire(entry.record.id, grace: grace) else {
                        throw .noContainer(entry.record.name)
                    }
                }
                var text = found.map { "\($0.record.name): retired\n" }.joined()
                if arguments.has("--images") {
                    text += try removeUnused(Set(found.map(\.record.request.image)).sorted(), list, global)
                }
                return CommandLineTool.printed(text)
            }
        })

    /// Milliseconds.
    private static func containerGrace(_ arguments: Arguments, _ verb: String) throws(UsageError) -> UInt64 {
        if arguments.has("--force") {
            if arguments["--time"] != nil { throw UsageError("\(verb): --time and --force can't go together") }
            return 0
        }
        let text = arguments["--time"] ?? "10"
        let longest: UInt64 = 86_400
        if let seconds = UInt64(text), seconds <= longest { return seconds * 1000 }
        guard let time = Quantity.nanoseconds(text) else {
            throw UsageError("\(verb): --time '\(text)' is not a number of seconds")
        }
        return time / 1_000_000
    }

    private static func stopWords(_ entry: PodList.Entry, _ end: PodStatus, grace: UInt64) -> String {
        if entry.status.isFinal { return "stopped already" }
        guard end.startedAt != nil else { return "stopped before it ran" }
        guard end.exitCode == 128 + 9 else { return "stopped by its stop signal" }
        return grace == 0 ? "killed" : "killed: it did not end within \(grace / 1000) s of its stop signal"
    }

    private static func retirement(of entry: PodList.Entry, images: Bool) -> String {
        let record = entry.record
        var text = "\(record.name): would be \(entry.status.isFinal ? "removed" : "ended and removed")"
        if let slot = entry.status.slot { text += ", slot \(slot) of node \(record.node ?? "") freed" }
        if images { text += ", image \(record.request.image) removed if nothing else uses it" }
        return text + "; \(record.request.workspace?.path ?? "") stays\n"
    }
}

/// A container, for people.
struct ContainerRow {
    let entry: PodList.Entry
    private let status: String

    init(_ entry: PodList.Entry, _ list: PodList) {
        self.entry = entry
        status =
            switch entry.status.phase {
            case .succeeded, .failed: "stopped"
            case .pending: "starting"
            case .running: list.isPaused(entry) ? "paused" : "running"
            }
    }

    private var slot: String? { entry.status.slot.map { "\(entry.record.node ?? ""):\($0)" } }

    var cells: [String] {
        [
            entry.record.name, status, slot ?? "-",
            entry.status.isFinal ? "-" : entry.status.startedAt.map { Verb.age(since: $0) } ?? "-",
        ]
    }

    var json: JSON.Value {
        let record = entry.record
        return .members([
            ("name", .string(record.name)), ("tenant", .string(record.request.tenant)), ("id", .string(record.id)),
            ("status", .string(status)), ("reason", entry.status.reason.map { .string($0) }),
            ("node", record.node.map { .string($0) }), ("gpu", slot.map { .string($0) }),
            ("image", .string(record.request.image)),
            ("workspace", record.request.workspace.map { .string($0.path) }),
            ("startedAt", entry.status.startedAt.map { .string(Clock.rfc3339($0)) }),
            ("finishedAt", entry.status.finishedAt.map { .string(Clock.rfc3339($0)) }),
        ])
    }
}
