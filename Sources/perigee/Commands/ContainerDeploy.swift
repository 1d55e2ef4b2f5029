internal import Images
internal import Linux
internal import Pods

// Containers that people work in: pods with a workspace.
extension Verb {
    private static let openOption = Option("--open", "then open a shell in it; leaving that lets it go on")
    private static let backgroundOption = Option("--background", "return when it runs")
    private static let deployOptions: [Option] = [
        TenantOption.option,
        Option("--image", value: "IMAGE", "the image (default: TENANT/NAME, or NAME)"), openOption, backgroundOption,
        Option("--node", value: "NAME", "its devices, processors and slot: fpga, mpu, gpu, or default"),
        Option("--env", short: "-e", value: "NAME=VALUE", "a variable; may stand several times"),
        Option("--memory", short: "-m", value: "SIZE", "the most memory: 64m, 1g, 512Ki, or bytes"),
        Option("--cpus", value: "N", "the most processors: 0.5, 2"),
        Option("--pids", value: "N", "the most processes and threads"),
        Option("--rootfs-size", value: "SIZE", "the most that it may write outside workspace and volume"),
        Option("--image-command", "run the image's own command, and not one that waits"),
    ]
    private static let deployNotes = """
        The directory ~/workspace/NAME of the user is at /workspace in it, and stays when it is retired; it is made if it is
        not there. The configuration's "workspace" may name another place. The container's command is that user's: without a
        command behind -- it is `sleep infinity`, so that one can work in it until `container retire`.

        Who has no terminal says --open or --background. Exit codes: 0, 1 failed, 2 usage, 3 a limit is reached or a slot is
        taken, or the name is, 4 no such image, 5 not permitted; with --open, the shell's.
        """

    static let containerDeploy = Verb(
        .containerDeploy, operands: "NAME [-- COMMAND [ARG...]]",
        summary: "create and start a container with the workspace NAME", options: deployOptions, notes: deployNotes,
        run: { try deploy("container deploy", $0, $1) })

    static let projectLaunch = Verb(
        .projectLaunch, operands: "NAME [-- COMMAND [ARG...]]",
        summary: "create and start a project's container, of the project's image", options: deployOptions,
        notes: deployNotes, run: { try deploy("project launch", $0, $1) })

    private static func deploy(_ verb: String, _ arguments: Arguments, _ global: GlobalOptions) throws -> Int32 {
        let name = try containerName(arguments, verb, mayHaveCommand: true)
        let (opens, isBackground) = (arguments.has("--open"), arguments.has("--background"))
        if opens, isBackground { throw UsageError("\(verb): --open and --background can't go together") }
        guard opens || isBackground || isAtTerminal else {
            throw UsageError("\(verb): without a terminal it needs --open or --background")
        }
        if arguments.command?.first?.isEmpty ?? (arguments.command != nil) {
            throw UsageError("\(verb): nothing stands behind --")
        }
        if arguments.command != nil, arguments.has("--image-command") {
            throw UsageError("\(verb): --image-command and a command can't go together")
        }
        // Read before anything is looked for.
        var limits = PodRequest(image: "")
        try readLimits(arguments, into: &limits, verb)
        guard Identity.effectiveUser == 0 else {
            return Report.failed(
                "\(verb) needs root: it makes namespaces, mounts and cgroups\n  hint: sudo perigee \(verb) ...",
                status: 5)
        }
        do throws(PodsError) {
            let (tenant, configuration) = try TenantOption.read(arguments, global)
            _ = try EffectiveHostname.of(tenant: tenant.name, pod: name)
            var request = limits
            request.image = try projectImage(of: name, tenant, arguments, global)
            request.tenant = tenant.name
            request.command = containerCommand(arguments)
            let workspace = try configuration.workspace(of: name, tenant, caller: TenantOption.caller)
            try workspace.make()
            request.workspace = workspace
            request.network = .pod
            var record = try PodRecord.accepted(name, request, tenant)
            try record.place(on: arguments["--node"], configuration)
            let list = try PodList.open(global)
            try list.deploy(record, of: tenant, configuration)
            guard opens else { return CommandLineTool.printed(told(record, workspace, hints: !isBackground)) }
            return try openShell(in: try list.container(record.id, of: tenant.name), list)
        } catch { return Report.failed(error.description, status: error.managementStatus) }
    }

    private static func told(_ record: PodRecord, _ workspace: Workspace, hints: Bool) -> String {
        var text = record.hostname + "\n"
        if hints {
            text += "\(workspace.path) is \(Workspace.destination) in it; "
            text += "`perigee container attach \(record.name)` opens a shell\n"
        }
        return text
    }

    /// One that is there before anything is made.
    private static func projectImage(
        of name: String, _ tenant: Tenant, _ arguments: Arguments, _ global: GlobalOptions
    ) throws(PodsError) -> String {
        let names = arguments["--image"].map { [$0] } ?? ["\(tenant.name)/\(name)", name]
        do throws(ImagesError) {
            let store = try ImageStore(path: global.store)
            for image in names {
                do throws(ImagesError) {
                    _ = try store.find(image)
                    return image
                } catch {
                    guard case .noSuchImage = error, names.count > 1 else { throw error }
                }
            }
        } catch { throw .images(error) }
        throw .noProjectImage(project: name, names: names)
    }

    private static func containerCommand(_ arguments: Arguments) -> TaskCommand {
        if let command = arguments.command { return .list(command: command, arguments: []) }
        if arguments.has("--image-command") { return .imageDefault }
        return .list(command: ["sleep", "infinity"], arguments: [])
    }

    /// A shell in a container that runs, with a terminal where we have one.
    static func openShell(in entry: PodList.Entry, _ list: PodList) throws(PodsError) -> Int32 {
        var exec = PodExec(["/bin/sh"])
        exec.hasTerminal = isAtTerminal
        return try execute(exec, readsInput: true, in: entry, list)
    }

    /// The one operand of a verb.
    static func containerName(
        _ arguments: Arguments, _ verb: String, mayHaveCommand: Bool = false
    ) throws(UsageError) -> String {
        guard arguments.operands.count == 1, !arguments.operands[0].isEmpty,
            mayHaveCommand || arguments.command == nil
        else { throw UsageError("\(verb): needs one operand, the container's name") }
        return arguments.operands[0]
    }
}
