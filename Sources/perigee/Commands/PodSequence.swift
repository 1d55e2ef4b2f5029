internal import Containers
internal import Images
internal import Linux
internal import OCI
internal import Pods

extension Verb {
    /// `perigee pod run FILE`
    static func runTaskFile(_ path: String, _ arguments: Arguments, _ global: GlobalOptions) throws -> Int32 {
        for option in [
            "--volume", "--env", "--memory", "--cpus", "--pids", "--timeout", "--name", "--node", "--rootfs-size",
            "--network", "--publish",
        ]
        where arguments.has(option) {
            throw UsageError("pod run: \(option) does not go with a task file, which says such things itself")
        }
        for option in ["--explain", "--timeline"] where arguments.has(option) {
            throw UsageError("pod run: \(option) is of one launch, and goes with --image")
        }
        guard arguments.command == nil else {
            throw UsageError("pod run: a task file has its commands itself, and takes none behind --")
        }
        if arguments.has("--detach"), arguments.has("--json") {
            throw UsageError("pod run: --json tells how the steps ended, and with --detach nobody stays for that")
        }
        guard Identity.effectiveUser == 0 else {
            return Report.failed(
                "pod run needs root: it makes namespaces, mounts and cgroups\n  hint: sudo perigee pod run ...",
                status: arguments.has("--detach") ? 5 : 125)
        }
        do throws(PodsError) {
            let (tenant, configuration) = try TenantOption.read(arguments, global)
            let content = try TaskFile.content(of: path)
            if ManifestFile.isManifest(content) {
                return try runManifests(path, content, arguments, configuration, tenant, global)
            }
            let file = try readTaskFile(path, content, arguments, tenant: tenant)
            warn(file.warnings, path)
            let store: ImageStore
            do throws(ImagesError) { store = try ImageStore(path: global.store) } catch { throw .images(error) }
            var run = try SequenceRun.begin(
                file.operation, at: path, tenant, configuration, try PodList.open(global), store
            ) { CommandLineTool.complain($0) }
            if arguments.has("--detach") {
                try run.submit()
                return run.signal.map { 128 + $0 } ?? 0
            }
            let results = try run.run()
            let failure = results.compactMap(\.failure).first ?? (run.signal == nil ? nil : "interrupted")
            var members: [(name: String, value: JSON.Value)] = [("status", .bool(failure == nil))]
            if let failure { members.append(("message", .string(failure))) }
            members.append(("steps", .array(results.map(\.json))))
            let isPrinted =
                arguments.has("--json")
                ? CommandLineTool.printed(JSON.Value.object(members).text(indent: 2) + "\n")
                : CommandLineTool.printed(table(results))
            if let signal = run.signal { return 128 + signal }
            if failure != nil { return run.refusal?.managementStatus ?? 1 }
            return isPrinted
        } catch {
            guard case .unreadableTaskFile(_, let reason) = error, reason.code == .ENOENT else { return failed(error) }
            return Report.failed(
                "\(error)\n  hint: a command needs --image IMAGE before it", status: error.managementStatus)
        }
    }

    private static func table(_ results: [SequenceRun.StepResult]) -> String {
        Table.text(
            ["STEP", "STATUS", "MESSAGE"],
            results.map { [$0.id, $0.failure == nil ? "true" : "false", $0.failure ?? "-"] })
    }
}
