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
            Option("--explain", "print the plan of the launch, and create nothing"),
        ] + handoverOptions,
        run: { arguments, global in
            guard arguments.operands.count == 1, arguments.command == nil else {
                throw UsageError("create: needs one operand, the container's ID")
            }
            let handover = try handover(arguments, "create", isDetached: true)
            do throws(ContainersError) { return try createContainer(arguments, handover, global) } catch {
                return Report.failed(error.description, status: 1)
            }
        })

    /// What `create` does, and `run --detach` first.
    static func createContainer(
        _ arguments: Arguments, _ handover: Handover, _ global: GlobalOptions
    ) throws(ContainersError) -> Int32 {
        var handover = handover
        try handover.claimDescriptors(activated: true)
        let report = Report(arguments)
        let identifier = try ContainerIdentifier(arguments.operands[0])
        let bundle = try Bundle(
            path: arguments["--bundle"] ?? ".", configuration: arguments["--config"] ?? "config.json")
        if !report.wantsPlan { try handover.check(terminal: bundle.spec.process?.terminal == true) }
        let phases = LaunchPhases(measured: false)
        let root = try RuntimeRoot.at(path: global.root)
        try Foreground.holdSignals()
        Report.warn(Repair.run(in: root).map(\.description))
        let request = ContainerRun.Request(identifier, bundle, handover, isParked: true)
        if report.wantsPlan { return report.explain(try ContainerRun(request, root: root, phases: phases).plan) }
        var prepared = try PreparedBundle.prepare(request, of: bundle, in: root, phases: phases)
        guard let mount = prepared.mount.take() else { preconditionFailure("prepared") }
        var launch = prepared.launch
        for warning in launch.plan.warnings { CommandLineTool.complain("warning: \(warning)") }
        let process: Int32
        do throws(ContainersError) {
            process = try launch.create(in: root, &prepared.state, rootFileSystem: mount, bundle: bundle)
            _ = consume prepared
        } catch {
            _ = consume prepared
            Report.warn(launch.runPoststop().map(\.description))
            throw error
        }
        // Engines read the file as soon as we are gone; without it they know nothing, and the container goes.
        do throws(SystemError) { try handover.write(process) } catch {
            Report.warn(try Container.find(identifier, in: root, for: .end).delete(force: true).map(\.description))
            throw .pidFile(error)
        }
        return 0
    }
}
