internal import Linux
internal import OCI
internal import Planning
internal import Pods

// `perigee pod validate` and `pod bundle`: task files, before anything is run.
extension Verb {
    private static let tenantOption = Option("--tenant", value: "NAME", "whose operation it is (default: default)")
    private static let reuseOption = Option(
        "--allow-sequential-reuse", "steps that do not run together may have the same pod_name")

    static let podValidate = Verb(
        .podValidate, operands: "FILE", summary: "check a task file or Pod manifests, and show what they come to",
        options: [tenantOption, reuseOption, Option("--json", "steps, problems and warnings as JSON")],
        notes: """
            All that is wrong with FILE is told at once, each with its line and column; the exit code is then 2. Of
            Kubernetes' Pods (apiVersion: v1, kind: Pod) it tells which fields are left out, or are not carried out.
            """,
        run: { arguments, global in
            let path = try taskFile(arguments, "pod validate")
            let file: TaskFile
            do throws(PodsError) {
                let content = try TaskFile.content(of: path)
                if ManifestFile.isManifest(content) { return try validateManifests(path, content, arguments, global) }
                file = try readTaskFile(path, content, arguments)
            } catch { return invalid(error, path, arguments) }
            let sequence = JSON(TaskBundle.sequence(of: file.operation))
            if arguments.has("--json") {
                guard case .object(let members) = sequence.value else { return 1 }
                let head: [(name: String, value: JSON.Value)] = [("file", .string(path)), ("valid", .bool(true))]
                let json = JSON.Value.object(head + members + [("warnings", places(file.warnings))])
                return CommandLineTool.printed(json.text(indent: 2) + "\n")
            }
            warn(file.warnings, path)
            return CommandLineTool.printed(summary(of: file.operation, path))
        })

    static let podBundle = Verb(
        .podBundle, operands: "FILE", summary: "write a task file's sequence, Kubernetes manifests and files to uplink",
        options: [
            Option("--output", short: "-o", value: "DIR", "the directory to make; it must not exist"), tenantOption,
            reuseOption, Option("--max-size", value: "SIZE", "the most that the files to uplink may have (default 2g)"),
        ],
        notes: """
            DIR has sequence.json, manifests/ID.yaml for each group of pods, named after its first task, and the files
            of each uplink in files/ID. The same task file is the same bytes.
            """,
        run: { arguments, global in
            let path = try taskFile(arguments, "pod bundle")
            guard let output = arguments["--output"], !output.isEmpty else {
                throw UsageError("pod bundle: needs -o DIR")
            }
            let size = arguments["--max-size"] ?? "2g"
            guard let limit = Size.bytes(size) else { throw UsageError("pod bundle: --max-size '\(size)' is no size") }
            do throws(PodsError) {
                let file = try readTaskFile(path, try TaskFile.content(of: path), arguments)
                warn(file.warnings, path)
                let sources = try UplinkDirectory.of(taskFile: path)
                try BundleWriter.write(TaskBundle(file.operation), to: output, sources: sources, limit: limit)
                return 0
            } catch { return failed(error) }
        })

    /// As JSON where that is asked for.
    private static func invalid(_ error: PodsError, _ path: String, _ arguments: Arguments) -> Int32 {
        guard arguments.has("--json"), case .invalidTaskFile(_, let problems, let warnings) = error else {
            return failed(error)
        }
        let json = JSON.Value.object([
            ("file", .string(path)), ("valid", .bool(false)), ("problems", places(problems)),
            ("warnings", places(warnings)),
        ])
        let printed = CommandLineTool.printed(json.text(indent: 2) + "\n")
        return printed == 0 ? error.managementStatus : printed
    }

    private static func taskFile(_ arguments: Arguments, _ verb: String) throws(UsageError) -> String {
        guard arguments.operands.count == 1, arguments.command == nil, !arguments.operands[0].isEmpty else {
            throw UsageError("\(verb): needs one operand, FILE")
        }
        return arguments.operands[0]
    }

    static func readTaskFile(
        _ path: String, _ content: [UInt8], _ arguments: Arguments, tenant: Tenant? = nil
    ) throws(PodsError) -> TaskFile {
        var rules = TaskFile.Rules()
        rules.allowsSequentialReuse = arguments.has("--allow-sequential-reuse")
        if let limits = tenant?.limits {
            rules.graceSeconds = UInt64(clamping: limits.grace)
            rules.terminationGraceSeconds = UInt64(clamping: limits.terminationGrace)
        }
        return try TaskFile.read(
            path, content, tenant: tenant?.name ?? arguments["--tenant"] ?? "default", rules: rules)
    }

    /// Each problem of a task file is a message of its own.
    static func failed(_ error: PodsError) -> Int32 {
        if case .invalidTaskFile(let name, let problems, let warnings) = error {
            for text in PodsError.text(problems, of: name) { CommandLineTool.complain(text) }
            for text in PodsError.text(warnings, of: name) { CommandLineTool.complain("warning: \(text)") }
            return error.managementStatus
        }
        return Report.failed(error.description, status: error.managementStatus)
    }

    static func warn(_ warnings: [FileProblem], _ path: String) {
        for text in PodsError.text(warnings, of: path) { CommandLineTool.complain("warning: \(text)") }
    }

    static func places(_ problems: [FileProblem]) -> JSON.Value {
        .array(
            problems.map { problem in
                .object([
                    ("line", .integer(Int64(problem.position.line))),
                    ("column", .integer(Int64(problem.position.column))), ("message", .string(problem.text)),
                ])
            })
    }

    /// A line for the file and one for each step.
    private static func summary(of operation: Operation, _ path: String) -> String {
        let rows = operation.groups.flatMap { group in
            group.steps.map { step in
                let group = group.isMerged ? group.id : "-"
                switch step.work {
                case .podRun(let pod):
                    let timeout = pod.timeoutSeconds(grace: operation.graceSeconds).map { "\($0) s" } ?? "-"
                    return [step.id, "pod_run", pod.hostname, group, timeout, step.onFailure.rawValue]
                case .uplink(let uplink):
                    let count = uplink.sources.count
                    let what = "\(count) file\(count == 1 ? "" : "s") to \(uplink.volume):/\(uplink.destination)"
                    return [step.id, "uplink", printable(what), group, "-", step.onFailure.rawValue]
                }
            }
        }
        return "\(path): valid for tenant \(operation.tenant)\n"
            + Table.text(["STEP", "TYPE", "WHAT", "GROUP", "TIMEOUT", "ON FAILURE"], rows)
    }
}
