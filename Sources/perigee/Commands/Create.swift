internal import Containers
internal import Glibc
internal import Linux
internal import OCI
internal import Planning

extension Verb {
    /// `perigee create`: a container from a bundle, which another command starts.
    static let create = Verb(
        .create, operands: "ID", summary: "create a container from an OCI bundle, for `start`",
        options: [
            Option("--bundle", short: "-b", value: "DIR", "the bundle (default: the working directory)"),
            Option("--config", short: "-f", value: "FILE", "another file than config.json of the bundle"),
            Option("--pid-file", value: "FILE", "write the number of the container's first process to FILE"),
            Option("--explain", "print the plan of the launch, and create nothing"),
        ] + refusedOptions,
        run: { arguments, global in
            guard arguments.operands.count == 1, arguments.command == nil else {
                throw UsageError("create: needs one operand, the container's ID")
            }
            try refuse(arguments, "create")
            do throws(ContainersError) { return try createContainer(arguments, global) } catch {
                return Report.failed(error.description, status: 1)
            }
        })

    /// What engines may say and this version can't do, so that it is refused by name.
    static let refusedOptions = [
        Option("--console-socket", value: "PATH", "refused: there are no terminals yet"),
        Option("--preserve-fds", value: "N", "0 alone: no further descriptors are passed yet"),
        Option("--no-pivot", "refused: a root that is not left can be come back to"),
        Option("--no-new-keyring", "refused: each container has a session keyring of its own"),
        Option("--pidfd-socket", value: "PATH", "refused"),
    ]

    static func refuse(_ arguments: Arguments, _ verb: String) throws {
        for option in refusedOptions where arguments.has(option.name) {
            if option.name == "--preserve-fds", arguments[option.name] == "0" { continue }
            throw UsageError("\(verb): \(option.name): \(option.help)")
        }
    }

    private static func createContainer(_ arguments: Arguments, _ global: GlobalOptions) throws(ContainersError)
        -> Int32
    {
        let report = Report(arguments)
        let identifier = try ContainerIdentifier(arguments.operands[0])
        let bundle = try Bundle(
            path: arguments["--bundle"] ?? ".", configuration: arguments["--config"] ?? "config.json")
        var phases = LaunchPhases(measured: false)
        let network = report.wantsPlan ? nil : ContainerRun.begin(bundle.spec.linux.namespaces, &phases)
        let root = try RuntimeRoot.at(path: global.root)
        try Foreground.holdSignals()
        Report.warn(Repair.run(in: root).map(\.description))
        let mount = try bundle.openRoot()
        var launch = try ContainerRun(
            .init(
                identifier: identifier, spec: bundle.spec, specPath: bundle.configurationPath,
                rootDescription: "directory \(bundle.rootPath)",
                filter: bundle.spec.linux.seccomp.map { .profile($0) } ?? .none, isStrict: false, stopsOnSignal: false,
                isParked: true),
            root: root, network: network, phases: phases)
        if report.wantsPlan { return report.explain(launch.plan) }
        for warning in launch.plan.warnings { CommandLineTool.complain("warning: \(warning)") }
        var state = try StateDirectory.make(identifier, launch.record, in: root)
        let process = try launch.create(in: root, &state, rootFileSystem: mount, bundle: bundle)
        _ = consume state
        return try writeProcess(process, to: arguments["--pid-file"], of: identifier, in: root)
    }

    /// Engines read the file as soon as we are gone; without it they know nothing, and the container goes.
    private static func writeProcess(
        _ process: Int32, to path: String?, of identifier: ContainerIdentifier, in root: borrowing RuntimeRoot
    ) throws(ContainersError) -> Int32 {
        do throws(SystemError) { try writeProcess(process, to: path) } catch {
            try Container.find(identifier, in: root).delete(force: true)
            throw .pidFile(error)
        }
        return 0
    }

    static func writeProcess(_ process: Int32, to path: String?) throws(SystemError) {
        guard let path else { return }
        try Descriptor.workingDirectory.replaceFile(path, with: Array("\(process)".utf8), mode: 0o644)
    }
}
