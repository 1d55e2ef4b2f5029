internal import Glibc
internal import Linux

extension ImageStore {
    /// Unpacks an image into a plain directory, which is made, or is there and empty. Without overlayfs: layer by layer,
    /// whiteouts delete. What was written stays there after an error.
    package func unpack(_ record: ImageRecord, to path: String) throws(ImagesError) {
        let lock = try StoreLock(root.view, exclusive: false)
        let hold = try ImageHold.take(record, root.view, lock)
        _ = consume lock
        let target = try system { () throws(SystemError) in
            do throws(SystemError) { try Descriptor.workingDirectory.makeDirectory(path, mode: 0o755) } catch
                where error.code == .EEXIST
            {}
            return try Descriptor.workingDirectory.open(path, O_RDONLY | O_DIRECTORY)
        }
        guard try system({ () throws(SystemError) in try target.view.entries() }).isEmpty else {
            throw .directoryNotEmpty(path)
        }
        for layer in hold.lowers.reversed() {
            try system { () throws(SystemError) in try LayerMerger(into: target.view).merge(layer) }
        }
    }
}

/// Applies a layer as overlayfs takes it to a plain directory tree that holds the layers below.
private final class LayerMerger {
    private let root: Descriptor
    /// The path of the first name of a file with several names, by its inode in the layer. Paths, and not open
    /// directories, of which there may be more than a process can have.
    private var written: [UInt64: (folder: [CChar], name: [CChar])] = [:]

    /// Writes to the directory `root`.
    init(into root: Descriptor) { self.root = root }

    /// Merges the directory `layer` into the root.
    func merge(_ layer: Descriptor) throws(SystemError) { try merge(layer, into: root, path: [46]) }

    /// Merges the directory `layer` into `target`, which lies at `path` below the root.
    private func merge(_ layer: Descriptor, into target: Descriptor, path: [CChar]) throws(SystemError) {
        let status = try layer.status()
        if try layer.attribute(AttributePolicy.opaque) != nil {
            for name in try target.entries() { try target.removeTree(name) }
        }
        for name in try layer.entries() {
            let entry = try layer.status(of: name)
            if AttributePolicy.isWhiteout(entry) {
                try target.removeTree(name)
            } else if entry.isDirectory {
                try makeDirectory(name, in: target)
                let inner = try layer.open(name, O_RDONLY | O_DIRECTORY)
                let made = try target.open(name, O_RDONLY | O_DIRECTORY)
                try merge(inner.view, into: made.view, path: path + [47] + name.dropLast())
            } else {
                try target.removeTree(name)
                try place(name, entry, from: layer, in: target, path)
            }
        }
        try NodeCopy.copyAttributes(of: status, from: layer, to: target)
        try target.setTimes(of: "", seconds: status.modified.seconds, nanoseconds: status.modified.nanoseconds)
    }

    private func makeDirectory(_ name: [CChar], in target: Descriptor) throws(SystemError) {
        if try target.exists(name) {
            if try target.status(of: name).isDirectory { return }
            try target.unlink(name)
        }
        try target.makeDirectory(name, mode: 0o700)
    }

    private func place(
        _ name: [CChar], _ entry: FileStatus, from layer: Descriptor, in target: Descriptor, _ path: [CChar]
    ) throws(SystemError) {
        if let first = written[entry.inode] {
            let folder = try root.openWithoutLinks(first.folder, O_RDONLY | O_DIRECTORY)
            return try folder.view.link(first.name, to: name, in: target)
        }
        try NodeCopy.copy(name, entry, from: layer, to: name, in: target)
        if entry.links > 1 { written[entry.inode] = (path + [0], name) }
    }
}
