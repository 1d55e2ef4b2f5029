/// The manifest of one image: its config and its layers, the lowest first (image-spec, manifest.md).
package struct ImageManifest: Sendable {
    package let config: ContentDescriptor
    package let layers: [ContentDescriptor]
    package let annotations: [String: String]

    /// The most layers that an image may have: twice what other engines allow, and few enough to have all open.
    package static let maximumLayers = 256

    /// Makes the manifest of an image that came without one.
    package init(config: ContentDescriptor, layers: [ContentDescriptor]) {
        self.config = config
        self.layers = layers
        annotations = [:]
    }

    /// Reads a manifest; one whose config is of another type (a signature, a chart) is refused.
    package init(_ json: JSON) throws(JSONError) {
        try SchemaVersion.check(json)
        let configMember = try json.required("config")
        config = try ContentDescriptor(configMember)
        guard MediaType.isConfig(config.mediaType) else {
            throw JSONError(configMember.pointer + "/mediaType", "\(config.mediaType) is not the config of an image")
        }
        let list = try json.required("layers")
        let items = try list.items()
        guard items.count <= ImageManifest.maximumLayers else {
            throw JSONError(list.pointer, "\(items.count) layers are more than \(ImageManifest.maximumLayers)")
        }
        var layers: [ContentDescriptor] = []
        for item in items { layers.append(try ContentDescriptor(item)) }
        self.layers = layers
        annotations = try Annotations.read(json["annotations"])
    }

    /// As JSON, annotations left out.
    package var json: JSON.Value {
        .members([
            ("schemaVersion", .integer(2)), ("mediaType", .string(MediaType.manifest)), ("config", config.json),
            ("layers", .array(layers.map(\.json))),
        ])
    }
}
