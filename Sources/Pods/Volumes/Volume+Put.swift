internal import Glibc
package import Images
package import Linux

/// A file or directory that is to be copied into a volume. Open: whoever checked where it lies keeps what was checked.
package final class UploadSource {
    /// What it is called in the volume; empty: a directory whose content goes there, and not itself.
    package let name: String
    /// For messages.
    package let path: String
    let descriptor: OwnedDescriptor

    /// Takes over a regular file or a directory, open for reading.
    package init(name: String, path: String, taking descriptor: consuming OwnedDescriptor) {
        self.name = name
        self.path = path
        self.descriptor = descriptor
    }

    /// What a caller typed: links are followed. A path that ends in `.` or `..` is the directory's content.
    package static func at(_ path: String) throws(PodsError) -> UploadSource {
        let last = String(path.split(separator: "/").last ?? "")
        do throws(SystemError) {
            let found = try Descriptor.workingDirectory.openFollowing(path, O_PATH)
            let status = try found.view.status()
            guard status.isRegular || status.isDirectory else {
                throw SystemError("open", path, detail: FileTree.kind(of: status), .EINVAL)
            }
            return UploadSource(
                name: last == "." || last == ".." ? "" : last, path: path,
                taking: try found.view.reopen(O_RDONLY | O_NONBLOCK))
        } catch {
            if error.call == "open", error.code == .EINVAL { throw .notTransferable(path, kind: error.detail) }
            throw .transfer(path, SystemError(error.call, path, detail: error.detail, error.code))
        }
    }
}

extension Volume {
    /// Copies `sources` into the directory `destination` of the volume, which is made with it where it is missing. Files
    /// that are there are replaced, each in one step; what is no file, directory or link is refused before anything is
    /// done. What is put is the tenant's: every user of its pods may read and write it, and execute what could be executed.
    ///
    /// - Parameters:
    ///   - limit: the most bytes; nil: any.
    ///   - asked: it ends once that is readable, with ``PodsError/transferEnded(_:)``.
    package func put(
        _ sources: [UploadSource], to destination: String, in store: ImageStore, limit: Int64?,
        until asked: Descriptor? = nil
    ) throws(PodsError) -> Transfer {
        let parts = try VolumePath.parts(destination)
        try Volume.check(sources, limit: limit)
        let isNew = try open(in: store) == nil
        let hold = try self.hold(in: store)
        var copy = FileCopy(limit: limit, exactModes: true, until: asked)
        do throws(PodsError) {
            guard let volume = try open(in: store) else { throw .noVolume(name, tenant: tenant) }
            let top = try Volume.directory(parts, in: volume.view, destination)
            for source in sources { try Volume.put(source, into: top.view, &copy) }
        } catch {
            hold.end()
            if isNew { removeEmpty(parts, in: store) }
            throw error
        }
        hold.end()
        return copy.done
    }

    /// Looks at all that is to be copied: what is refused is refused before anything is written.
    private static func check(_ sources: [UploadSource], limit: Int64?) throws(PodsError) {
        var total: Int64 = 0
        func add(_ status: FileStatus, _ path: String) throws(PodsError) {
            guard status.isRegular || status.isDirectory || status.isSymlink else {
                throw .notTransferable(path, kind: FileTree.kind(of: status))
            }
            if status.isRegular { total = total.adding(status.size) }
            if let limit, total > limit { throw .transferTooLarge(limit) }
        }
        var names: Set<String> = []
        for source in sources {
            guard source.name.isEmpty || names.insert(source.name).inserted else {
                throw .volumePath(source.name, why: "two of what is to be put have this name")
            }
            guard !source.name.utf8.contains(UInt8(ascii: "/")), source.name != ".", source.name != ".." else {
                throw .volumePath(source.name, why: "it is no file's name")
            }
            let status = try status(of: source)
            try add(status, source.path)
            guard status.isDirectory else { continue }
            let isWhole = try FileTree.walk(source.descriptor.view) { entry throws(PodsError) in
                try add(entry.status, "\(source.path)/\(FileTree.text(entry.path))")
            }
            guard isWhole else { throw .transferTooMany(FileTree.mostEntries) }
        }
    }

    private static func status(of source: UploadSource) throws(PodsError) -> FileStatus {
        do throws(SystemError) { return try source.descriptor.view.status() } catch {
            throw .transfer(source.path, error)
        }
    }

    /// A directory of the volume for `path`, which is the source's, to be put into, made if need be.
    private static func directory(
        _ parts: [ArraySlice<UInt8>], in top: Descriptor, _ path: String
    ) throws(PodsError) -> OwnedDescriptor {
        do throws(SystemError) {
            let made = try CreationMask.none { () throws(SystemError) in
                try FileTree.makeDirectories(parts, below: top, links: true, mode: 0o777).release()
            }
            let directory = OwnedDescriptor(taking: made)
            FileCopy.sweep(directory.view)
            return directory
        } catch {
            let inside = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
            if error.code == .EXDEV || error.code == .ELOOP {
                throw .volumePath(inside, why: "a symbolic link on the way leads out of the volume")
            }
            if error.code == .ENOTDIR || error.code == .EEXIST {
                throw .volumePath(inside, why: "a part of it is no directory in the volume")
            }
            throw .transfer(path, error)
        }
    }

    private static func put(
        _ source: UploadSource, into top: Descriptor, _ copy: inout FileCopy
    ) throws(PodsError) {
        let status = try status(of: source)
        guard status.isDirectory else {
            return try copy.put(
                source.descriptor.view, as: Array(source.name.utf8CString), in: top, mode: mode(of: status),
                path: source.path)
        }
        let base = try directory(source.name.isEmpty ? [] : [Array(source.name.utf8)[...]], in: top, source.path)
        let isWhole = try FileTree.walk(source.descriptor.view) { entry throws(PodsError) in
            let path = "\(source.path)/\(FileTree.text(entry.path))"
            let parts = FileTree.parts(entry.path)
            if entry.status.isDirectory {
                _ = try directory(parts, in: base.view, path)
                return
            }
            let parent = try directory(parts.dropLast(), in: base.view, path)
            let name = FileTree.path(parts.suffix(1))
            try put(entry, of: source, as: name, in: parent.view, path, &copy)
        }
        guard isWhole else { throw .transferTooMany(FileTree.mostEntries) }
    }

    private static func put(
        _ entry: FileTree.Entry, of source: UploadSource, as name: [CChar], in parent: Descriptor, _ path: String,
        _ copy: inout FileCopy
    ) throws(PodsError) {
        switch try FileContent.of(entry.path, below: source.descriptor.view, path) {
        case .link(let target): try copy.putLink(target, as: name, in: parent, path: path)
        case .file(let file, let status):
            try copy.put(file.descriptor.view, as: name, in: parent, mode: mode(of: status), path: path)
        case .directory: throw .transfer(path, SystemError("openat2", path, .EISDIR))
        case .other(let kind): throw .notTransferable(path, kind: kind)
        }
    }

    /// Open to all, since the images' users differ; executable as the source is.
    private static func mode(of status: FileStatus) -> UInt32 { status.mode & 0o111 != 0 ? 0o777 : 0o666 }
}
