internal import Containers
internal import Linux
internal import OCI

/// What is done to a container that `create` has made: runtime-spec, runtime.md, "Operations".
extension Verb {
    /// `perigee start`
    static let start = Verb(
        .start, operands: "ID", summary: "start the command of a created container", options: [],
        run: { arguments, global in
            try act(arguments, global, "start") { (container: consuming Container) throws(ContainersError) in
                try container.start(rootPath: global.root)
            }
        })

    /// `perigee state`
    static let state = Verb(
        .state, operands: "ID", summary: "print a container's state as JSON", options: [],
        run: { arguments, global in
            try act(arguments, global, "state", for: .look) {
                (container: consuming Container) throws(ContainersError) in
                _ = CommandLineTool.printed(try container.state().text(indent: 2) + "\n")
            }
        })

    /// `perigee kill`
    static let kill = Verb(
        .kill, operands: "ID [SIGNAL]", summary: "send a signal to a container (default TERM)",
        options: [Option("--all", short: "-a", "to each of its processes")],
        run: { arguments, global in
            guard (1...2).contains(arguments.operands.count), arguments.command == nil else {
                throw UsageError("kill: needs the container's ID, and may have a signal")
            }
            let text = arguments.operands.count == 2 ? arguments.operands[1] : "TERM"
            guard let signal = SignalNumber.named(text) else { throw UsageError("kill: no signal '\(text)'") }
            return try act(arguments, global, "kill", operands: 1...2, for: .look) {
                (container: consuming Container) throws(ContainersError) in
                try container.kill(signal, all: arguments.has("--all"))
            }
        })

    /// `perigee pause`
    static let pause = Verb(
        .pause, operands: "ID", summary: "freeze the processes of a container", options: [],
        run: { arguments, global in
            try act(arguments, global, "pause") { (container: consuming Container) throws(ContainersError) in
                try container.pause()
            }
        })

    /// `perigee resume`
    static let resume = Verb(
        .resume, operands: "ID", summary: "let a paused container go on", options: [],
        run: { arguments, global in
            try act(arguments, global, "resume") { (container: consuming Container) throws(ContainersError) in
                try container.resume()
            }
        })

    /// `perigee ps`
    static let ps = Verb(
        .ps, operands: "ID", summary: "list the processes of a container",
        options: [Option("--format", short: "-f", value: "table|json", "how (default table)")],
        run: { arguments, global in
            let format = arguments["--format"] ?? "table"
            guard format == "table" || format == "json" else {
                throw UsageError("ps: --format '\(format)' is neither table nor json")
            }
            return try act(arguments, global, "ps", for: .look) {
                (container: consuming Container) throws(ContainersError) in
                let processes = try container.processes()
                if format == "json" {
                    let list = JSON.Value.array(processes.map { .integer(Int64($0)) })
                    _ = CommandLineTool.printed(list.text() + "\n")
                } else {
                    _ = CommandLineTool.printed("PID\n" + processes.map { "\($0)\n" }.joined())
                }
            }
        })

    /// `perigee delete`
    static let delete = Verb(
        .delete, operands: "ID", summary: "remove a container that has ended",
        options: [Option("--force", short: "-f", "kill it first; none of that name is no error")],
        run: { arguments, global in
            let isForced = arguments.has("--force")
            return try act(
                arguments, global, "delete", mayBeMissing: isForced, for: isForced ? .end : .change
            ) {
                (container: consuming Container) throws(ContainersError) in
                Report.warn(try container.delete(force: isForced).map(\.description))
            }
        })

    /// Finds the container of the first operand, and does `action` with it.
    static func act(
        _ arguments: Arguments, _ global: GlobalOptions, _ verb: String, operands: ClosedRange<Int> = 1...1,
        mayBeMissing: Bool = false, for use: Container.Use = .change,
        _ action: (consuming Container) throws(ContainersError) -> Void
    ) throws -> Int32 {
        guard operands.contains(arguments.operands.count), arguments.command == nil else {
            throw UsageError("\(verb): needs one operand, the container's ID")
        }
        do throws(ContainersError) {
            let identifier = try ContainerIdentifier(arguments.operands[0])
            guard let root = try RuntimeRoot.existing(path: global.root) else { throw .noContainer(identifier.text) }
            try action(try Container.find(identifier, in: root, for: use))
            return 0
        } catch {
            if mayBeMissing, case .noContainer = error { return 0 }
            return Report.failed(error.description, status: 1)
        }
    }

    /// `perigee list`
    static let list = Verb(
        .list, operands: "", summary: "list the containers of this --root",
        options: [
            Option("--format", short: "-f", value: "table|json", "how (default table)"),
            Option("--quiet", short: "-q", "their names alone"),
        ],
        run: { arguments, global in
            guard arguments.operands.isEmpty, arguments.command == nil else {
                throw UsageError("list: takes no operand")
            }
            let format = arguments["--format"] ?? "table"
            guard format == "table" || format == "json" else {
                throw UsageError("list: --format '\(format)' is neither table nor json")
            }
            do throws(ContainersError) {
                return CommandLineTool.printed(try listText(arguments.has("--quiet"), format == "json", global))
            } catch { return Report.failed(error.description, status: 1) }
        })

    private static func listText(_ isQuiet: Bool, _ isJSON: Bool, _ global: GlobalOptions) throws(ContainersError)
        -> String
    {
        var states: [JSON] = []
        if let root = try RuntimeRoot.existing(path: global.root) {
            for identifier in try Container.all(in: root) {
                do throws(ContainersError) {
                    states.append(JSON(try Container.find(identifier, in: root, for: .look).state()))
                } catch {
                    // Deleted meanwhile, or somebody else's directory.
                    if case .noContainer = error { continue }
                    CommandLineTool.complain("warning: \(identifier.text) is left out: \(error)")
                }
            }
        }
        if isJSON { return JSON.Value.array(states.map(\.value)).text(indent: 2) + "\n" }
        let rows = states.map { state in
            ["id", "pid", "status", "bundle", "created"].map { name in
                (try? state[name]?.string()) ?? (try? state[name].map { "\(try $0.integer(Int64.self))" }) ?? ""
            }
        }
        if isQuiet { return rows.map { $0[0] + "\n" }.joined() }
        return Table.text(["ID", "PID", "STATUS", "BUNDLE", "CREATED"], rows)
    }
}
