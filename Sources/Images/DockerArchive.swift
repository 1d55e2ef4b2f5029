internal import Linux
internal import OCI

/// What `docker save` writes: `manifest.json` tells of each image its config, its names and its layers, which are
/// uncompressed archives. It has no manifests of OCI's kind, so one is made.
struct DockerArchive {
    let catalog: ImageCatalog

    private static let maximumImages = 256

    /// The images of `files`, one for each name.
    func images(in files: ImageFiles) throws(ImagesError) -> [FoundImage] {
        let json = try files.parse(try files.read("manifest.json"), "manifest.json")
        let entries: [Entry]
        do throws(JSONError) {
            let items = try json.items()
            guard items.count <= DockerArchive.maximumImages else {
                throw JSONError("", "more than \(DockerArchive.maximumImages) images")
            }
            entries = try DockerArchive.entries(items)
        } catch { throw .document("manifest.json", error) }
        var images: [FoundImage] = []
        var offered: [ImagePlatform] = []
        for entry in entries {
            let text = try files.read(entry.config)
            let json = try files.parse(text, entry.config)
            let config: ImageConfig
            do throws(JSONError) { config = try ImageConfig(json) } catch { throw .document(entry.config, error) }
            offered.append(config.platform)
            guard catalog.preferred(among: [config.platform]) != nil else { continue }
            images += try found(entry, text, config, files)
        }
        if images.isEmpty { throw catalog.missing(offered) }
        return images
    }

    private struct Entry {
        let config: String
        let names: [String]
        let layers: [String]
    }

    private static func entries(_ items: [JSON]) throws(JSONError) -> [Entry] {
        var entries: [Entry] = []
        for item in items {
            let layers = try item["Layers"]?.strings() ?? []
            guard layers.count <= ImageManifest.maximumLayers else {
                throw JSONError(item.pointer + "/Layers", "more than \(ImageManifest.maximumLayers) layers")
            }
            entries.append(
                Entry(
                    config: try item.required("Config").string(), names: try item["RepoTags"]?.strings() ?? [],
                    layers: layers))
        }
        return entries
    }

    private func found(_ entry: Entry, _ text: [UInt8], _ config: ImageConfig, _ files: ImageFiles)
        throws(ImagesError) -> [FoundImage]
    {
        guard config.diffIDs.count == entry.layers.count else {
            throw .layerCount(manifest: entry.layers.count, config: config.diffIDs.count)
        }
        var layers: [(content: ContentDescriptor, file: String)] = []
        for (file, diffID) in zip(entry.layers, config.diffIDs) {
            let layer = try files.open(file)
            let size = try system { () throws(SystemError) in try layer.view.status() }.size
            layers.append((ContentDescriptor(mediaType: MediaType.layer, digest: diffID, size: size), file))
        }
        let configContent = ContentDescriptor(
            mediaType: MediaType.config, digest: Digest(of: text), size: Int64(text.count))
        let manifest = ImageManifest(config: configContent, layers: layers.map(\.content)).json.bytes()
        return try references(entry, files.name).map { reference in
            FoundImage(
                reference: reference, manifest: (manifest, Digest(of: manifest)),
                config: (text, configContent.digest, config), layers: layers)
        }
    }

    private func references(_ entry: Entry, _ source: String) throws(ImagesError) -> [ImageReference] {
        if let name = catalog.name { return [name] }
        if entry.names.isEmpty {
            guard let base = ImageCatalog.baseName(source), let name = ImageReference(base) else { throw .unnamed }
            return [name]
        }
        var references: [ImageReference] = []
        for name in entry.names.prefix(64) {
            guard let reference = ImageReference(name) else { throw .notAName(name) }
            references.append(reference)
        }
        return references
    }
}
