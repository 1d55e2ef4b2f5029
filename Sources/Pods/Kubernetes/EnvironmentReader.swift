internal import Planning

extension ManifestReader {
    /// `envFrom` first, and `env` over it.
    mutating func environment(_ object: ManifestObject, _ manifest: Manifest) -> [ManifestVariable] {
        var variables: [ManifestVariable] = []
        let foreign = ForeignFields(refused: [
            "secretRef": "there are no Secrets; a ConfigMap of the same file holds texts"
        ])
        for source in objects(object, "envFrom", ["configMapRef", "prefix"], foreign) {
            let prefix = text(source, "prefix") ?? ""
            guard let reference = self.object(source, "configMapRef", ["name", "optional"]) else { continue }
            let isOptional = truth(reference, "optional") ?? false
            guard let map = configMap(reference, optional: isOptional) else { continue }
            for entry in map.entries {
                if !Self.isVariableName(prefix + entry.key) {
                    warning(
                        source, "configMapRef", "the key \(printable(entry.key)) is no variable's name, and is left out"
                    )
                    continue
                }
                variables.append(.init(name: prefix + entry.key, value: .configured(entry.value)))
            }
        }
        for item in objects(object, "env", ["name", "value", "valueFrom"]) {
            guard let name = requiredText(item, "name") else { continue }
            guard Self.isVariableName(name) else {
                problem(item, "name", "\(quotedAlways(name)) is no variable's name")
                continue
            }
            if item["value"] != nil, item["valueFrom"] != nil {
                problem(item, "valueFrom", "it may not stand beside value")
            }
            guard item["valueFrom"] != nil else {
                variables.append(.init(name: name, value: .text(text(item, "value") ?? "")))
                continue
            }
            if let value = valueFrom(item, manifest) { variables.append(.init(name: name, value: value)) }
        }
        return variables
    }

    /// Printable ASCII but for `=`, as Kubernetes has it.
    private static func isVariableName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "=") }
    }

    private mutating func valueFrom(_ item: ManifestObject, _ manifest: Manifest) -> ManifestVariable.Value? {
        let foreign = ForeignFields(
            refused: [
                "secretKeyRef": "there are no Secrets; a ConfigMap of the same file holds texts",
                "resourceFieldRef": "", "fileKeyRef": "",
            ])
        guard let source = object(item, "valueFrom", ["fieldRef", "configMapKeyRef"], foreign) else { return nil }
        if let field = object(source, "fieldRef", ["apiVersion", "fieldPath"]) { return self.field(field, manifest) }
        guard let reference = object(source, "configMapKeyRef", ["name", "key", "optional"]) else {
            if source.keys.isEmpty { problem(item, "valueFrom", "it says nothing") }
            return nil
        }
        let isOptional = truth(reference, "optional") ?? false
        guard let key = requiredText(reference, "key") else { return nil }
        guard let map = configMap(reference, optional: isOptional) else { return nil }
        if let value = map[key] { return .configured(value) }
        if !isOptional { problem(reference, "key", "the ConfigMap has no key \(quotedAlways(key))") }
        return nil
    }

    private mutating func field(_ object: ManifestObject, _ manifest: Manifest) -> ManifestVariable.Value? {
        guard let path = requiredText(object, "fieldPath") else { return nil }
        if let field = ManifestVariable.Field(rawValue: path) { return .field(field) }
        // `metadata.labels['name']`
        for (kind, pairs) in [("labels", manifest.labels), ("annotations", manifest.annotations)] {
            let begin = "metadata.\(kind)['"
            guard path.hasPrefix(begin), path.hasSuffix("']") else { continue }
            let name = path.dropFirst(begin.count).dropLast(2)
            return .configured(pairs.first { $0.name == name }?.value ?? "")
        }
        let fields = ManifestVariable.Field.allCases.map(\.rawValue).joined(separator: ", ")
        problem(
            object, "fieldPath",
            "\(quotedAlways(path)) is not supported; there are \(fields), metadata.labels['NAME'], metadata.annotations['NAME']"
        )
        return nil
    }
}
