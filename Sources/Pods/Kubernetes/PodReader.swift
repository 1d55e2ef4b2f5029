internal import OCI
internal import Planning

extension ManifestReader {
    private static let specKeys = [
        "activeDeadlineSeconds", "containers", "hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostname",
        "initContainers", "nodeSelector", "os", "restartPolicy", "securityContext", "shareProcessNamespace",
        "terminationGracePeriodSeconds", "volumes", "hostUsers",
    ]
    private static let foreignSpecKeys = ForeignFields(
        ignored: [
            "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks",
            "imagePullSecrets", "nodeName", "overhead", "preemptionPolicy", "priority", "priorityClassName",
            "runtimeClassName", "schedulerName", "serviceAccount", "serviceAccountName", "setHostnameAsFQDN",
            "subdomain", "tolerations", "topologySpreadConstraints",
        ],
        refused: [
            "ephemeralContainers": "perigee pod exec runs a further command in a container",
            "hostnameOverride": "hostname says it", "readinessGates": "nobody sets their conditions",
            "resourceClaims": "devices come by the node, see nodeSelector",
            "resources": "say the limits of each container", "schedulingGates": "nobody opens them",
        ])
    /// The longest time that a field may say, in seconds.
    static let longest = Int64(Int32.max)

    /// A Pod; nil: something in it is wrong, which is told.
    mutating func pod(_ document: YAML) -> Manifest? {
        let before = complaints.problems.count
        let foreign = ForeignFields(ignored: ["status"])
        guard let object = object(document, "", ["apiVersion", "kind", "metadata", "spec"], foreign) else { return nil }
        let named = podMetadata(object)
        guard object["spec"] != nil else {
            problem(object, "spec", "it is missing")
            return nil
        }
        guard let spec = self.object(object, "spec", Self.specKeys, Self.foreignSpecKeys) else { return nil }
        var manifest = named ?? Manifest(name: "pod", hostname: "pod")
        if let hostname = spec["hostname"].flatMap({ _ in label(spec, "hostname") }) { manifest.hostname = hostname }
        manifest.restartPolicy = choice(spec, "restartPolicy", Manifest.RestartPolicy.self) ?? .always
        manifest.activeDeadline = integer(spec, "activeDeadlineSeconds", 1...Self.longest).map { UInt64($0) }
        manifest.terminationGrace = terminationGrace(spec)
        manifest.hostAliases = hostAliases(spec)
        manifest.hostNamespaces = hostNamespaces(spec)
        manifest.sharesProcesses = truth(spec, "shareProcessNamespace") ?? false
        if let node = node(spec) { manifest.node = node }
        manifest.security = podSecurity(spec)
        manifest.volumes = volumes(spec)
        manifest.initContainers = containers(spec, "initContainers", manifest)
        manifest.containers = containers(spec, "containers", manifest)
        if spec["containers"] == nil || list(spec, "containers").isEmpty {
            problem(spec, "containers", "it is missing: a Pod has at least one container")
        }
        checkNames(spec, manifest)
        checkVolumes(spec, manifest)
        checkLimits(spec, manifest)
        return complaints.problems.count == before ? manifest : nil
    }

    private mutating func podMetadata(_ object: ManifestObject) -> Manifest? {
        guard let (full, metadata) = metadata(object) else { return nil }
        let prefix = rules.tenant + "-"
        // The host name has the tenant in front in any case.
        let name = full.hasPrefix(prefix) ? String(full.dropFirst(prefix.count)) : full
        let host = prefix + name
        guard Volume.isLabel(name), host.utf8.count <= 63 else {
            problem(
                metadata, "name",
                "\(quotedAlways(full)): lower-case letters, digits and '-' are allowed, and not '-' at an end; "
                    + "\(rules.tenant)-NAME must be at most 63 characters, since it is its host name")
            return nil
        }
        var manifest = Manifest(name: name, hostname: full)
        manifest.labels = textMap(metadata, "labels")
        manifest.annotations = textMap(metadata, "annotations")
        // `pod bundle` writes the node there: a cluster's nodes have other labels.
        let isOurs = manifest.labels.contains { $0.name == "app.kubernetes.io/managed-by" && $0.value == "perigee" }
        if isOurs { manifest.node = manifest.labels.first { $0.name == "node" && Self.isNode($0.value) }?.value }
        return manifest
    }

    private static func isNode(_ text: String) -> Bool { PodTask.Node(rawValue: text) != nil }

    /// Longer than what is kept for shutting down nobody may hold a pod.
    private mutating func terminationGrace(_ spec: ManifestObject) -> UInt64? {
        guard let seconds = integer(spec, "terminationGracePeriodSeconds", 0...Self.longest) else { return nil }
        if let most = rules.limits?.grace, seconds > most {
            problem(
                spec, "terminationGracePeriodSeconds",
                "\(seconds) is more than \(most), the tenant's grace_seconds; see `perigee limits`")
        }
        return UInt64(seconds)
    }

    private mutating func node(_ spec: ManifestObject) -> String? {
        var node: String?
        for (name, value) in textMap(spec, "nodeSelector") {
            if Self.isNode(value) {
                node = value
            } else {
                warning(
                    spec, "nodeSelector",
                    "\(printable(name)): \(printable(value)) names no node of perigee's, and is left out")
            }
        }
        if let os = object(spec, "os", ["name"]), let name = text(os, "name"), name != "linux" {
            problem(os, "name", "\(quotedAlways(name)): there is linux alone")
        }
        return node
    }

    private mutating func hostAliases(_ spec: ManifestObject) -> [Manifest.HostAlias] {
        objects(spec, "hostAliases", ["ip", "hostnames"]).compactMap { alias in
            guard let address = requiredText(alias, "ip") else { return nil }
            guard NetworkAddress(address) != nil else {
                problem(alias, "ip", "\(quotedAlways(address)) is no address")
                return nil
            }
            let names = texts(alias, "hostnames")
            for name in names where !Self.isHostName(name) {
                problem(alias, "hostnames", "\(quotedAlways(name)) is no host name")
            }
            return Manifest.HostAlias(address: address, names: names)
        }
    }

    /// RFC 1123: labels with dots between them.
    private static func isHostName(_ name: String) -> Bool {
        name.utf8.count <= 253
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { Volume.isLabel(String($0)) }
    }

    private mutating func hostNamespaces(_ spec: ManifestObject) -> Manifest.HostNamespaces {
        var namespaces = Manifest.HostNamespaces()
        let all = [("hostNetwork", "network"), ("hostIPC", "ipc")]
        for (key, name) in all where truth(spec, key) == true {
            if let allowed = rules.limits?.hostNamespaces, !allowed.contains(name) {
                problem(spec, key, "the tenant's host_namespaces do not have \"\(name)\"; see `perigee limits`")
            }
            if name == "network" { namespaces.network = true } else { namespaces.ipc = true }
        }
        if truth(spec, "hostPID") == true {
            problem(
                spec, "hostPID",
                "true is not supported: the init of each container ends all processes that it sees, at its end")
        }
        if truth(spec, "hostUsers") == false {
            problem(spec, "hostUsers", "false is not supported: pods have no user namespace of their own")
        }
        return namespaces
    }

    // MARK: what must fit together

    private mutating func checkNames(_ spec: ManifestObject, _ manifest: Manifest) {
        var names: Set<String> = []
        for container in manifest.allContainers where !names.insert(container.name).inserted {
            problem(spec, "containers", "two containers are named \(container.name)")
        }
        if manifest.allContainers.count > Self.mostContainers {
            problem(spec, "containers", "more than \(Self.mostContainers) containers")
        }
    }

    /// Of a pod: its supervisor has some files open for each.
    private static let mostContainers = 32

    private mutating func checkVolumes(_ spec: ManifestObject, _ manifest: Manifest) {
        let names = manifest.volumes.map(\.name)
        for (i, name) in names.enumerated() where names[..<i].contains(name) {
            problem(spec, "volumes", "two volumes are named \(name)")
        }
    }

    /// What the tenant's pods may have is the pod's as a whole.
    private mutating func checkLimits(_ spec: ManifestObject, _ manifest: Manifest) {
        guard let limits = rules.limits else { return }
        func check(_ what: String, _ sum: Int64, _ most: Int64?, _ unit: String) {
            guard let most, sum > most else { return }
            problem(
                spec, "containers",
                "their limits of \(what) are \(sum) \(unit) together, and the tenant's pods may have \(most)"
                    + "\n  hint: see `perigee limits`")
        }
        func sum(_ key: (ManifestContainer) -> Int64?) -> Int64 {
            manifest.lastingContainers.compactMap(key).reduce(0) { $0.addingReportingOverflow($1).partialValue }
        }
        check("memory", sum { $0.resources.memory }, limits.memory, "bytes")
        check("cpu", sum { $0.resources.cpus }, limits.cpus, "thousandths")
        let kinds: [(String, Int64?, Int64, [Int64?])] = [
            ("memory", limits.memory, 1 << 20, manifest.lastingContainers.map(\.resources.memory)),
            ("cpu", limits.cpus, 1, manifest.lastingContainers.map(\.resources.cpus)),
        ]
        for (what, most, least, said) in kinds {
            let shares = LimitShares(most, said)
            for (i, container) in manifest.lastingContainers.enumerated() where said[i] == nil {
                guard let share = shares[i], share < least else { continue }
                problem(
                    spec, "containers",
                    "container \(container.name) has too little \(what) left of what the tenant's pods may have"
                        + "\n  hint: say its limit, and less for the others")
            }
        }
        for container in manifest.initContainers where !container.isSidecar {
            check("memory", container.resources.memory ?? 0, limits.memory, "bytes")
            check("cpu", container.resources.cpus ?? 0, limits.cpus, "thousandths")
        }
    }
}
