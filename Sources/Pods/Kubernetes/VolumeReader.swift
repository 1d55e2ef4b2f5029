internal import Glibc

extension ManifestReader {
    private static let volumeKinds = ["configMap", "emptyDir", "hostPath", "persistentVolumeClaim", "secret"]
    private static let foreignVolumeKinds: ForeignFields = {
        let kinds = [
            "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "downwardAPI", "ephemeral",
            "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs",
            "photonPersistentDisk", "portworxVolume", "projected", "quobyte", "rbd", "scaleIO", "storageos",
            "vsphereVolume",
        ]
        let why = "there are " + volumeKinds.joined(separator: ", ")
        return ForeignFields(refused: Dictionary(kinds.map { ($0, why) }) { first, _ in first })
    }()

    mutating func volumes(_ spec: ManifestObject) -> [ManifestVolume] {
        objects(spec, "volumes", ["name"] + Self.volumeKinds, Self.foreignVolumeKinds).compactMap { volume in
            let name = label(volume, "name")
            let kinds = Self.volumeKinds.filter { volume[$0] != nil }
            guard kinds.count <= 1 else {
                problem(volume.position, volume.path, "it is \(kinds.joined(separator: " and ")); a volume is one")
                return nil
            }
            guard let kind = kinds.first else {
                // Of a kind that there is not that was told.
                if volume.keys == ["name"] {
                    problem(
                        volume.position, volume.path,
                        "it is nothing; " + "there are " + Self.volumeKinds.joined(separator: ", "))
                }
                return nil
            }
            let source: ManifestVolume.Source? =
                switch kind {
                case "configMap": configMapSource(volume)
                case "emptyDir": emptyDirectory(volume)
                case "hostPath": hostPath(volume)
                case "secret": secretSource(volume)
                default: claim(volume)
                }
            guard let name, let source else { return nil }
            return ManifestVolume(name: name, source: source)
        }
    }

    private mutating func emptyDirectory(_ volume: ManifestObject) -> ManifestVolume.Source? {
        guard let object = object(volume, "emptyDir", ["medium", "sizeLimit"]) else { return nil }
        let medium = text(object, "medium") ?? ""
        let limit = quantity(object, "sizeLimit")?.whole
        switch medium {
        case "Memory": return .memory(limit: limit == 0 ? nil : limit)
        case "":
            if object["sizeLimit"] != nil {
                warning(object, "sizeLimit", "it is kept with the medium Memory alone, and is left out")
            }
            return .empty
        default:
            problem(object, "medium", "no value \(quotedAlways(medium)); there is Memory")
            return nil
        }
    }

    /// `TENANT-VOLUME`, as `pod bundle` writes it, or `VOLUME`.
    private mutating func claim(_ volume: ManifestObject) -> ManifestVolume.Source? {
        guard let object = object(volume, "persistentVolumeClaim", ["claimName", "readOnly"]) else { return nil }
        let isReadOnly = truth(object, "readOnly") ?? false
        guard let claim = requiredText(object, "claimName") else { return nil }
        let prefix = rules.tenant + "-"
        let name = claim.hasPrefix(prefix) ? String(claim.dropFirst(prefix.count)) : claim
        guard Volume.isLabel(name) else {
            problem(
                object, "claimName",
                "\(quotedAlways(claim)): 1 to 63 lower-case letters, digits and '-' are allowed, and not '-' at an end")
            return nil
        }
        return .claim(name, isReadOnly: isReadOnly)
    }

    private mutating func configMapSource(_ volume: ManifestObject) -> ManifestVolume.Source? {
        let known = ["name", "items", "defaultMode", "optional"]
        guard let object = object(volume, "configMap", known) else { return nil }
        return files(object, .configMap, "name").map { .files($0) }
    }

    private mutating func secretSource(_ volume: ManifestObject) -> ManifestVolume.Source? {
        let known = ["secretName", "items", "defaultMode", "optional"]
        guard let object = object(volume, "secret", known) else { return nil }
        return files(object, .secret, "secretName").map { .secret($0) }
    }

    /// nil: there is nothing that they could be of.
    private mutating func files(
        _ object: ManifestObject, _ kind: ConfiguredData.Kind, _ name: String
    ) -> [ManifestVolume.File]? {
        let isOptional = truth(object, "optional") ?? false
        let mode = UInt32(integer(object, "defaultMode", 0...0o777) ?? 0o644)
        let items = objects(object, "items", ["key", "path", "mode"])
        guard let data = configured(kind, object, name, optional: isOptional) else { return isOptional ? [] : nil }
        guard object["items"] != nil else {
            return data.entries.map { .init(path: $0.key, content: $0.value, mode: mode) }
        }
        var files: [ManifestVolume.File] = []
        for item in items {
            guard let key = requiredText(item, "key"), let path = requiredText(item, "path") else { continue }
            if let why = Self.whyNotBelow(path) { problem(item, "path", why) }
            guard let entry = data[key] else {
                if !isOptional { problem(item, "key", "the \(kind.rawValue) has no key \(quotedAlways(key))") }
                continue
            }
            let own = integer(item, "mode", 0...0o777)
            files.append(.init(path: path, content: entry.value, mode: own.map { UInt32($0) } ?? mode))
        }
        return files
    }

    private mutating func hostPath(_ volume: ManifestObject) -> ManifestVolume.Source? {
        guard let object = object(volume, "hostPath", ["path", "type"]) else { return nil }
        let type = choice(object, "type", ManifestVolume.HostPathType.self) ?? .any
        guard let path = requiredText(object, "path") else { return nil }
        guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            problem(object, "path", "\(quotedAlways(path)) is not an absolute path without '..'")
            return nil
        }
        let isDevice = type == .characterDevice || type == .blockDevice
        let limits = rules.limits
        let allowed = isDevice ? limits?.devices : limits?.hostPaths
        if let allowed, !allowed.contains(where: { Self.isBelow(path, $0) }) {
            problem(
                object, "path",
                "the tenant's \(isDevice ? "devices" : "host_paths") do not have \(quotedAlways(path)); see `perigee limits`"
            )
            return nil
        }
        return .host(path: path, type)
    }

    /// Whether it is `root`, or lies below it.
    static func isBelow(_ path: String, _ root: String) -> Bool {
        let path = path.split(separator: "/").filter { $0 != "." }, root = root.split(separator: "/")
        return path.starts(with: root)
    }

    /// nil: it is a path below a directory.
    private static func whyNotBelow(_ path: String) -> String? {
        if path.hasPrefix("/") { return "\(quotedAlways(path)) is absolute" }
        if path.split(separator: "/").contains("..") { return "\(quotedAlways(path)) has '..'" }
        return nil
    }

    // MARK: in containers

    mutating func mounts(_ container: ManifestObject, _ manifest: Manifest) -> [ManifestContainer.Mount] {
        let known = ["mountPath", "mountPropagation", "name", "readOnly", "recursiveReadOnly", "subPath"]
        let foreign = ForeignFields(refused: ["subPathExpr": "subPath is"])
        var mounts: [ManifestContainer.Mount] = []
        for object in objects(container, "volumeMounts", known, foreign) {
            guard let name = requiredText(object, "name"), let path = requiredText(object, "mountPath") else {
                continue
            }
            // One that could not be read was told.
            if !manifest.volumes.contains(where: { $0.name == name }), complaints.problems.isEmpty {
                problem(object, "name", "there is no volume \(quotedAlways(name))")
            }
            if !path.hasPrefix("/") || path.split(separator: "/").contains("..") || path.allSatisfy({ $0 == "/" }) {
                problem(
                    object, "mountPath", "\(quotedAlways(path)) is not an absolute path without '..', or is the root")
            }
            if mounts.contains(where: { $0.path == path }) {
                problem(object, "mountPath", "two volumes are mounted there")
            }
            for (key, usual) in [("mountPropagation", "None"), ("recursiveReadOnly", "Disabled")] {
                guard let word = text(object, key), word != usual else { continue }
                problem(object, key, "\(quotedAlways(word)) is not supported; there is \(usual)")
            }
            let subPath = text(object, "subPath") ?? ""
            if let why = Self.whyNotBelow(subPath) { problem(object, "subPath", why) }
            mounts.append(
                .init(volume: name, path: path, isReadOnly: truth(object, "readOnly") ?? false, subPath: subPath))
        }
        return mounts
    }
}
