internal import Containers
internal import Glibc
internal import Linux
internal import OCI
internal import Planning

extension Verb {
    /// `perigee exec`: a further process in a container that runs.
    static let exec = Verb(
        .exec, operands: "ID COMMAND [ARG...]", summary: "execute a process in a running container",
        options: [
            Option("--process", short: "-p", value: "FILE", "what to execute, as /process of a configuration"),
            Option("--cwd", value: "DIR", "its working directory"),
            Option("--env", short: "-e", value: "NAME=VALUE", "one more variable; may stand several times"),
            Option("--user", short: "-u", value: "UID[:GID]", "whose it is"),
            Option("--additional-gids", short: "-g", value: "GID", "one more group; may stand several times"),
            Option("--cap", short: "-c", value: "CAP", "one more capability; may stand several times"),
            Option("--no-new-privs", "it gains no privileges by what it executes"),
            Option("--apparmor", value: "PROFILE", "its AppArmor profile"),
            Option("--process-label", value: "LABEL", "its SELinux label"),
            Option("--detach", short: "-d", "do not stay until it ends"),
            Option("--tty", short: "-t", "give it a terminal"),
        ] + handoverOptions.filter { $0.name != "--no-new-keyring" },
        notes: "The exit code is the command's, 128 + n for a signal; 255 if it could not be executed.",
        takesCommand: true,
        run: { arguments, global in
            let words = Array(arguments.rest)
            guard !words.isEmpty, words.count > 1 || arguments.has("--process") else {
                throw UsageError("exec: needs the container's ID and a command, or --process")
            }
            var request = ContainerExec.Request(process: nil)
            request.arguments = Array(words.dropFirst(words.dropFirst().first == "--" ? 2 : 1))
            request.environment = arguments.all("--env")
            for entry in request.environment where entry.hasPrefix("=") || !entry.contains("=") {
                throw UsageError("exec: --env '\(entry)' is not NAME=VALUE")
            }
            request.workingDirectory = arguments["--cwd"]
            request.terminal = arguments.has("--tty")
            request.handover = try handover(arguments, "exec", isDetached: arguments.has("--detach"))
            if let text = arguments["--user"] { request.user = try user(text) }
            request.groups = try arguments.all("--additional-gids").map { text throws(UsageError) in
                guard let gid = UInt32(text) else { throw UsageError("exec: --additional-gids '\(text)' is no number") }
                return gid
            }
            request.capabilities = try arguments.all("--cap").map { text throws(UsageError) in
                let name = text.uppercased().hasPrefix("CAP_") ? text.uppercased() : "CAP_" + text.uppercased()
                guard Capability.number(name) != nil else { throw UsageError("exec: --cap '\(text)' is not known") }
                return name
            }
            request.noNewPrivileges = arguments.has("--no-new-privs")
            request.apparmorProfile = arguments["--apparmor"]
            request.selinuxLabel = arguments["--process-label"]
            do throws(ContainersError) { return try execute(request, words[0], arguments, global) } catch {
                return Report.failed(error.description, status: 255)
            }
        })

    private static func user(_ text: String) throws -> (uid: UInt32, gid: UInt32?) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        guard let first = parts.first, let uid = first, parts.count <= 2, parts.count == 1 || parts[1] != nil else {
            throw UsageError("exec: --user '\(text)' is not UID or UID:GID")
        }
        return (uid, parts.count == 2 ? parts[1] : nil)
    }

    private static func execute(
        _ request: ContainerExec.Request, _ name: String, _ arguments: Arguments, _ global: GlobalOptions
    ) throws(ContainersError) -> Int32 {
        var request = request
        try request.handover.claimDescriptors(activated: false)
        if let path = arguments["--process"] { request.process = try process(path) }
        let identifier = try ContainerIdentifier(name)
        guard let root = try RuntimeRoot.existing(path: global.root) else { throw .noContainer(name) }
        try Foreground.holdSignals()
        var process = try Container.find(identifier, in: root, for: .join).execute(request, in: root)
        let warnings = process.warnings
        for warning in warnings { CommandLineTool.complain("warning: \(warning)") }
        if arguments.has("--detach") {
            process.leave()
            return 0
        }
        let status = try process.stay()
        for warning in process.warnings.dropFirst(warnings.count) { CommandLineTool.complain("warning: \(warning)") }
        return status
    }

    private static func process(_ path: String) throws(ContainersError) -> ProcessSpec {
        let text: [UInt8]
        do throws(SystemError) {
            let file = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY)
            text = try file.view.readAll(limit: 8 << 20)
        } catch { throw .file(option: "--process", path: path, error) }
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: text) } catch { throw .json(path: path, error) }
        do throws(SpecError) { return try ProcessSpec(json) } catch { throw .spec(path: path, error) }
    }
}
