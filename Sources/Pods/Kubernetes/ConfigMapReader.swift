/// A core/v1 ConfigMap.
struct ConfigMap: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var key: String
        var value: String
    }

    var entries: [Entry] = []

    /// nil: it has no such key.
    subscript(key: String) -> String? { entries.first { $0.key == key }?.value }
}

extension ManifestReader {
    mutating func addConfigMap(_ document: YAML) {
        let known = ["apiVersion", "kind", "metadata", "data"]
        let foreign = ForeignFields(
            ignored: ["immutable"], refused: ["binaryData": "its values are not decoded; data takes texts"])
        guard let object = object(document, "", known, foreign), let (name, _) = metadata(object) else { return }
        var map = ConfigMap()
        for (key, value) in textMap(object, "data") {
            guard ManifestReader.isConfigKey(key) else {
                problem(object, "data", "the key \(quotedAlways(key)): letters, digits, '-', '_' and '.' are allowed")
                continue
            }
            map.entries.append(.init(key: key, value: value))
        }
        if configMaps[name] != nil {
            problem(object.position, "metadata.name", "two ConfigMaps of the file are named \(quotedAlways(name))")
        }
        configMaps[name] = map
    }

    /// A file may be named after it.
    private static func isConfigKey(_ key: String) -> Bool {
        let fits = key.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "-._".utf8.contains($0)
        }
        return fits && (1...253).contains(key.utf8.count) && key != "." && !key.hasPrefix("..")
    }

    /// The ConfigMap that `name` of `object` names; nil: there is none, which is told where it must be there.
    mutating func configMap(_ object: ManifestObject, optional: Bool) -> ConfigMap? {
        guard let name = requiredText(object, "name") else { return nil }
        if let map = configMaps[name] { return map }
        if !optional {
            problem(
                object, "name",
                "there is no ConfigMap \(quotedAlways(name)) in the file\n  hint: write it as a document of this file")
        }
        return nil
    }
}
