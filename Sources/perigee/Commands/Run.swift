internal import Containers
internal import Linux
internal import OCI
internal import Planning

extension Verb {
    /// `perigee run`: an OCI bundle in the foreground.
    static let run = Verb(
        .run, operands: "ID", summary: "run an OCI bundle to its end",
        options: [
            Option("--bundle", short: "-b", value: "DIR", "the bundle (default: the working directory)"),
            Option("--config", short: "-f", value: "FILE", "another file than config.json of the bundle"),
        ] + Report.options,
        run: { arguments, global in
            guard arguments.operands.count == 1, arguments.command == nil else {
                throw UsageError("run: needs one operand, the container's ID")
            }
            do throws(ContainersError) { return try runBundle(arguments, global) } catch {
                return Report.failed(error.description, status: 1)
            }
        })

    private static func runBundle(_ arguments: Arguments, _ global: GlobalOptions) throws(ContainersError) -> Int32 {
        let report = Report(arguments)
        let identifier = try ContainerIdentifier(arguments.operands[0])
        let bundle = try Bundle(
            path: arguments["--bundle"] ?? ".", configuration: arguments["--config"] ?? "config.json")
        var phases = LaunchPhases(measured: report.wantsTimeline)
        phases.end("read configuration")
        let network =
            report.wantsPlan ? nil : ContainerRun.begin(bundle.spec.linux.namespaces, &phases)
        let root = try RuntimeRoot.at(path: global.root)
        try Foreground.holdSignals()
        Report.warn(Repair.run(in: root).map(\.description))
        let mount = try bundle.openRoot()
        phases.end("open root file system")
        var launch = try ContainerRun(
            .init(
                identifier: identifier, spec: bundle.spec, specPath: bundle.configurationPath,
                rootDescription: "directory \(bundle.rootPath)",
                filter: bundle.spec.linux.seccomp.map { .profile($0) } ?? .none, isStrict: false, stopsOnSignal: false,
                timeline: report.wantsTimeline),
            root: root, network: network, phases: phases)
        if report.wantsPlan { return report.explain(launch.plan) }
        var state = try StateDirectory.make(identifier, launch.record, in: root)
        let outcome = try launch.run(in: root, &state, rootFileSystem: mount)
        _ = consume state
        return report.finish(outcome)
    }
}
