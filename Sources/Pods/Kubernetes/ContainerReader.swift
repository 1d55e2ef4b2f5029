internal import OCI

extension ManifestReader {
    private static let containerKeys = [
        "args", "command", "env", "envFrom", "image", "lifecycle", "livenessProbe", "name", "ports", "readinessProbe",
        "resources", "restartPolicy", "securityContext", "startupProbe", "stdin", "stdinOnce", "tty", "volumeMounts",
        "workingDir",
    ]
    private static let foreignContainerKeys = ForeignFields(
        ignored: ["imagePullPolicy", "resizePolicy", "terminationMessagePath", "terminationMessagePolicy"],
        refused: [
            "restartPolicyRules": "", "volumeDevices": "devices come by the node, see nodeSelector",
        ])

    /// Those of `key`, `containers` or `initContainers`.
    mutating func containers(_ spec: ManifestObject, _ key: String, _ manifest: Manifest) -> [ManifestContainer] {
        let isInit = key == "initContainers"
        return objects(spec, key, Self.containerKeys, Self.foreignContainerKeys).compactMap { object in
            container(object, manifest, isInit: isInit)
        }
    }

    private mutating func container(
        _ object: ManifestObject, _ manifest: Manifest, isInit: Bool
    ) -> ManifestContainer? {
        let name = label(object, "name"), image = image(object)
        var container = ManifestContainer(name: name ?? "", image: image ?? "")
        container.command = texts(object, "command")
        container.arguments = texts(object, "args")
        if container.command.first?.isEmpty == true { problem(object, "command", "the first word is empty") }
        container.workingDirectory = workingDirectory(object)
        container.environment = environment(object, manifest)
        container.ports = ports(object)
        container.resources = resources(object)
        container.mounts = mounts(object, manifest)
        container.security = containerSecurity(object, manifest)
        container.isSidecar = isSidecar(object, isInit: isInit)
        readLife(object, &container, isInit: isInit && !container.isSidecar)
        for key in ["stdin", "stdinOnce", "tty"] where truth(object, key) == true {
            problem(object, key, "true is not supported: perigee pod exec -i -t opens a terminal in a container")
        }
        return name == nil || image == nil ? nil : container
    }

    private mutating func isSidecar(_ object: ManifestObject, isInit: Bool) -> Bool {
        guard let policy = text(object, "restartPolicy") else { return false }
        if !isInit {
            problem(object, "restartPolicy", "a container has the pod's; of an init container Always makes a sidecar")
        } else if policy != "Always" {
            problem(object, "restartPolicy", "no value \(quotedAlways(policy)); there is Always, for a sidecar")
        }
        return isInit && policy == "Always"
    }

    private mutating func image(_ object: ManifestObject) -> String? {
        guard let image = requiredText(object, "image") else { return nil }
        guard ImageReference(image) != nil else {
            problem(
                object, "image",
                "Failed to parse image reference \(quotedAlways(image)): invalid reference format"
                    + (image.utf8.contains(UInt8(ascii: "@"))
                        ? "\n  hint: images are named by tag, and not by digest" : ""))
            return nil
        }
        return image
    }

    private mutating func workingDirectory(_ object: ManifestObject) -> String? {
        guard let path = text(object, "workingDir"), !path.isEmpty else { return nil }
        if !path.hasPrefix("/") { problem(object, "workingDir", "\(quotedAlways(path)) is not absolute") }
        return path
    }

    private mutating func ports(_ object: ManifestObject) -> [ManifestContainer.Port] {
        var ports: [ManifestContainer.Port] = []
        for item in objects(object, "ports", ["containerPort", "hostIP", "hostPort", "name", "protocol"]) {
            let name = portName(item)
            if let name, ports.contains(where: { $0.name == name }) {
                problem(item, "name", "two ports are named \(name)")
            }
            if item["containerPort"] == nil { problem(item, "containerPort", "it is missing") }
            let number = integer(item, "containerPort", 1...65_535)
            let host = integer(item, "hostPort", 1...65_535)
            if item["hostIP"] != nil {
                problem(item, "hostIP", "it is not supported: a port is published on every address")
            }
            let word = text(item, "protocol") ?? "TCP"
            let transport = PortMapping.Transport.allCases.first { $0.rawValue.uppercased() == word }
            if transport == nil { problem(item, "protocol", "no value \(quotedAlways(word)); there are TCP, UDP") }
            guard let number, let transport else { continue }
            ports.append(
                .init(
                    name: name, container: UInt16(number), host: host.map { UInt16($0) }, transport: transport))
        }
        return ports
    }

    /// RFC 6335, 5.1: a service's name.
    private mutating func portName(_ item: ManifestObject) -> String? {
        guard let name = text(item, "name") else { return nil }
        let bytes = Array(name.utf8)
        let isLetter = { (byte: UInt8) in (97...122).contains(byte) }
        let fits = Volume.isLabel(name) && bytes.count <= 15 && bytes.contains(where: isLetter)
        let hasDouble = zip(bytes, bytes.dropFirst()).contains { $0 == 45 && $1 == 45 }
        guard fits, !hasDouble else {
            problem(
                item, "name",
                "\(quotedAlways(name)): 1 to 15 lower-case letters, digits and '-', with a letter and no '--'")
            return nil
        }
        return name
    }

    private static let resourceNames = ["cpu", "memory", "ephemeral-storage"]

    private mutating func resources(_ object: ManifestObject) -> ManifestContainer.Resources {
        var resources = ManifestContainer.Resources()
        guard let all = self.object(object, "resources", ["limits", "requests"], .init(refused: ["claims": ""])) else {
            return resources
        }
        for key in ["limits", "requests"] {
            guard let value = all[key], case .mapping(let members) = value.content else {
                if all[key] != nil { problem(all, key, "expected amounts by name") }
                continue
            }
            let list = ManifestObject(members, path: all.path(of: key), position: value.position)
            for name in list.keys where !Self.resourceNames.contains(name) {
                problem(
                    list, name,
                    "it is not supported; there are \(Self.resourceNames.joined(separator: ", "))"
                        + (name.utf8.contains(UInt8(ascii: "/"))
                            ? "\n  hint: devices come by the node, see nodeSelector" : ""))
            }
            let memory = amount(list, "memory", \.whole), cpus = amount(list, "cpu", \.thousandths)
            let storage = amount(list, "ephemeral-storage", \.whole)
            if key == "limits" {
                (resources.memory, resources.cpus, resources.storage) = (memory, cpus, storage)
                if let storage, storage < LimitKey.writableLayer.least {
                    problem(list, "ephemeral-storage", "it must be at least \(LimitKey.writableLayer.least) bytes")
                }
            } else {
                resources.cpuRequest = cpus
                check(list, "memory", memory, resources.memory)
                check(list, "cpu", cpus, resources.cpus)
            }
        }
        return resources
    }

    private mutating func check(_ list: ManifestObject, _ name: String, _ request: Int64?, _ limit: Int64?) {
        guard let request, let limit, request > limit else { return }
        problem(list, name, "the request must not be more than the limit")
    }

    private mutating func amount(
        _ list: ManifestObject, _ name: String, _ value: (ResourceQuantity) -> Int64?
    ) -> Int64? {
        guard let quantity = quantity(list, name) else { return nil }
        guard let amount = value(quantity) else {
            problem(list, name, "it is too large")
            return nil
        }
        // Kubernetes takes 0 for no limit.
        return amount == 0 ? nil : amount
    }
}
