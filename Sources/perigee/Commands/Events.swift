internal import Containers
internal import Linux
internal import OCI
internal import Pods

extension Verb {
    /// `perigee events`: what a container uses, and when it runs out of memory.
    static let events = Verb(
        .events, operands: "ID", summary: "print what a container uses, as lines of JSON",
        options: [
            Option("--stats", "once, and not until the container ends"),
            Option("--interval", value: "TIME", "between two lines: 5s, 500ms (default 5s)"),
        ],
        notes: "The members are those of runc; what this kernel or host does not count is left out.",
        run: { arguments, global in
            let text = arguments["--interval"] ?? "5s"
            guard let interval = Quantity.nanoseconds(text), interval > 0 else {
                throw UsageError("events: --interval '\(text)' is not a time such as 5s")
            }
            return try arguments.has("--stats") ? once(arguments, global) : always(arguments, global, interval)
        })

    private static func once(_ arguments: Arguments, _ global: GlobalOptions) throws -> Int32 {
        try act(arguments, global, "events") { (container: consuming Container) throws(ContainersError) in
            let statistics = try container.statistics()
            _ = line("stats", arguments.operands[0], statistics.json)
        }
    }

    /// Until the container has ended, or nobody reads.
    private static func always(_ arguments: Arguments, _ global: GlobalOptions, _ interval: UInt64) throws -> Int32 {
        var kills: UInt64?
        while true {
            var statistics: ContainerStatistics?
            let status = try act(arguments, global, "events", mayBeMissing: kills != nil) {
                (container: consuming Container) throws(ContainersError) in
                do throws(ContainersError) { statistics = try container.statistics() } catch {
                    if kills == nil { throw error }
                }
            }
            guard status == 0, let now = statistics else { return status }
            let name = arguments.operands[0]
            if let before = kills, now.oomKills > before, !line("oom", name, nil) { return 0 }
            kills = now.oomKills
            guard line("stats", name, now.json) else { return 0 }
            Clock.pause(Int64(clamping: interval))
        }
    }

    private static func line(_ type: String, _ name: String, _ data: JSON.Value?) -> Bool {
        var members: [(name: String, value: JSON.Value)] = [("type", .string(type)), ("id", .string(name))]
        if let data { members.append(("data", data)) }
        return CommandLineTool.printed(JSON.Value.object(members).text() + "\n") == 0
    }
}
