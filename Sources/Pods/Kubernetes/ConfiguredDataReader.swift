internal import Planning

extension ManifestReader {
    /// Of all of one together, as with Kubernetes.
    private static let mostBytes = 1 << 20

    mutating func addConfigMap(_ document: YAML) {
        let known = ["apiVersion", "kind", "metadata", "data"]
        let foreign = ForeignFields(
            ignored: ["immutable"], refused: ["binaryData": "its values are not decoded; data takes texts"])
        guard let object = object(document, "", known, foreign), let (name, _) = metadata(object) else { return }
        var map = ConfiguredData()
        for (key, value) in textMap(object, "data") where isConfigKey(object, "data", key) {
            map.set(key, Array(value.utf8))
        }
        add(map, .configMap, name, object)
    }

    /// `data` is in base64, and `stringData` over it as it stands.
    mutating func addSecret(_ document: YAML) {
        let known = ["apiVersion", "kind", "metadata", "data", "stringData", "type"]
        guard let object = object(document, "", known, ForeignFields(ignored: ["immutable"])),
            let (name, _) = metadata(object)
        else { return }
        _ = text(object, "type")
        var secret = ConfiguredData()
        for (key, value) in textMap(object, "data") where isConfigKey(object, "data", key) {
            if let bytes = Base64.decode(value) {
                secret.set(key, bytes)
            } else {
                problem(object, "data", "the value of \(printable(key)) is not base64; stringData takes texts")
            }
        }
        for (key, value) in textMap(object, "stringData") where isConfigKey(object, "stringData", key) {
            secret.set(key, Array(value.utf8))
        }
        add(secret, .secret, name, object)
    }

    private mutating func add(
        _ data: ConfiguredData, _ kind: ConfiguredData.Kind, _ name: String, _ object: ManifestObject
    ) {
        if configured[kind]?[name] != nil {
            problem(
                object.position, "metadata.name", "two \(kind.rawValue)s of the file are named \(quotedAlways(name))")
        }
        if data.entries.reduce(0, { $0 + $1.key.utf8.count + $1.value.count }) > Self.mostBytes {
            problem(object.position, "data", "it is more than \(Self.mostBytes) bytes")
        }
        configured[kind, default: [:]][name] = data
    }

    /// A file may be named after it.
    private mutating func isConfigKey(_ object: ManifestObject, _ field: String, _ key: String) -> Bool {
        let fits = key.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "-._".utf8.contains($0)
        }
        if fits, (1...253).contains(key.utf8.count), key != ".", !key.hasPrefix("..") { return true }
        problem(object, field, "the key \(quotedAlways(key)): letters, digits, '-', '_' and '.' are allowed")
        return false
    }

    /// What `key` of `object` names; nil: there is none, which is told where it must be there.
    mutating func configured(
        _ kind: ConfiguredData.Kind, _ object: ManifestObject, _ key: String = "name", optional: Bool
    ) -> ConfiguredData? {
        guard let name = requiredText(object, key) else { return nil }
        if let data = configured[kind]?[name] { return data }
        if !optional {
            problem(
                object, key,
                "there is no \(kind.rawValue) \(quotedAlways(name)) in the file\n  hint: write it as a document of this file"
            )
        }
        return nil
    }
}
