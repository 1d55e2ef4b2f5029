internal import Glibc
internal import Linux
package import OCI

extension ImageStore {
    /// Loads all images of `source` that are for `platform` (by default linux/arm64 if the image has it, else the
    /// host's), and returns their records. `name` replaces the name that the image brings.
    ///
    /// Every digest, of blobs and of unpacked layers, is checked. Either all images are in the store then, or none; a
    /// name that was there before means the new image. Layers that the store has are not read again.
    package func load(
        _ source: ImageSource, name: String? = nil, platform: ImagePlatform? = nil,
        limits: UnpackLimits = UnpackLimits()
    ) throws(ImagesError) -> [ImageRecord] {
        var reference: ImageReference?
        if let name {
            guard let given = ImageReference(name) else { throw .notAName(name) }
            reference = given
        }
        try removeLeftoverWork()
        do throws(ImagesError) {
            return try load(source, reference, platform, limits)
        } catch {
            // What was moved into the store and has no name there is of no use. What can't be removed now (the error may
            // be the disk's) is when another image is removed.
            do throws(ImagesError) { try prune() } catch {}
            throw error
        }
    }

    private func load(
        _ source: ImageSource, _ reference: ImageReference?, _ platform: ImagePlatform?, _ limits: UnpackLimits
    ) throws(ImagesError) -> [ImageRecord] {
        let work = try WorkDirectory(root.view)
        let files = try ImageFiles.open(source, spoolingTo: work.view, limits)
        let images = try ImageCatalog(platform: platform, name: reference).images(in: files)
        let loader = try ImageLoader(root.view, work.view, limits)
        var records: [ImageRecord] = []
        for image in images { records.append(try loader.unpack(image, from: files)) }
        try loader.commit(images, records)
        return records
    }
}

/// A load at work: layers that are in the store already, and those that it has unpacked into its own directory.
private final class ImageLoader {
    private let root: Descriptor
    private let work: Descriptor
    private var unpacker: LayerUnpacker
    /// Layers of either kind, open and locked.
    private var layers: [Digest: LayerHold] = [:]
    /// Those that this load has unpacked.
    private var new: [Digest] = []

    init(_ root: Descriptor, _ work: Descriptor, _ limits: UnpackLimits) throws(ImagesError) {
        self.root = root
        self.work = work
        unpacker = LayerUnpacker(limits)
        try system { () throws(SystemError) in try work.makeDirectory("layers", mode: 0o700) }
    }

    /// Unpacks what the store lacks of an image's layers.
    func unpack(_ image: FoundImage, from files: ImageFiles) throws(ImagesError) -> ImageRecord {
        var chain: [LayerHold] = []
        var layers: [ImageRecord.Layer] = []
        var parent: Digest?
        for (number, layer) in image.layers.enumerated() {
            let diffID = image.config.value.diffIDs[number]
            let chainID = Digest.chainID(parent: parent, diffID: diffID)
            if self.layers[chainID] == nil {
                if let present = try LayerHold(present: chainID, root) {
                    self.layers[chainID] = present
                } else {
                    do throws(ImagesError) {
                        self.layers[chainID] = try unpack(layer, diffID, chainID, above: chain, files)
                    } catch { throw .layer(number + 1, of: image.layers.count, error) }
                    new.append(chainID)
                }
            }
            if let hold = self.layers[chainID] { chain.append(hold) }
            layers.append(ImageRecord.Layer(diffID: diffID, chainID: chainID))
            parent = chainID
        }
        var size: Int64 = 0
        for layer in chain { size += try layer.size() }
        return ImageRecord(
            reference: image.reference, manifest: image.manifest.digest, config: image.config.digest,
            platform: image.config.value.platform, layers: layers, size: size,
            loaded: Clock.wall())
    }

    private func unpack(
        _ layer: (content: ContentDescriptor, file: String), _ diffID: Digest, _ chainID: Digest,
        above chain: [LayerHold], _ files: ImageFiles
    ) throws(ImagesError) -> LayerHold {
        let blob = try files.open(layer.file)
        let path = "layers/\(chainID.hex)"
        let diff = try makeDiff(path)
        let lower = try LowerTree(chain)
        // Its descriptor is used, which alone does not keep it.
        defer { withExtendedLifetime(lower) {} }
        let size = try unpacker.unpack(
            blob.view, layer.content, diffID: diffID, into: diff.view, above: lower?.view)
        try writeRecord(path, diffID, size, parent: chain.last?.chainID)
        guard let hold = try LayerHold(chainID, in: work, path) else { throw .missingBlob("\(chainID)") }
        return hold
    }

    private func makeDiff(_ path: String) throws(ImagesError) -> OwnedDescriptor {
        let work = self.work
        return try system { () throws(SystemError) in
            try work.makeDirectory(path, mode: 0o700)
            try work.makeDirectory(path + "/fs", mode: 0o755)
            return try work.open(path + "/fs", O_RDONLY | O_DIRECTORY)
        }
    }

    private func writeRecord(_ path: String, _ diffID: Digest, _ size: Int64, parent: Digest?) throws(ImagesError) {
        let work = self.work
        let record = JSON.Value.members([
            ("diffID", .string(diffID.description)), ("size", .integer(size)),
            ("parent", parent.map { .string($0.description) }),
        ])
        try system { () throws(SystemError) in
            try work.replaceFile(path + "/layer.json", with: record.bytes())
        }
    }

    /// Moves all that was made into the store, the names last.
    func commit(_ images: [FoundImage], _ records: [ImageRecord]) throws(ImagesError) {
        let root = self.root
        let work = self.work
        let new = self.new
        // Content first: what has its name in the store must be on the disk.
        try system { () throws(SystemError) in try work.synchronizeFileSystem() }
        let lock = try StoreLock(root, exclusive: true)
        try system { () throws(SystemError) in
            for chainID in new {
                let path = "layers/\(chainID.hex)"
                // EEXIST: another load was faster, and its layer is the same.
                do throws(SystemError) { try work.rename(path, to: path, in: root, flags: 1) } catch
                    where error.code == .EEXIST
                {}
            }
            for image in images {
                for (text, digest) in [
                    (image.manifest.text, image.manifest.digest), (image.config.text, image.config.digest),
                ] {
                    try place(text, at: "blobs/sha256/\(digest.hex)")
                }
            }
            try root.synchronizeDirectories(["layers", "blobs/sha256"])
            for record in records {
                let path = "images/\(ImageRecord.fileName(record.reference))"
                try place(Array((record.json.text(indent: 2) + "\n").utf8), at: path)
            }
            try root.synchronizeDirectories(["images"])
        }
        _ = consume lock
    }
}

extension ImageLoader {
    /// Puts a file into the store, all or nothing and on the disk; what is cut short is in this load's own directory.
    private func place(_ bytes: [UInt8], at path: String) throws(SystemError) {
        let file = try work.open("document", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try file.view.write(bytes)
        try file.view.synchronize()
        try work.rename("document", to: path, in: root)
    }
}

/// What the layers of a chain make together, to look into: of several, a detached overlay mount.
private final class LowerTree {
    private let root: OwnedDescriptor

    var view: Descriptor { root.view }

    /// nil: there are no layers.
    init?(_ chain: [LayerHold]) throws(ImagesError) {
        guard let lowest = chain.first else { return nil }
        if chain.count == 1 {
            root = try system { () throws(SystemError) in try lowest.fs.duplicate() }
        } else {
            root = try OverlayMount.make(lowers: chain.reversed().map(\.fs))
        }
    }
}

extension Descriptor {
    /// Waits until the names in these directories are on the disk.
    fileprivate func synchronizeDirectories(_ paths: [String]) throws(SystemError) {
        for path in paths {
            let directory = try open(path, O_RDONLY | O_DIRECTORY)
            try directory.view.synchronize()
        }
    }
}
