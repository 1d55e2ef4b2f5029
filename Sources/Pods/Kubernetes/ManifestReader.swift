internal import OCI
internal import Planning

/// Reads the documents of a file, and collects what is wrong with them. What a field means, and which values it may have, is
/// Kubernetes' API reference's, core/v1.
struct ManifestReader {
    let rules: ManifestFile.Rules
    var complaints = TaskComplaints()
    /// Those of the file, by name.
    var configured: [ConfiguredData.Kind: [String: ConfiguredData]] = [:]

    init(rules: ManifestFile.Rules) { self.rules = rules }

    /// What a document is, by `apiVersion` and `kind`.
    private enum Kind { case pod, configMap, secret }

    mutating func pods(_ documents: [YAML]) -> [Manifest] {
        var pods: [(manifest: Manifest, position: TextPosition)] = []
        let kinds = documents.map { kind($0) }
        // A Pod may refer to what stands behind it.
        for (document, kind) in zip(documents, kinds) {
            if kind == .configMap { addConfigMap(document) } else if kind == .secret { addSecret(document) }
        }
        for (document, kind) in zip(documents, kinds) where kind == .pod {
            guard let manifest = pod(document) else { continue }
            if pods.contains(where: { $0.manifest.name == manifest.name }) {
                complaints.problem(document.position, "metadata.name: two Pods of the file are named \(manifest.name)")
            }
            pods.append((manifest, document.position))
        }
        checkHostPorts(pods.map(\.manifest), documents)
        return pods.map(\.manifest)
    }

    private mutating func kind(_ document: YAML) -> Kind? {
        guard case .mapping(let members) = document.content else {
            complaints.problem(
                document.position,
                "expected a manifest with apiVersion and kind, found \(TaskComplaints.kind(of: document))")
            return nil
        }
        let object = ManifestObject(members, path: "", position: document.position)
        guard let kind = requiredText(object, "kind"), let version = requiredText(object, "apiVersion") else {
            return nil
        }
        let kinds: [String: Kind] = ["Pod": .pod, "ConfigMap": .configMap, "Secret": .secret]
        guard version == "v1", let found = kinds[kind] else {
            problem(
                object, "kind",
                "\(printable(version)) \(printable(kind)) is not carried out; there are v1 Pod, and v1 ConfigMap and Secret for it"
                    + (kind == "List" ? "\n  hint: write its items as documents, with --- between them" : "")
                    + (ManifestReader.templated.contains(kind) ? "\n  hint: spec.template of it is a Pod's" : ""))
            return nil
        }
        return found
    }

    private static let templated = ["Deployment", "Job", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob"]

    // MARK: names

    /// `metadata` of a document: what it is called here.
    mutating func metadata(_ object: ManifestObject) -> (name: String, object: ManifestObject)? {
        let foreign = ForeignFields(
            ignored: [
                "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generateName",
                "generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid",
            ])
        guard object["metadata"] != nil else {
            problem(object, "metadata", "it is missing")
            return nil
        }
        guard
            let metadata = self.object(object, "metadata", ["name", "namespace", "labels", "annotations"], foreign),
            let name = requiredText(metadata, "name")
        else { return nil }
        if let namespace = text(metadata, "namespace"), namespace != rules.tenant {
            problem(
                metadata, "namespace",
                "\(quotedAlways(namespace)) is not the tenant, which is \(rules.tenant)"
                    + "\n  hint: leave it out, or name the tenant with --tenant")
        }
        return (name, metadata)
    }

    /// RFC 1123, as far as it can be a host's name: lower-case letters, digits and `-`, at most 63.
    mutating func label(_ object: ManifestObject, _ key: String) -> String? {
        guard let name = requiredText(object, key) else { return nil }
        guard Volume.isLabel(name) else {
            problem(
                object, key,
                "\(quotedAlways(name)): 1 to 63 lower-case letters, digits and '-' are allowed, and not '-' at an end")
            return nil
        }
        return name
    }

    // MARK: the whole

    private mutating func checkHostPorts(_ pods: [Manifest], _ documents: [YAML]) {
        var seen: [String: String] = [:]
        for pod in pods {
            for container in pod.allContainers {
                for port in container.ports {
                    guard let host = port.host else { continue }
                    let key = "\(host)/\(port.transport.rawValue)"
                    if let other = seen[key] {
                        complaints.problem(
                            documents.first?.position ?? TextPosition(line: 1, column: 1),
                            "Duplicate host port \(key) (containers \(other), \(container.name))")
                    }
                    seen[key] = container.name
                }
            }
        }
    }
}
