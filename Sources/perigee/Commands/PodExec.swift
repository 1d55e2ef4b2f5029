internal import Containers
internal import Glibc
internal import Linux
internal import Pods

extension Verb {
    /// `perigee pod exec`: a further command in a pod that runs.
    static let podExec = Verb(
        .podExec, operands: "NAME -- COMMAND [ARG...]", summary: "execute a command in a pod that runs",
        options: [
            TenantOption.option, ContainerOption.option,
            Option("--interactive", short: "-i", "the command reads our standard input (without: nothing)"),
            Option("--tty", short: "-t", "give it a terminal, with our input (at a terminal it gets one anyway)"),
            Option(
                "--user", short: "-u", value: "USER[:GROUP]", "whose it is: names or numbers (default: the pod's user)"),
            Option("--cwd", value: "DIR", "its working directory (default: the pod's)"),
            Option("--env", short: "-e", value: "NAME=VALUE", "a variable; may stand several times"),
        ],
        notes: """
            It has the namespaces, limits, capabilities and seccomp filter of the pod's command, and ends when the
            pod ends at the latest. The exit code is the command's: 128 + n for a signal, 126 not executable, 127 not
            found, 125 if perigee failed.
            """,
        run: { arguments, global in
            var exec = PodExec(try execCommand(arguments))
            exec.user = arguments["--user"]
            exec.workingDirectory = arguments["--cwd"]
            if let directory = exec.workingDirectory, !directory.hasPrefix("/") {
                throw UsageError("pod exec: --cwd '\(directory)' is not absolute")
            }
            exec.environment = arguments.all("--env")
            for entry in exec.environment where entry.hasPrefix("=") || !entry.contains("=") {
                throw UsageError("pod exec: --env '\(entry)' is not NAME=VALUE")
            }
            exec.hasTerminal = arguments.has("--tty") || isAtTerminal
            return try execute(
                exec, readsInput: exec.hasTerminal || arguments.has("--interactive"), in: arguments.operands[0],
                arguments, global)
        })

    /// What stands behind `--`. The name is the one operand.
    private static func execCommand(_ arguments: Arguments) throws(UsageError) -> [String] {
        guard let name = arguments.operands.first, !name.isEmpty else {
            throw UsageError("pod exec: needs the pod's name, and a command behind --")
        }
        guard arguments.operands.count == 1, let command = arguments.command else {
            throw UsageError("pod exec: the command stands behind --\n  hint: perigee pod exec \(name) -- COMMAND")
        }
        guard let first = command.first, !first.isEmpty else { throw UsageError("pod exec: nothing stands behind --") }
        return command
    }

    /// Somebody types and looks. Of a pipe, `pod exec a -- ls | wc`, a terminal would change the bytes.
    static var isAtTerminal: Bool {
        Descriptor.standardInput.windowSize != nil && Descriptor.standardOutput.windowSize != nil
    }

    /// Executes it in pod `name`, and stays until it ends.
    static func execute(
        _ exec: PodExec, readsInput: Bool, in name: String, _ arguments: Arguments, _ global: GlobalOptions
    ) throws -> Int32 {
        try pods(arguments, global, endsAsCommand: true) { list, tenant throws(PodsError) in
            let entry = try list.entry(of: name, tenant: tenant.name)
            return try execute(
                exec, readsInput: readsInput, in: entry, list, container: arguments["--container"])
        }
    }

    /// The same in a pod that was found.
    static func execute(
        _ exec: PodExec, readsInput: Bool, in entry: PodList.Entry, _ list: PodList, container: String? = nil
    ) throws(PodsError) -> Int32 {
        do throws(SystemError) { if !readsInput { try readNothing() } } catch { throw .pods(error) }
        do throws(ContainersError) { try Foreground.holdSignals() } catch { throw .containers(error) }
        var process = try list.execute(exec, in: entry, container: container)
        let count = process.warnings.count
        for warning in process.warnings { CommandLineTool.complain("warning: \(warning)") }
        do throws(ContainersError) {
            let status = try process.stay()
            for warning in process.warnings.dropFirst(count) { CommandLineTool.complain("warning: \(warning)") }
            return status
        } catch { throw .containers(error) }
    }

    private static func readNothing() throws(SystemError) {
        let null = try Descriptor.workingDirectory.openFollowing("/dev/null", O_RDONLY)
        Descriptor.standardInput.become(null.view)
    }
}
