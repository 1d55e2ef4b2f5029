internal import Glibc
package import Linux
internal import OCI

/// An image that can't be removed from the store as long as this lives: its layers are open and locked.
package struct ImageHold: ~Copyable {
    package let record: ImageRecord
    private let layers: [LayerHold]

    private init(_ record: ImageRecord, _ layers: [LayerHold]) {
        self.record = record
        self.layers = layers
    }

    /// Opens and locks the layers of `record`; the store's lock keeps them until then.
    static func take(_ record: ImageRecord, _ root: Descriptor, _ lock: borrowing StoreLock) throws(ImagesError)
        -> ImageHold
    {
        var layers: [LayerHold] = []
        for layer in record.layers {
            guard let hold = try LayerHold(layer.chainID, in: root, "layers/\(layer.chainID.hex)") else {
                throw .missingBlob("layers/\(layer.chainID.hex)")
            }
            layers.append(hold)
        }
        return ImageHold(record, layers)
    }

    /// The same once more: the image can't be removed until both are gone.
    package borrowing func shared() -> ImageHold { ImageHold(record, layers) }

    /// The layers' directories, the top one first. They are this hold's: it must outlive their use.
    package var lowers: [Descriptor] { layers.reversed().map(\.fs) }
}

extension ImageStore {
    /// Finds an image, and keeps it from being removed.
    package func hold(_ name: String) throws(ImagesError) -> ImageHold {
        let lock = try StoreLock(root.view, exclusive: false)
        return try ImageHold.take(try find(name, lock), root.view, lock)
    }
}

/// A layer that is open and can't be removed from the store as long as this lives. Mind that a value from ``fs`` does not
/// keep it alive.
final class LayerHold {
    let chainID: Digest
    private let directory: OwnedDescriptor
    private let files: OwnedDescriptor

    /// The layer's directory tree.
    var fs: Descriptor { files.view }

    /// The layer `chainID` of the store at `root`; nil: it has none.
    convenience init?(present chainID: Digest, _ root: Descriptor) throws(ImagesError) {
        // A layer is removed with the exclusive lock alone, so it can't go between being found and being locked.
        let lock = try StoreLock(root, exclusive: false)
        try self.init(chainID, in: root, "layers/\(chainID.hex)")
        _ = consume lock
    }

    /// The layer at `path` in `root`; nil: there is none.
    init?(_ chainID: Digest, in root: Descriptor, _ path: String) throws(ImagesError) {
        guard try system({ () throws(SystemError) in try root.exists(path) }) else { return nil }
        self.chainID = chainID
        directory = try system { () throws(SystemError) in
            let directory = try root.open(path, O_RDONLY | O_DIRECTORY)
            _ = try directory.view.lock(exclusive: false, waiting: true)
            return directory
        }
        files = try system { () throws(SystemError) in try root.open(path + "/fs", O_RDONLY | O_DIRECTORY) }
    }

    /// Content as unpacked, in bytes.
    func size() throws(ImagesError) -> Int64 { try LayerHold.size(of: ".", in: directory.view) }

    /// What the record of the layer at `path` says of its size.
    static func size(of path: String, in root: Descriptor) throws(ImagesError) -> Int64 {
        let text = try system { () throws(SystemError) in try root.readFile(path + "/layer.json", limit: 65536) }
        do throws(JSONError) { return try JSON(parsing: text).required("size").integer() } catch {
            throw .document(path + "/layer.json", error)
        }
    }
}
