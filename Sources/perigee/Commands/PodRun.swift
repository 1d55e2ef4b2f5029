internal import Containers
internal import Linux
internal import Network
internal import OCI
internal import Planning
internal import Pods

extension Verb {
    /// `perigee pod run`: a command in an image.
    static let podRun = Verb(
        .podRun, operands: "FILE | --image IMAGE ['COMMAND STRING' | -- ARG...]",
        summary: "run a task file, Pod manifests, or a command in an image with a volume at /data",
        options: [
            Option("--image", value: "IMAGE", "the image, as `image list` names it"),
            Option("--volume", value: "NAME", "the tenant's volume that is mounted at /data (default: default)"),
            Option("--env", short: "-e", value: "NAME=VALUE", "a variable; may stand several times"),
            Option("--memory", short: "-m", value: "SIZE", "the most memory: 64m, 1g, 512Ki, or bytes"),
            Option("--cpus", value: "N", "the most processors: 0.5, 2"),
            Option("--pids", value: "N", "the most processes and threads"),
            Option("--node", value: "NAME", "its devices, processors and slot: fpga, mpu, gpu, or default"),
            Option("--rootfs-size", value: "SIZE", "the most that it may write outside its volume, at least 1m"),
            Option(
                "--timeout", value: "TIME", "then TERM, 10 s later (see --detach) KILL, exit code 124: 90s, 5m, 1h30m"),
            Option("--tenant", value: "NAME", "whose volume and network it is (default: default)"),
            Option("--network", value: "NAME", "its tenant's (pod), its own alone (none), or the host's (host)"),
            Option(
                "--publish", short: "-p", value: "HOST:PORT[/udp]", "the host's port that is the pod's; several times"),
            Option("--detach", short: "-d", "return when it is accepted; see pod status, logs, wait, stop"),
            Option("--name", value: "NAME", "with --detach: the pod's name (default: pod)"),
            Option("--allow-sequential-reuse", "of a task file: steps that do not run together may share a pod_name"),
        ] + Report.options,
        notes: """
            FILE is a task file (see pod validate): its steps are run one after the other, and what becomes of them is told.
            It takes --tenant, --json, --detach and --allow-sequential-reuse alone. Or it has Kubernetes' Pods (apiVersion: v1,
            kind: Pod), which are submitted together.

            With --image one string goes to /bin/sh -c as it is. What stands behind -- is executed without a shell. Without either
            the image's own command runs.

            What it may have after TERM is 10 s in the foreground, and with --detach the tenant's termination_grace_seconds.

            Without --network a pod in the foreground has its own network alone, unless it publishes a port; one with
            --detach has its tenant's.

            Without --node a pod in the foreground gets nothing of a node, one with --detach what the default node has. Where
            all slots are taken, it is refused in the foreground, and waits with --detach.
            """,
        run: { arguments, global in
            if arguments["--image"] == nil, let path = arguments.operands.first, arguments.operands.count == 1 {
                return try runTaskFile(path, arguments, global)
            }
            let request = try podRequest(arguments)
            if arguments.has("--detach") {
                for option in ["--explain", "--timeline", "--json"] where arguments.has(option) {
                    throw UsageError("pod run: \(option) is told by who stays, and with --detach nobody does")
                }
                return detach(request, arguments, global)
            }
            if arguments.has("--name") { throw UsageError("pod run: --name goes with --detach") }
            do throws(PodsError) { return try runPod(request, arguments, global) } catch {
                return Report.failed(error.description, status: error.exitStatus)
            }
        })

    /// Accepts the pod, which replaces those that its tenant has, and returns.
    private static func detach(_ request: PodRequest, _ arguments: Arguments, _ global: GlobalOptions) -> Int32 {
        do throws(PodsError) {
            let (tenant, configuration) = try TenantOption.read(arguments, global)
            var request = request
            request.tenant = tenant.name
            let name = arguments["--name"] ?? "pod"
            request.network = request.network ?? .pod
            try tenant.check(request.network ?? .pod)
            _ = try EffectiveHostname.of(tenant: tenant.name, pod: name)
            var record = try PodRecord.accepted(name, request, tenant)
            try record.place(on: arguments["--node"], configuration)
            try PodList.open(global).submitAndLeave([[record]], of: tenant, configuration)
        } catch { return Report.failed(error.description, status: error.managementStatus) }
    }

    private static func runPod(
        _ request: PodRequest, _ arguments: Arguments, _ global: GlobalOptions
    ) throws(PodsError) -> Int32 {
        let report = Report(arguments)
        guard Identity.effectiveUser == 0 else {
            return Report.failed(
                "pod run needs root: it makes namespaces, mounts and cgroups\n  hint: sudo perigee pod run ...",
                status: 125)
        }
        var pod = try PodRun(request, storePath: global.store)
        if let node = arguments["--node"] { try pod.place(on: node, try Configuration.read(global.configuration)) }
        if request.network != nil { try pod.join(try Configuration.read(global.configuration)) }
        let root: RuntimeRoot
        do throws(ContainersError) { root = try RuntimeRoot.at(path: global.root) } catch { throw .containers(error) }
        Report.warn(pod.repair(in: root))
        switch try pod.run(in: root, explain: report.wantsPlan) {
        case .explained(let plan): return report.explain(plan)
        case .ended(let outcome): return report.finish(outcome)
        }
    }

    private static func podRequest(_ arguments: Arguments) throws(UsageError) -> PodRequest {
        guard let image = arguments["--image"] else { throw UsageError("pod run: needs a task file, or --image IMAGE") }
        try checkImage(image, "pod run")
        var request = PodRequest(image: image)
        request.command = try podCommand(arguments)
        request.tenant = arguments["--tenant"] ?? request.tenant
        request.volume = arguments["--volume"] ?? request.volume
        request.timeout = try amount(arguments, "--timeout", "a time such as 90s", Quantity.nanoseconds, "pod run")
        request.timeline = arguments.has("--timeline")
        try readLimits(arguments, into: &request, "pod run")
        if arguments.has("--network") || arguments.has("--publish") { try readNetwork(arguments, &request) }
        return request
    }

    /// Variables, and what it may have.
    static func readLimits(
        _ arguments: Arguments, into request: inout PodRequest, _ verb: String
    ) throws(UsageError) {
        request.environment = arguments.all("--env")
        for entry in request.environment where entry.hasPrefix("=") || !entry.contains("=") {
            throw UsageError("\(verb): --env '\(entry)' is not NAME=VALUE")
        }
        request.memory = try amount(
            arguments, "--memory", "a size such as 64m", { Quantity.bytes($0).flatMap { $0 > 0 ? $0 : nil } }, verb)
        request.cpus = try amount(
            arguments, "--cpus", "a number of processors such as 0.5", Quantity.thousandths, verb)
        request.pids = try amount(
            arguments, "--pids", "a number from 1", { Int64($0).flatMap { $0 > 0 ? $0 : nil } }, verb)
        let least = LimitKey.writableLayer.least
        request.writableLayer = try amount(
            arguments, "--rootfs-size", "a size of at least 1m",
            { Quantity.bytes($0).flatMap { $0 >= least ? $0 : nil } }, verb)
    }

    private static func readNetwork(_ arguments: Arguments, _ request: inout PodRequest) throws(UsageError) {
        request.network =
            try amount(arguments, "--network", "one of none, pod, host", { PodNetwork(rawValue: $0) }, "pod run")
            ?? .pod
        var seen: [String] = []
        for text in arguments.all("--publish") {
            guard let port = PublishedPort(text) else {
                throw UsageError(
                    "pod run: --publish '\(text)' is not HOST:PORT, two numbers up to 65535, with /udp behind them where it is no tcp"
                )
            }
            guard !seen.contains(port.name) else { throw UsageError("pod run: Duplicate host port \(port.name)") }
            seen.append(port.name)
            request.ports.append(port.description)
        }
        if request.network != .pod, !seen.isEmpty {
            throw UsageError("pod run: --publish does not go with --network \(request.network?.rawValue ?? "")")
        }
    }

    /// What can be no image's name: not found out later, when the tenant's former pod is gone.
    static func checkImage(_ image: String, _ verb: String) throws(UsageError) {
        guard ImageReference(image) != nil else {
            throw UsageError("\(verb): Failed to parse image reference \(quoted(image)): invalid reference format")
        }
    }

    private static func podCommand(_ arguments: Arguments) throws(UsageError) -> TaskCommand {
        if let list = arguments.command {
            guard arguments.operands.isEmpty else {
                throw UsageError("pod run: a command string and -- ARG... can't go together")
            }
            guard let first = list.first, !first.isEmpty else { throw UsageError("pod run: nothing stands behind --") }
            return .list(command: list, arguments: [])
        }
        guard arguments.operands.count <= 1 else {
            throw UsageError(
                "pod run: several words: put them in quotes to run them with /bin/sh, or behind -- to execute them as they are"
            )
        }
        guard let text = arguments.operands.first else { return .imageDefault }
        return .shell(text)
    }

    private static func amount<Amount>(
        _ arguments: Arguments, _ option: String, _ what: String, _ read: (String) -> Amount?, _ verb: String
    ) throws(UsageError) -> Amount? {
        guard let text = arguments[option] else { return nil }
        guard let amount = read(text) else { throw UsageError("\(verb): \(option) '\(text)' is not \(what)") }
        return amount
    }
}
