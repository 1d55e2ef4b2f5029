internal import Network
internal import OCI

/// What a pod's container gets of a network: a namespace, and files of its `/etc` that it can't write.
final class NetworkShare: Sendable {
    /// The host's files by the container's.
    private let files: [(path: String, source: String)]
    /// To join; nil: a new one.
    let namespacePath: String?
    private let isHost: Bool
    /// Held until the container is there.
    private let attachment: PodAttachment?

    /// Of a pod in its tenant's network.
    init(_ attachment: PodAttachment) {
        files = NetworkShare.list(attachment.files)
        namespacePath = attachment.namespacePath
        isHost = false
        self.attachment = attachment
    }

    /// Of one that is only planned.
    init(planned path: String, _ planned: PodAttachment.Files) {
        files = NetworkShare.list(planned)
        namespacePath = path
        isHost = false
        attachment = nil
    }

    private static func list(_ files: PodAttachment.Files) -> [(path: String, source: String)] {
        [("/etc/hosts", files.hosts), ("/etc/hostname", files.hostname), ("/etc/resolv.conf", files.resolver)]
    }

    /// Of another one, whose host name stands in the file `hostname`.
    init(_ network: PodNetwork, hostname: String?) {
        files =
            (hostname.map { [("/etc/hostname", $0)] } ?? [])
            + (network == .host ? [("/etc/hosts", "/etc/hosts"), ("/etc/resolv.conf", "/etc/resolv.conf")] : [])
        namespacePath = nil
        isHost = network == .host
        attachment = nil
    }

    /// The namespaces of a configuration with these.
    func namespaces(_ standard: [LinuxSpec.Namespace]) -> [LinuxSpec.Namespace] {
        standard.compactMap { namespace in
            guard namespace.type == "network" else { return namespace }
            return isHost ? nil : .init(type: "network", path: namespacePath)
        }
    }

    func apply(to spec: inout RuntimeSpec) {
        spec.linux.namespaces = namespaces(spec.linux.namespaces)
        for (path, source) in files {
            spec.mounts.append(
                MountSpec(
                    destination: path, type: "bind", source: source,
                    options: ["bind", "ro", "nosuid", "nodev", "noexec"]))
        }
        guard let name = spec.hostname, let process = spec.process else { return }
        if !process.env.contains(where: { $0.hasPrefix("HOSTNAME=") }) { spec.process?.env.append("HOSTNAME=" + name) }
    }
}
