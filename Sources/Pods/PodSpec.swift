internal import Containers
internal import OCI
internal import Planning

/// Makes a pod's runtime configuration of the image's and the request's: the default specification, with the image's
/// command, environment and user, the volume, and the limits.
struct PodSpec {
    /// What it starts from.
    let standard: RuntimeSpec
    let request: PodRequest
    let image: ImageConfig
    /// Where the volume is on the host.
    let volumePath: String
    let users: RootfsFacts
    /// What is mounted as the workspace, where the request has one: a path that this process alone can open.
    var workspaceSource: String?

    /// The whole configuration.
    func make(hostname: String) throws(PodsError) -> RuntimeSpec {
        var spec = standard
        var process = ProcessSpec()
        process.args = try arguments()
        process.env = environment(spec.process?.env ?? [])
        process.cwd = try workingDirectory()
        let identity: RootfsFacts.Identity
        do throws(PlanningError) {
            identity = try users.resolve(user: request.workspace?.commandUser ?? image.user)
        } catch {
            throw .user(image: request.image, error)
        }
        process.user.uid = identity.uid
        process.user.gid = identity.gid
        process.user.additionalGids = identity.additionalGids
        if !process.env.contains(where: { $0.hasPrefix("HOME=") }) { process.env.append("HOME=" + identity.home) }
        process.noNewPrivileges = true
        process.capabilities = PodSpec.capabilities(isRoot: identity.uid == 0)
        spec.process = process
        spec.hostname = hostname
        spec.root.readonly = false
        for i in spec.mounts.indices where spec.mounts[i].destination == "/proc" {
            spec.mounts[i].options = ["nosuid", "noexec", "nodev"]
        }
        spec.mounts.append(
            MountSpec(
                destination: "/data", type: "bind", source: volumePath, options: ["bind", "rw", "nosuid", "nodev"]))
        if let workspaceSource {
            spec.mounts.append(
                MountSpec(
                    destination: Workspace.destination, type: "bind", source: workspaceSource,
                    options: ["bind", "rw", "nosuid", "nodev"]))
            spec.process?.cwd = Workspace.destination
        }
        spec.linux.resources = resources(spec.linux.resources)
        return spec
    }

    /// Entrypoint and command are the image's unless the request has its own, which stands for both.
    private func arguments() throws(PodsError) -> [String] {
        let words = request.command.words(entrypoint: image.entrypoint, command: image.command)
        guard let first = words.first, !first.isEmpty else { throw .noCommand(image: request.image) }
        return words
    }

    /// The image's variables over the standard ones, the request's over both; a later one of a name wins.
    private func environment(_ standard: [String]) -> [String] {
        PodSpec.merged(standard.filter { $0.hasPrefix("PATH=") } + image.environment + request.environment)
    }

    /// Of several variables of a name the last, where the first stood.
    static func merged(_ entries: [String]) -> [String] {
        var names: [Substring: Int] = [:]
        var list: [String] = []
        for entry in entries {
            let name = entry.prefix { $0 != "=" }
            if let at = names[name] {
                list[at] = entry
            } else {
                names[name] = list.count
                list.append(entry)
            }
        }
        return list
    }

    private func workingDirectory() throws(PodsError) -> String {
        if image.workingDirectory.isEmpty { return "/" }
        guard image.workingDirectory.hasPrefix("/") else {
            throw .imageConfig(
                image: request.image, field: "WorkingDir", why: "'\(image.workingDirectory)' is not absolute")
        }
        return image.workingDirectory
    }

    /// Docker's fourteen for root. Another user has them in the bounding set alone, and can gain none of them, since
    /// no_new_privs is set.
    static func capabilities(isRoot: Bool) -> ProcessSpec.Capabilities {
        var sets = ProcessSpec.Capabilities()
        sets.bounding = Capability.defaults
        if isRoot {
            sets.effective = Capability.defaults
            sets.permitted = Capability.defaults
        }
        return sets
    }

    private func resources(_ standard: LinuxResources) -> LinuxResources {
        var resources = standard
        if let memory = request.memory {
            resources.memory.limit = memory
            resources.memory.swap = memory  // memory and swap together: no swap on top
        }
        if let cpus = request.cpus {
            resources.cpu.period = 100_000
            resources.cpu.quota = max(1000, cpus * 100)
        }
        resources.pids = request.pids
        return resources
    }
}
