internal import Containers
internal import Linux
internal import OCI
internal import Planning

/// What makes a container one of a pod's: the namespaces that it joins, its mounts, and its rights.
final class ContainerShare {
    private let plan: ManifestContainer
    private let pod: Manifest
    private let sandbox: PodSandbox
    /// What is mounted, and where; they are open until the container is launched.
    private var mounts: [(mount: ManifestContainer.Mount, file: HeldDescriptor, isReadOnly: Bool)] = []
    private var sharedMemory: HeldDescriptor?

    init(_ plan: ManifestContainer, of pod: Manifest, _ sandbox: PodSandbox, _ volumes: PodVolumes) throws(PodsError) {
        self.plan = plan
        self.pod = pod
        self.sandbox = sandbox
        for mount in plan.mounts {
            let (file, isReadOnly) = try volumes.source(of: mount)
            mounts.append((mount, file, isReadOnly))
        }
    }

    /// Its bounding set: the usual one, with what is added and without what is dropped.
    var capabilities: [String] {
        let security = plan.security
        if security.isPrivileged { return ContainerShare.permitted }
        var names = security.droppedCapabilities.contains("ALL") ? [] : Capability.defaults
        names.removeAll { security.droppedCapabilities.contains($0) }
        if security.addedCapabilities.contains("ALL") { return ContainerShare.permitted }
        for name in security.addedCapabilities where !names.contains(name) { names.append(name) }
        return names
    }

    /// All that we have ourselves.
    private static var permitted: [String] {
        Capability.names(in: (try? Identity.permittedCapabilities()) ?? 0)
    }

    /// Before anything is begun for it: the namespaces that it makes are those that the pod has not.
    func place(in spec: inout RuntimeSpec) {
        let shared = sandbox.namespaces
        var hosts = pod.hostNamespaces.network ? ["network"] : []
        if pod.hostNamespaces.ipc { hosts.append("ipc") }
        spec.linux.namespaces.removeAll { own in hosts.contains(own.type) || shared.contains { $0.type == own.type } }
        spec.linux.namespaces += shared
    }

    /// The image's configuration with what the manifest says otherwise.
    func adjust(_ image: ImageConfig) -> ImageConfig {
        var image = image
        let user = plan.security.user ?? pod.security.user
        let group = plan.security.group ?? pod.security.group
        if let user { image.user = "\(user)" }
        if let group {
            let name = image.user.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? ""
            image.user = "\(name.isEmpty ? "0" : name):\(group)"
        }
        if let directory = plan.workingDirectory { image.workingDirectory = directory }
        return image
    }

    func apply(to spec: inout RuntimeSpec) throws(PodsError) {
        let security = plan.security
        if security.mustNotBeRoot ?? pod.security.mustNotBeRoot, spec.process?.user.uid == 0 {
            throw .runsAsRoot(container: plan.name)
        }
        // The pod's, and set already.
        spec.hostname = nil
        spec.root.readonly = security.hasReadOnlyRoot
        let isRoot = spec.process?.user.uid == 0
        var sets = ProcessSpec.Capabilities()
        sets.bounding = capabilities
        if isRoot { (sets.effective, sets.permitted) = (sets.bounding, sets.bounding) }
        spec.process?.capabilities = sets
        spec.process?.noNewPrivileges = !security.mayGainPrivileges
        spec.process?.user.additionalGids += pod.security.supplementalGroups
        if let group = pod.security.volumeGroup { spec.process?.user.additionalGids.append(group) }
        if let request = plan.resources.cpuRequest ?? plan.resources.cpus {
            spec.linux.resources.cpu.shares = max(2, UInt64(request) * 1024 / 1000)
        }
        for entry in pod.security.sysctls {
            spec.linux.sysctl.append(LinuxSpec.Sysctl(key: entry.name, value: entry.value))
        }
        try mount(in: &spec)
        if security.isPrivileged { open(&spec) }
    }

    private func mount(in spec: inout RuntimeSpec) throws(PodsError) {
        spec.mounts.removeAll { $0.destination == "/data" }
        let usual = ["bind", "nosuid", "nodev"]
        if let path = sandbox.sharedMemoryPath {
            spec.mounts.removeAll { $0.destination == "/dev/shm" }
            spec.mounts.append(
                MountSpec(destination: "/dev/shm", type: "bind", source: path, options: usual + ["rw", "noexec"]))
        }
        var files = [("/etc/hosts", sandbox.hostsPath), ("/etc/hostname", sandbox.hostnamePath)]
        if let resolver = sandbox.resolverPath { files.append(("/etc/resolv.conf", resolver)) }
        for (path, source) in files {
            spec.mounts.append(MountSpec(destination: path, type: "bind", source: source, options: usual + ["ro"]))
        }
        // What lies above comes first, whatever the order of the manifest.
        for (mount, file, isReadOnly) in mounts.sorted(by: { depth($0.mount.path) < depth($1.mount.path) }) {
            spec.mounts.removeAll { $0.destination == mount.path }
            let isDevice = try isDevice(file)
            spec.mounts.append(
                MountSpec(
                    destination: mount.path, type: "bind", source: file.path,
                    options: ["bind", "nosuid", isReadOnly ? "ro" : "rw"] + (isDevice ? [] : ["nodev"])))
        }
    }

    private func isDevice(_ file: HeldDescriptor) throws(PodsError) -> Bool {
        do throws(SystemError) {
            let status = try file.view.status()
            return status.isCharacterDevice || status.isBlockDevice
        } catch { throw .pods(error) }
    }

    private func depth(_ path: String) -> Int { path.split(separator: "/").count }

    /// Privileged: the host's devices, and nothing hidden.
    private func open(_ spec: inout RuntimeSpec) {
        spec.linux.resources.devices.append(LinuxResources.DeviceRule(allow: true))
        spec.linux.maskedPaths = []
        spec.linux.readonlyPaths = []
        for i in spec.mounts.indices where spec.mounts[i].destination == "/sys" {
            spec.mounts[i].options.removeAll { $0 == "ro" }
        }
    }
}

extension ContainerShare {
    /// What it is asked to be, in the shape of a pod of one container. `value` are the pod's fields.
    static func request(
        _ plan: ManifestContainer, of record: PodRecord, limits: (memory: Int64?, cpus: Int64?, pids: Int64?),
        _ field: (ManifestVariable.Field) -> String, hostname: String
    ) -> PodRequest {
        var request = PodRequest(image: plan.image)
        request.tenant = record.request.tenant
        var values: [String: String] = [:]
        var environment = ["HOSTNAME=\(hostname)"]
        for variable in plan.environment {
            let value =
                switch variable.value {
                case .text(let text): VariableReferences.expand(text) { values[$0] }
                case .configured(let text): text
                case .field(let name): field(name)
                }
            values[variable.name] = value
            environment.append("\(variable.name)=\(value)")
        }
        request.environment = environment
        let command = plan.command.map { word in VariableReferences.expand(word) { values[$0] } }
        let arguments = plan.arguments.map { word in VariableReferences.expand(word) { values[$0] } }
        // As with Kubernetes: a command stands for the image's entrypoint, and for its command too.
        if !command.isEmpty {
            request.command = .list(command: command, arguments: arguments)
        } else if !arguments.isEmpty {
            request.command = .entrypoint(arguments: arguments)
        }
        (request.memory, request.cpus, request.pids) = limits
        request.writableLayer = plan.resources.storage ?? record.request.writableLayer
        return request
    }
}
