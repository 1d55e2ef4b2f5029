internal import Containers
internal import Linux
internal import OCI
internal import Planning

extension Verb {
    /// `perigee run`: an OCI bundle, to its end or with `--detach` to its start.
    static let run = Verb(
        .run, operands: "ID", summary: "run an OCI bundle to its end",
        options: [
            Option("--bundle", short: "-b", value: "DIR", "the bundle (default: the working directory)"),
            Option("--config", short: "-f", value: "FILE", "another file than config.json of the bundle"),
            Option("--detach", short: "-d", "do not stay: `create` and `start` in one"),
        ] + Report.options + handoverOptions,
        run: { arguments, global in
            guard arguments.operands.count == 1, arguments.command == nil else {
                throw UsageError("run: needs one operand, the container's ID")
            }
            let isDetached = arguments.has("--detach")
            let handover = try handover(arguments, "run", isDetached: isDetached)
            for option in ["--timeline", "--json"] where isDetached && arguments.has(option) {
                throw UsageError("run: --detach does not stay for what \(option) tells")
            }
            do throws(ContainersError) {
                return isDetached
                    ? try startBundle(arguments, handover, global) : try runBundle(arguments, handover, global)
            } catch {
                return Report.failed(error.description, status: 1)
            }
        })

    private static func startBundle(
        _ arguments: Arguments, _ handover: Handover, _ global: GlobalOptions
    ) throws(ContainersError) -> Int32 {
        let status = try createContainer(arguments, handover, global)
        guard !arguments.has("--explain"), let root = try RuntimeRoot.existing(path: global.root) else { return status }
        let identifier = try ContainerIdentifier(arguments.operands[0])
        do throws(ContainersError) { try Container.find(identifier, in: root).start(rootPath: global.root) } catch {
            let why = error
            Report.warn(try Container.find(identifier, in: root, for: .end).delete(force: true).map(\.description))
            throw why
        }
        return status
    }

    private static func runBundle(
        _ arguments: Arguments, _ handover: Handover, _ global: GlobalOptions
    ) throws(ContainersError) -> Int32 {
        var handover = handover
        try handover.claimDescriptors(activated: true)
        let report = Report(arguments)
        let identifier = try ContainerIdentifier(arguments.operands[0])
        let bundle = try Bundle(
            path: arguments["--bundle"] ?? ".", configuration: arguments["--config"] ?? "config.json")
        if !report.wantsPlan { try handover.check(terminal: bundle.spec.process?.terminal == true) }
        var phases = LaunchPhases(measured: report.wantsTimeline)
        phases.end("read configuration")
        let root = try RuntimeRoot.at(path: global.root)
        try Foreground.holdSignals()
        Report.warn(Repair.run(in: root).map(\.description))
        let request = ContainerRun.Request(identifier, bundle, handover, timeline: report.wantsTimeline)
        if report.wantsPlan { return report.explain(try ContainerRun(request, root: root, phases: phases).plan) }
        var prepared = try PreparedBundle.prepare(request, of: bundle, in: root, phases: phases)
        guard let mount = prepared.mount.take() else { preconditionFailure("prepared") }
        var launch = prepared.launch
        do throws(ContainersError) {
            let outcome = try launch.run(in: root, &prepared.state, rootFileSystem: mount)
            _ = consume prepared
            Report.warn(launch.runPoststop().map(\.description))
            return report.finish(outcome)
        } catch {
            _ = consume prepared
            Report.warn(launch.runPoststop().map(\.description))
            throw error
        }
    }
}
