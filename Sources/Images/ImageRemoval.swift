internal import Glibc
internal import Linux
internal import OCI

/// What the store holds on disk.
package struct StoreUse: Sendable, Hashable {
    /// Content of the layers that images refer to, in bytes; each layer once.
    package var used: Int64 = 0
    /// Content of layers that no image refers to, in bytes: some may be held by containers.
    package var unused: Int64 = 0
    package var layers = 0
    package var images = 0
}

extension ImageStore {
    /// Removes a name, and what no other name needs. Refused while a container holds the image, unless another name
    /// for the same layers keeps them. Returns the record that is gone.
    @discardableResult
    package func remove(_ name: String) throws(ImagesError) -> ImageRecord {
        let lock = try StoreLock(root.view, exclusive: true)
        let record = try find(name, lock)
        let others = try records(lock).filter { $0.reference != record.reference }
        if let top = record.layers.last, !others.contains(where: { $0.layers.contains(top) }),
            try isHeld(top.chainID)
        {
            throw .imageInUse(record.reference.description)
        }
        let directory = root.view
        try system { () throws(SystemError) in
            try directory.unlink("images/\(ImageRecord.fileName(record.reference))")
        }
        _ = try collect(lock)
        return record
    }

    /// Removes layers and documents that no image refers to and nobody holds, and what killed loads have left. Returns
    /// the bytes of content that are gone.
    @discardableResult
    package func prune() throws(ImagesError) -> Int64 {
        let lock = try StoreLock(root.view, exclusive: true)
        _ = try WorkDirectory.sweep(root.view, lock)
        return try collect(lock)
    }

    /// How much the store holds.
    package func use() throws(ImagesError) -> StoreUse {
        let lock = try StoreLock(root.view, exclusive: false)
        let all = try records(lock)
        let needed = Set(all.flatMap { $0.layers.map(\.chainID) })
        var use = StoreUse()
        use.images = all.count
        for chainID in try storedLayers() {
            let size = try LayerHold.size(of: "layers/\(chainID.hex)", in: root.view)
            use.layers += 1
            if needed.contains(chainID) { use.used += size } else { use.unused += size }
        }
        return use
    }

    private func storedLayers() throws(ImagesError) -> [Digest] {
        try names(in: "layers").compactMap { Digest(hex: $0) }
    }

    private func names(in path: String) throws(ImagesError) -> [String] {
        let root = self.root.view
        return try system { () throws(SystemError) in
            let directory = try root.open(path, O_RDONLY | O_DIRECTORY)
            return try directory.view.entries().map { name in name.withUnsafeBufferPointer { EntryName.text($0) } }
        }
    }

    private func isHeld(_ chainID: Digest) throws(ImagesError) -> Bool {
        let root = self.root.view
        return try system { () throws(SystemError) in
            let directory = try root.open("layers/\(chainID.hex)", O_RDONLY | O_DIRECTORY)
            return try !directory.view.lock(exclusive: true, waiting: false)
        }
    }

    func collect(_ lock: borrowing StoreLock) throws(ImagesError) -> Int64 {
        let all = try records(lock)
        let layers = Set(all.flatMap { $0.layers.map(\.chainID) })
        let documents = Set(all.flatMap { [$0.manifest, $0.config] })
        let root = self.root.view
        var freed: Int64 = 0
        for chainID in try storedLayers() where !layers.contains(chainID) {
            if try isHeld(chainID) { continue }
            let path = "layers/\(chainID.hex)"
            let size = try LayerHold.size(of: path, in: root)
            // First out of `layers`, in one step: a removal that is cut short must not leave half a layer there.
            let doomed = "tmp/gone-\(getpid())-\(chainID.hex)"
            try system { () throws(SystemError) in
                try root.rename(path, to: doomed, in: root)
                try root.removeTree(doomed)
            }
            freed += size
        }
        for name in try names(in: "blobs/sha256") {
            if let digest = Digest(hex: name), documents.contains(digest) { continue }
            try system { () throws(SystemError) in try root.unlink("blobs/sha256/\(name)") }
        }
        return freed
    }
}
