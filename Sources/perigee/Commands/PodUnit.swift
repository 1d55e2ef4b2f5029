internal import Linux
internal import Pods

extension Verb {
    /// `perigee pod unit`: a task file as a service of systemd.
    static let podUnit = Verb(
        .podUnit, operands: "FILE", summary: "print a systemd service that runs a task file",
        options: [
            TenantOption.option,
            Option("--restart", value: "no|on-failure|always", "when it is begun anew (default: see below)"),
            Option("--allow-sequential-reuse", "steps that do not run together may share a pod_name"),
            Option("--output", short: "-o", value: "FILE", "write it there, and not to the standard output"),
        ],
        notes: """
            The service is `perigee pod run FILE` in the foreground, with this executable, and the --store, --root, --config-file
            and --tenant that are given here. Stopped, it ends its pods. It is begun anew when it has failed
            (Restart=on-failure) if each step says on_failure: continue, and else it is not (Restart=no).
            """,
        run: { arguments, global in
            guard arguments.operands.count == 1, arguments.command == nil, !arguments.operands[0].isEmpty else {
                throw UsageError("pod unit: needs one operand, FILE")
            }
            let path = arguments.operands[0]
            var restart: SystemdUnit.Restart?
            if let text = arguments["--restart"] {
                guard let named = SystemdUnit.Restart.allCases.first(where: { $0.rawValue == text }) else {
                    throw UsageError("pod unit: --restart '\(text)' is none of no, on-failure, always")
                }
                restart = named
            }
            do throws(PodsError) {
                let (tenant, _) = try TenantOption.read(arguments, global)
                let content = try TaskFile.content(of: path)
                let program: [String], place: String
                do throws(SystemError) {
                    program = try unitProgram(global)
                    place = try AbsolutePath.of(path)
                } catch { return Report.failed("pod unit: \(error)", status: 1) }
                var unit: SystemdUnit
                if ManifestFile.isManifest(content) {
                    unit = SystemdUnit(try manifests(path, content, tenant), tenant, program: program, taskFile: place)
                } else {
                    let file = try readTaskFile(path, content, arguments, tenant: tenant)
                    warn(file.warnings, path)
                    unit = SystemdUnit(file.operation, program: program, taskFile: place)
                }
                do throws(SystemError) {
                    if arguments.has("--allow-sequential-reuse") { unit.options.append("--allow-sequential-reuse") }
                    unit.restart = restart ?? unit.restart
                    guard let output = arguments["--output"] else { return CommandLineTool.printed(unit.text) }
                    try Descriptor.workingDirectory.replaceFile(output, with: Array(unit.text.utf8), mode: 0o644)
                    return 0
                } catch { return Report.failed("pod unit: \(error)", status: 1) }
            } catch { return failed(error) }
        })

    /// This executable, with the global options that are not as they would be anyway.
    private static func unitProgram(_ global: GlobalOptions) throws(SystemError) -> [String] {
        var words = [try Descriptor.workingDirectory.readLink("/proc/self/exe")]
        let standard = GlobalOptions()
        if global.store != standard.store { words += ["--store", try AbsolutePath.of(global.store)] }
        if global.root != standard.root { words += ["--root", try AbsolutePath.of(global.root)] }
        let named = Environment.value(of: Configuration.variable)
        if let path = global.configuration ?? (named == "" ? nil : named) {
            words += ["--config-file", try AbsolutePath.of(path)]
        }
        return words
    }
}
