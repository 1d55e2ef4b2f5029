internal import OCI

/// An image as it was found in what is being loaded, its documents read and checked.
struct FoundImage {
    let reference: ImageReference
    let manifest: (text: [UInt8], digest: Digest)
    let config: (text: [UInt8], digest: Digest, value: ImageConfig)
    /// The lowest first: what the blob is, and in which file it is.
    let layers: [(content: ContentDescriptor, file: String)]
}

/// Which images a source has, and which of them is for the platform that is wanted.
struct ImageCatalog {
    /// What the user has asked for; nil: arm64 if the image has it, or else the host's architecture.
    let platform: ImagePlatform?
    /// The name that the user gives the image.
    let name: ImageReference?

    /// How deep indexes may refer to indexes.
    private static let maximumDepth = 4

    /// The images of `files`.
    func images(in files: ImageFiles) throws(ImagesError) -> [FoundImage] {
        let images: [FoundImage]
        if try files.has("index.json"), try files.has("oci-layout") {
            images = try imagesOfLayout(files)
        } else if try files.has("manifest.json") {
            images = try DockerArchive(catalog: self).images(in: files)
        } else {
            throw .notAnImage(files.name)
        }
        if name != nil, Set(images.map(\.manifest.digest)).count > 1 { throw .severalImages(images.count) }
        return images
    }

    // MARK: OCI layout (image-spec, image-layout.md)

    private func imagesOfLayout(_ files: ImageFiles) throws(ImagesError) -> [FoundImage] {
        let marker = try files.parse(try files.read("oci-layout"), "oci-layout")
        let json = try files.parse(try files.read("index.json"), "index.json")
        let index: ImageIndex
        do throws(JSONError) {
            let version = try marker.required("imageLayoutVersion")
            guard try version.string().hasPrefix("1.") else {
                throw JSONError(version.pointer, "only version 1 is known")
            }
        } catch { throw .document("oci-layout", error) }
        do throws(JSONError) { index = try ImageIndex(json) } catch { throw .document("index.json", error) }

        // What has the same name is one image for several platforms; what has none, too.
        var order: [String] = []
        var groups: [String: [ContentDescriptor]] = [:]
        for manifest in index.manifests {
            let key =
                manifest.annotations[ContentDescriptor.containerdName]
                ?? manifest.annotations[ContentDescriptor.referenceName] ?? ""
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(manifest)
        }
        var images: [FoundImage] = []
        for key in order {
            let reference = try self.reference(annotation: key, files.name)
            var candidates: [Candidate] = []
            for content in groups[key] ?? [] { try collect(content, 0, files, &candidates) }
            images.append(try choose(candidates, reference, files))
        }
        if images.isEmpty { throw .notAnImage(files.name) }
        return images
    }

    /// A manifest, and what it runs on.
    private struct Candidate {
        let text: [UInt8]
        let digest: Digest
        let value: ImageManifest
        let platform: ImagePlatform
    }

    private func collect(
        _ content: ContentDescriptor, _ depth: Int, _ files: ImageFiles, _ candidates: inout [Candidate]
    ) throws(ImagesError) {
        guard depth < ImageCatalog.maximumDepth else { throw .nestedTooDeeply }
        if let platform = content.platform, platform.os == "unknown" { return }  // buildkit's attestations
        // A layout may hold an index's other platforms as descriptors alone.
        if content.platform != nil, try !files.has("blobs/sha256/\(content.digest.hex)") { return }
        guard candidates.count < ImageIndex.maximumManifests else { throw .nestedTooDeeply }
        let (text, json) = try files.read(content)
        if MediaType.isIndex(content.mediaType) {
            let index = try value(of: content) { () throws(JSONError) in try ImageIndex(json) }
            for inner in index.manifests { try collect(inner, depth + 1, files, &candidates) }
        } else if MediaType.isManifest(content.mediaType) {
            let manifest = try value(of: content) { () throws(JSONError) in try ImageManifest(json) }
            var platform = content.platform
            if platform == nil {
                let config = try files.read(manifest.config).json
                platform = try value(of: manifest.config) { () throws(JSONError) in try ImagePlatform(config) }
            }
            if let platform {
                candidates.append(Candidate(text: text, digest: content.digest, value: manifest, platform: platform))
            }
        } else {
            throw .unsupportedMediaType(content.mediaType)
        }
    }

    private func value<Value>(of content: ContentDescriptor, _ read: () throws(JSONError) -> Value)
        throws(ImagesError) -> Value
    {
        do throws(JSONError) { return try read() } catch { throw .document("\(content.digest)", error) }
    }

    // MARK: Platforms and names

    private func choose(_ candidates: [Candidate], _ reference: ImageReference, _ files: ImageFiles)
        throws(ImagesError) -> FoundImage
    {
        let offered = candidates.map(\.platform)
        guard let at = preferred(among: offered) else { throw missing(offered) }
        let chosen = candidates[at]
        let (configText, json) = try files.read(chosen.value.config)
        let config = try value(of: chosen.value.config) { () throws(JSONError) in try ImageConfig(json) }
        guard config.diffIDs.count == chosen.value.layers.count else {
            throw .layerCount(manifest: chosen.value.layers.count, config: config.diffIDs.count)
        }
        return FoundImage(
            reference: reference, manifest: (chosen.text, chosen.digest),
            config: (configText, chosen.value.config.digest, config),
            layers: chosen.value.layers.map { ($0, "blobs/sha256/\($0.digest.hex)") })
    }

    /// Which of `offered` to take: the first that serves what is asked for.
    func preferred(among offered: [ImagePlatform]) -> Int? {
        let wanted = platform.map { [$0] } ?? ImageCatalog.defaults
        for wish in wanted { if let at = offered.firstIndex(where: { $0.serves(wish) }) { return at } }
        return nil
    }

    /// The error that none of `offered` serves.
    func missing(_ offered: [ImagePlatform]) -> ImagesError {
        let wanted = platform.map { [$0] } ?? ImageCatalog.defaults
        return .noSuchPlatform(
            wanted: wanted.map(\.description).joined(separator: " or "), offered: offered.map(\.description))
    }

    /// arm64, and the architecture that this program was built for.
    static let defaults: [ImagePlatform] = {
        #if arch(x86_64)
            [ImagePlatform(architecture: "arm64"), ImagePlatform(architecture: "amd64")]
        #else
            [ImagePlatform(architecture: "arm64")]
        #endif
    }()

    /// The name of an image: the user's, or the annotation's, which may be a tag alone; the source's file name is before
    /// that then.
    private func reference(annotation: String, _ source: String) throws(ImagesError) -> ImageReference {
        if let name { return name }
        if annotation.contains("/") || annotation.contains(":") {
            guard let reference = ImageReference(annotation) else { throw .notAName(annotation) }
            return reference
        }
        let tag = annotation.isEmpty ? "latest" : annotation
        guard let base = ImageCatalog.baseName(source), ImageReference(base) != nil else { throw .unnamed }
        guard let reference = ImageReference("\(base):\(tag)") else { throw .notAName("\(base):\(tag)") }
        return reference
    }

    /// `demo` of `/images/demo.oci.tar`.
    static func baseName(_ path: String) -> String? {
        guard var name = path.split(separator: "/").last.map(String.init), name != "." else { return nil }
        for suffix in [".tar", ".oci", ".docker"] where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
        return name
    }
}
