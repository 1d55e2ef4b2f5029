/// A container of a pod: core/v1 Container.
package struct ManifestContainer: Hashable, Sendable {
    package struct Port: Hashable, Sendable {
        /// nil: it has none.
        package var name: String?
        package var container: UInt16
        /// nil: it is not published.
        package var host: UInt16?
        package var transport: PortMapping.Transport
    }

    /// Where a volume is to be seen.
    struct Mount: Hashable, Sendable {
        var volume: String
        /// Absolute.
        var path: String
        var isReadOnly = false
        /// Below the volume's root, no `..` in it; empty: the whole.
        var subPath = ""
    }

    /// `limits` and `requests`; nil: not said.
    struct Resources: Hashable, Sendable {
        /// Bytes.
        var memory: Int64?
        /// Thousandths of a processor.
        var cpus: Int64?
        /// The least of the processors that it is to have, where others want them too: thousandths.
        var cpuRequest: Int64?
        /// What it may write to its root file system, bytes.
        var storage: Int64?
    }

    package var name: String
    package var image: String
    /// An init container with `restartPolicy: Always`: the next one waits until it has started, and it stays.
    package var isSidecar = false
    package var command: [String] = []
    package var arguments: [String] = []
    /// nil: the image's.
    var workingDirectory: String?
    var environment: [ManifestVariable] = []
    package var ports: [Port] = []
    var resources = Resources()
    var mounts: [Mount] = []
    var security = ContainerSecurity()
    var startupProbe: Probe?
    var readinessProbe: Probe?
    var livenessProbe: Probe?
    var postStart: Handler?
    var preStop: Handler?

    init(name: String, image: String) {
        self.name = name
        self.image = image
    }
}

/// A variable of a container's: in the order of the manifest, those of `envFrom` first.
struct ManifestVariable: Hashable, Sendable {
    enum Value: Hashable, Sendable {
        /// `$(NAME)` in it stands for one that came before.
        case text(String)
        /// As it stands in a ConfigMap or a Secret of the same file: nothing in it is replaced.
        case configured(String)
        /// A field of the pod's, which is known when it runs.
        case field(Field)
    }

    enum Field: String, Hashable, Sendable, CaseIterable {
        case name = "metadata.name"
        case namespace = "metadata.namespace"
        case uid = "metadata.uid"
        case node = "spec.nodeName"
        case hostAddress = "status.hostIP"
        case podAddress = "status.podIP"
        case podAddresses = "status.podIPs"
    }

    var name: String
    var value: Value
}
