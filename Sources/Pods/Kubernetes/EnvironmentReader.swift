internal import Planning

extension ManifestReader {
    /// `envFrom` first, and `env` over it.
    mutating func environment(_ object: ManifestObject, _ manifest: Manifest) -> [ManifestVariable] {
        var variables: [ManifestVariable] = []
        for source in objects(object, "envFrom", ["configMapRef", "prefix", "secretRef"]) {
            let prefix = text(source, "prefix") ?? ""
            let isSecret = source["secretRef"] != nil, field = isSecret ? "secretRef" : "configMapRef"
            if isSecret, source["configMapRef"] != nil {
                problem(source, field, "one of it and configMapRef is enough")
            }
            guard let reference = self.object(source, field, ["name", "optional"]) else { continue }
            let isOptional = truth(reference, "optional") ?? false
            let kind: ConfiguredData.Kind = isSecret ? .secret : .configMap
            guard let data = configured(kind, reference, optional: isOptional) else { continue }
            for entry in data.entries {
                guard Self.isVariableName(prefix + entry.key) else {
                    warning(source, field, "the key \(printable(entry.key)) is no variable's name, and is left out")
                    continue
                }
                guard let value = variable(entry, source, field) else { continue }
                variables.append(.init(name: prefix + entry.key, value: value))
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
        let foreign = ForeignFields(refused: ["resourceFieldRef": "", "fileKeyRef": ""])
        guard let source = object(item, "valueFrom", ["fieldRef", "configMapKeyRef", "secretKeyRef"], foreign) else {
            return nil
        }
        if let field = object(source, "fieldRef", ["apiVersion", "fieldPath"]) { return self.field(field, manifest) }
        let isSecret = source["secretKeyRef"] != nil, kind: ConfiguredData.Kind = isSecret ? .secret : .configMap
        let name = isSecret ? "secretKeyRef" : "configMapKeyRef"
        guard let reference = object(source, name, ["name", "key", "optional"]) else {
            if source.keys.isEmpty { problem(item, "valueFrom", "it says nothing") }
            return nil
        }
        let isOptional = truth(reference, "optional") ?? false
        guard let key = requiredText(reference, "key") else { return nil }
        guard let data = configured(kind, reference, optional: isOptional) else { return nil }
        if let entry = data[key] { return variable(entry, reference, "key") }
        if !isOptional { problem(reference, "key", "the \(kind.rawValue) has no key \(quotedAlways(key))") }
        return nil
    }

    private mutating func variable(
        _ entry: ConfiguredData.Entry, _ object: ManifestObject, _ field: String
    ) -> ManifestVariable.Value? {
        if let text = entry.text { return .configured(text) }
        problem(object, field, "the value of \(printable(entry.key)) is no text; a volume can have it")
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
