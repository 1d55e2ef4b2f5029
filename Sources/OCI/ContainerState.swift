/// What others are told of a container: runtime.md, "State". Its status and process are the moment's.
package struct ContainerState: Hashable, Sendable {
    package var ociVersion: String
    package var identifier: String
    /// Absolute.
    package var bundle: String
    package var annotations: [RuntimeSpec.Annotation]

    package init(ociVersion: String, identifier: String, bundle: String, annotations: [RuntimeSpec.Annotation]) {
        self.ociVersion = ociVersion
        self.identifier = identifier
        self.bundle = bundle
        self.annotations = annotations
    }

    /// `status` as the specification calls it; `process` as who reads this sees it, nil: there is none.
    package func json(status: String, process: Int32?) -> JSON.Value {
        .members([
            ("ociVersion", .string(ociVersion)), ("id", .string(identifier)), ("status", .string(status)),
            ("pid", process.map { .integer(Int64($0)) }), ("bundle", .string(bundle)),
            ("annotations", annotations.isEmpty ? nil : .object(annotations.map { ($0.name, .string($0.value)) })),
        ])
    }
}

// MARK: - Kept for later

extension ContainerState {
    package init(_ json: JSON) throws(JSONError) {
        ociVersion = try json.required("ociVersion").string()
        identifier = try json.required("id").string()
        bundle = try json.required("bundle").string()
        annotations = []
        for (name, value) in try json["annotations"]?.stringMap() ?? [] {
            annotations.append(RuntimeSpec.Annotation(name: name, value: value))
        }
    }
}
