/// A Kubernetes Pod as its manifest says it (core/v1), with all that is carried out here of it. What a manifest may hold
/// besides was told when it was read.
package struct Manifest: Hashable, Sendable {
    package enum RestartPolicy: String, Hashable, Sendable, CaseIterable {
        case always = "Always"
        case onFailure = "OnFailure"
        case never = "Never"
    }

    /// An address and its names, for /etc/hosts.
    struct HostAlias: Hashable, Sendable {
        let address: String
        let names: [String]
    }

    /// Namespaces of the host's that it has in the place of its own; each is on the tenant's allow-list.
    struct HostNamespaces: Hashable, Sendable {
        var network = false
        var ipc = false
    }

    /// `metadata.name` without a leading `TENANT-`: a label of DNS.
    package var name: String
    /// `spec.hostname`, or `metadata.name`.
    package var hostname: String
    package var labels: [(name: String, value: String)] = []
    package var annotations: [(name: String, value: String)] = []
    /// What it runs on, by a name that the configuration has; nil: the default.
    package var node: String?
    package var restartPolicy = RestartPolicy.always
    /// Seconds from the start of its first container; nil: none.
    package var activeDeadline: UInt64?
    /// Seconds from the request to end it to SIGKILL; nil: the tenant's.
    package var terminationGrace: UInt64?
    var hostAliases: [HostAlias] = []
    var hostNamespaces = HostNamespaces()
    /// Its containers are in one pid namespace, and see each other's processes.
    var sharesProcesses = false
    var security = PodSecurity()
    var volumes: [ManifestVolume] = []
    package var initContainers: [ManifestContainer] = []
    package var containers: [ManifestContainer] = []

    /// Those that come first, and then those that stay, in the order of the manifest.
    package var allContainers: [ManifestContainer] { initContainers + containers }

    /// Those that are there beside each other: sidecars, and then the containers.
    var lastingContainers: [ManifestContainer] { initContainers.filter(\.isSidecar) + containers }

    package static func == (a: Manifest, b: Manifest) -> Bool {
        a.name == b.name && a.hostname == b.hostname && a.node == b.node && a.restartPolicy == b.restartPolicy
            && a.activeDeadline == b.activeDeadline && a.terminationGrace == b.terminationGrace
            && a.hostAliases == b.hostAliases && a.hostNamespaces == b.hostNamespaces
            && a.sharesProcesses == b.sharesProcesses && a.security == b.security
            && a.volumes == b.volumes && a.initContainers == b.initContainers && a.containers == b.containers
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    init(name: String, hostname: String) {
        self.name = name
        self.hostname = hostname
    }
}
