/// An index: images of several platforms, or a layout's table of contents (image-spec, image-index.md).
package struct ImageIndex: Sendable {
    package let manifests: [ContentDescriptor]

    /// The most descriptors that one index may have.
    package static let maximumManifests = 1024

    /// Reads `index.json` or an index blob.
    package init(_ json: JSON) throws(JSONError) {
        try SchemaVersion.check(json)
        let list = try json.required("manifests")
        let items = try list.items()
        guard items.count <= ImageIndex.maximumManifests else {
            throw JSONError(list.pointer, "\(items.count) manifests are more than \(ImageIndex.maximumManifests)")
        }
        var manifests: [ContentDescriptor] = []
        for item in items { manifests.append(try ContentDescriptor(item)) }
        self.manifests = manifests
    }
}

/// `schemaVersion`, which must be 2 in both kinds of manifest.
enum SchemaVersion {
    static func check(_ json: JSON) throws(JSONError) {
        let version = try json.required("schemaVersion")
        guard try version.integer(Int.self) == 2 else {
            throw JSONError(version.pointer, "only version 2 is supported")
        }
    }
}
