internal import OCI
internal import Pods

// `perigee pod validate` and `pod run` of Kubernetes manifests.
extension Verb {
    /// Those of a file, with its warnings told.
    static func manifests(_ path: String, _ content: [UInt8], _ tenant: Tenant) throws(PodsError) -> ManifestFile {
        let file = try ManifestFile.parse(
            content, name: path, rules: .init(tenant: tenant.name, limits: tenant.limits))
        warn(file.warnings, path)
        return file
    }

    /// Tells what Pods the file has.
    static func validateManifests(
        _ path: String, _ content: [UInt8], _ arguments: Arguments, _ global: GlobalOptions
    ) throws(PodsError) -> Int32 {
        let (tenant, _) = try TenantOption.read(arguments, global)
        let file = try ManifestFile.parse(
            content, name: path, rules: .init(tenant: tenant.name, limits: tenant.limits))
        if arguments.has("--json") {
            let pods = file.pods.map { pod in
                JSON.Value.object([
                    ("name", .string(pod.name)), ("hostname", .string("\(tenant.name)-\(pod.name)")),
                    ("initContainers", .strings(pod.initContainers.map(\.name))),
                    ("containers", .strings(pod.containers.map(\.name))),
                    ("restartPolicy", .string(pod.restartPolicy.rawValue)),
                ])
            }
            let json = JSON.Value.object([
                ("file", .string(path)), ("valid", .bool(true)), ("pods", .array(pods)),
                ("warnings", places(file.warnings)),
            ])
            return CommandLineTool.printed(json.text(indent: 2) + "\n")
        }
        warn(file.warnings, path)
        let rows = file.pods.map { pod in
            [
                pod.name, pod.initContainers.isEmpty ? "-" : pod.initContainers.map(\.name).joined(separator: ","),
                pod.containers.map(\.name).joined(separator: ","), pod.restartPolicy.rawValue,
                pod.activeDeadline.map { "\($0) s" } ?? "-",
            ]
        }
        return CommandLineTool.printed(
            "\(path): valid for tenant \(tenant.name)\n"
                + Table.text(["POD", "INIT CONTAINERS", "CONTAINERS", "RESTART", "DEADLINE"], rows))
    }

    /// Submits the Pods of the file, and without --detach stays until all have ended.
    static func runManifests(
        _ path: String, _ content: [UInt8], _ arguments: Arguments, _ configuration: Configuration, _ tenant: Tenant,
        _ global: GlobalOptions
    ) throws(PodsError) -> Int32 {
        let file = try manifests(path, content, tenant)
        let run = try ManifestRun.begin(file, tenant, configuration, try PodList.open(global))
        if arguments.has("--detach") { try run.submit() }
        let (ends, signal) = try run.run { CommandLineTool.complain($0) }
        let printed: Int32
        if arguments.has("--json") {
            let pods = ends.map { end in
                JSON.Value.members([
                    ("pod", .string(end.hostname)), ("phase", .string(end.status.phase.rawValue)),
                    ("reason", end.status.reason.map { .string($0) }),
                    ("message", end.status.message.map { .string($0) }),
                ])
            }
            printed = CommandLineTool.printed(JSON.Value.object([("pods", .array(pods))]).text(indent: 2) + "\n")
        } else {
            let rows = ends.map {
                [$0.hostname, $0.status.phase.rawValue, $0.status.reason ?? "-", $0.status.message ?? "-"]
            }
            printed = CommandLineTool.printed(Table.text(["POD", "PHASE", "REASON", "MESSAGE"], rows))
        }
        if let signal { return 128 + signal }
        return ends.contains { $0.status.phase != .succeeded } ? 1 : printed
    }
}

/// `-c`, for verbs that are about one container of a pod.
enum ContainerOption {
    static let option = Option(
        "--container", short: "-c", value: "NAME", "of a Pod manifest's containers (default: the only one)")
}
