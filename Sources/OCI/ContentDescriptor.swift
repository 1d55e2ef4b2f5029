/// What refers to content: its type, digest and size (image-spec, descriptor.md).
package struct ContentDescriptor: Hashable, Sendable {
    package let mediaType: String
    package let digest: Digest
    /// In bytes.
    package let size: Int64
    package let platform: ImagePlatform?
    package let annotations: [String: String]

    /// The annotation that names an image in a layout's `index.json`: a tag or a whole name (image-spec, annotations.md).
    package static let referenceName = "org.opencontainers.image.ref.name"
    /// containerd's: always a whole name.
    package static let containerdName = "io.containerd.image.name"

    /// Makes a descriptor of content that was made here.
    package init(mediaType: String, digest: Digest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        platform = nil
        annotations = [:]
    }

    /// Reads a descriptor. Embedded `data` and `urls` are not used.
    package init(_ json: JSON) throws(JSONError) {
        mediaType = try MediaType.read(try json.required("mediaType"))
        digest = try Digest(try json.required("digest"))
        size = try json.required("size").integer()
        guard size >= 0 else { throw JSONError(json.pointer + "/size", "a size can't be negative") }
        // containers/image writes an empty platform for none.
        if let member = json["platform"], try !member.members().isEmpty {
            platform = try ImagePlatform(member)
        } else {
            platform = nil
        }
        annotations = try Annotations.read(json["annotations"])
    }

    /// With `mediaType`, `digest` and `size`.
    package var json: JSON.Value {
        .members([
            ("mediaType", .string(mediaType)), ("digest", .string(digest.description)), ("size", .integer(size)),
        ])
    }
}

/// The types of content that images are made of (image-spec, media-types.md), OCI's and Docker's names for them.
package enum MediaType {
    package static let index = "application/vnd.oci.image.index.v1+json"
    package static let manifest = "application/vnd.oci.image.manifest.v1+json"
    package static let config = "application/vnd.oci.image.config.v1+json"
    package static let layer = "application/vnd.oci.image.layer.v1.tar"

    /// Whether it is an index of images.
    package static func isIndex(_ type: String) -> Bool {
        type == index || type == "application/vnd.docker.distribution.manifest.list.v2+json"
    }

    /// Whether it is one image's manifest.
    package static func isManifest(_ type: String) -> Bool {
        type == manifest || type == "application/vnd.docker.distribution.manifest.v2+json"
    }

    /// Whether it is a config that says how to run an image.
    package static func isConfig(_ type: String) -> Bool {
        type == config || type == "application/vnd.docker.container.image.v1+json"
    }

    static func read(_ json: JSON) throws(JSONError) -> String {
        let text = try json.string()
        let visible = text.utf8.allSatisfy { (33...126).contains($0) }
        guard (1...255).contains(text.utf8.count), visible else {
            throw JSONError(json.pointer, "not a media type")
        }
        return text
    }
}

/// Annotations of indexes, manifests and descriptors: a bounded map of strings.
enum Annotations {
    static func read(_ json: JSON?) throws(JSONError) -> [String: String] {
        guard let json else { return [:] }
        let pairs = try json.stringMap()
        guard pairs.count <= 1024 else { throw JSONError(json.pointer, "more than 1024 annotations") }
        return Dictionary(pairs.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }
}
