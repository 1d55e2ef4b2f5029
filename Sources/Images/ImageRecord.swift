package import OCI

/// What the store knows of an image under one name. It is a file of `images/`, named by the SHA-256 of the name.
package struct ImageRecord: Sendable, Hashable {
    /// A layer, and the tree that it makes together with those below it.
    package struct Layer: Sendable, Hashable {
        package let diffID: Digest
        /// The name of its directory in `layers/`.
        package let chainID: Digest
    }

    package let reference: ImageReference
    package let manifest: Digest
    package let config: Digest
    package let platform: ImagePlatform
    /// The lowest first.
    package let layers: [Layer]
    /// Content of all layers as unpacked, in bytes; layers shared with other images count.
    package let size: Int64
    /// Nanoseconds since 1970 UTC.
    package let loaded: UInt64

    init(
        reference: ImageReference, manifest: Digest, config: Digest, platform: ImagePlatform, layers: [Layer],
        size: Int64, loaded: UInt64
    ) {
        self.reference = reference
        self.manifest = manifest
        self.config = config
        self.platform = platform
        self.layers = layers
        self.size = size
        self.loaded = loaded
    }

    /// Reads the record's file.
    init(_ json: JSON) throws(JSONError) {
        let name = try json.required("reference")
        guard let reference = ImageReference(try name.string()) else { throw JSONError(name.pointer, "not a name") }
        self.reference = reference
        manifest = try Digest(try json.required("manifest"))
        config = try Digest(try json.required("config"))
        platform = try ImagePlatform(try json.required("platform"))
        var layers: [Layer] = []
        for item in try json.required("layers").items() {
            layers.append(
                Layer(
                    diffID: try Digest(try item.required("diffID")), chainID: try Digest(try item.required("chainID"))))
        }
        self.layers = layers
        size = try json.required("size").integer()
        loaded = UInt64(clamping: try json.required("loaded").integer())
    }

    /// As it is written to the record's file and shown by `image inspect`.
    package var json: JSON.Value {
        .members([
            ("reference", .string(reference.description)), ("manifest", .string(manifest.description)),
            ("config", .string(config.description)), ("platform", platform.json),
            (
                "layers",
                .array(
                    layers.map {
                        .members([
                            ("diffID", .string($0.diffID.description)), ("chainID", .string($0.chainID.description)),
                        ])
                    })
            ),
            ("size", .integer(size)), ("loaded", .integer(Int64(clamping: loaded))),
        ])
    }

    /// The name of the file of `reference`'s record.
    static func fileName(_ reference: ImageReference) -> String {
        Digest(of: Array(reference.description.utf8)).hex + ".json"
    }
}
