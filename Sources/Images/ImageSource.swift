internal import Glibc
internal import Linux
internal import OCI

/// Where an image to load comes from.
package enum ImageSource: Sendable {
    /// An OCI layout directory, or an archive (tar) of one, or a docker-archive.
    case path(String)
    /// An archive on the standard input.
    case standardInput
}

/// The files of an image that is being loaded: a layout's directory, or what an archive was spooled to.
final class ImageFiles {
    /// What errors and a name made up for the image go by.
    let name: String
    private let directory: OwnedDescriptor
    /// Of an archive: name in the archive to name of the spooled file. nil: a directory, whose names are its own.
    private let spooled: [String: String]?

    private init(name: String, directory: consuming OwnedDescriptor, spooled: [String: String]?) {
        self.name = name
        self.directory = directory
        self.spooled = spooled
    }

    /// Opens a source; an archive is spooled to `work`.
    static func open(_ source: ImageSource, spoolingTo work: Descriptor, _ limits: UnpackLimits)
        throws(ImagesError) -> ImageFiles
    {
        switch source {
        case .standardInput: return try spool("the standard input", .standardInput, to: work, limits)
        case .path(let path):
            let file = try system { () throws(SystemError) in
                try Descriptor.workingDirectory.openFollowing(path, O_RDONLY)
            }
            if try system({ () throws(SystemError) in try file.view.status() }).isDirectory {
                return ImageFiles(name: path, directory: file, spooled: nil)
            }
            return try spool(path, file.view, to: work, limits)
        }
    }

    /// Whether there is a file of this name.
    func has(_ name: String) throws(ImagesError) -> Bool {
        if let spooled { return spooled[name] != nil }
        let folder = directory.view
        return try system { () throws(SystemError) in try folder.exists(name) }
    }

    /// Opens the file `name`, which must be a regular one; no link is followed.
    func open(_ name: String) throws(ImagesError) -> OwnedDescriptor {
        let actual: String
        if let spooled {
            guard let file = spooled[name] else { throw .missingBlob(name) }
            actual = file
        } else {
            actual = name
        }
        do throws(SystemError) {
            let file = try directory.view.openWithoutLinks(actual, O_RDONLY | O_NONBLOCK)
            if try file.view.status().isRegular { return file }
        } catch {
            switch error.code {
            case .ENOENT: throw .missingBlob(name)
            case .ELOOP, .ENXIO: throw .notAFile(name)
            default: throw .system(error)
            }
        }
        throw .notAFile(name)
    }

    /// Opens the content of `digest`.
    func open(_ digest: Digest) throws(ImagesError) -> OwnedDescriptor { try open("blobs/sha256/\(digest.hex)") }

    /// Reads the file `name`, of at most 4 MiB.
    func read(_ name: String) throws(ImagesError) -> [UInt8] {
        let file = try open(name)
        return try system { () throws(SystemError) in try file.view.readAll(limit: ImageStore.maximumDocument) }
    }

    /// Reads a document and checks that it is what `content` describes.
    func read(_ content: ContentDescriptor) throws(ImagesError) -> (text: [UInt8], json: JSON) {
        let text = try read("blobs/sha256/\(content.digest.hex)")
        guard text.count == Int(clamping: content.size) else {
            throw .wrongSize(content.digest, expected: content.size, actual: Int64(text.count))
        }
        let actual = Digest(of: text)
        guard actual == content.digest else { throw .wrongDigest(expected: content.digest, actual: actual) }
        return (text, try parse(text, "\(content.digest)"))
    }

    /// Parses a document.
    func parse(_ text: [UInt8], _ name: String) throws(ImagesError) -> JSON {
        do throws(JSONError) { return try JSON(parsing: text) } catch { throw .document(name, error) }
    }

    // MARK: Spooling

    /// The most files that an image's archive may have.
    private static let maximumFiles = 10_000
    private static let maximumName = 512

    /// Writes the regular files of an archive to `spool/` in `work`, numbered, and returns what they are called.
    /// `docker save` writes a layer that stands twice as a link to the first: such names are followed to their file.
    private static func spool(_ name: String, _ input: Descriptor, to work: Descriptor, _ limits: UnpackLimits)
        throws(ImagesError) -> ImageFiles
    {
        let spool = try system { () throws(SystemError) in
            try work.makeDirectory("spool", mode: 0o700)
            return try work.open("spool", O_RDONLY | O_DIRECTORY)
        }
        let stream = MeasuredStream(
            DescriptorStream(input), limit: limits.maximumSize, tooLong: .tooLarge(limit: limits.maximumSize))
        let reader = try TarReader(stream)
        var files: [String: String] = [:]
        var links: [String: String] = [:]
        var count = 0
        while let entry = try next(of: reader, isFirst: count == 0, name) {
            let components = try EntryName(entry.name).components
            let name = text(components)
            count += 1
            guard count <= maximumFiles else { throw .tooManyEntries(limit: maximumFiles) }
            guard name.utf8.count <= maximumName else {
                throw .entry(String(name.prefix(64)), .nameTooLong(maximumName))
            }
            if let target = entry.hardLink {
                links[name] = text(try EntryName(target).components)
            } else if entry.type == S_IFLNK {
                links[name] = resolved(entry.symlink, from: components)
            } else if entry.type == S_IFREG {
                files[name] = String(count)
                do throws(ImagesError) { try write(reader, to: String(count), in: spool.view) } catch {
                    guard case .system(let failure) = error else { throw error }
                    throw .writing(entry: name, failure)
                }
            }
        }
        // What follows the archive's end is read too: a pipe's writer must not die of SIGPIPE.
        try stream.drain()
        for (name, target) in links { if let file = files[target], files[name] == nil { files[name] = file } }
        return ImageFiles(name: name, directory: spool, spooled: files)
    }

    /// The next entry. What can't be read from its very beginning is no archive, and not a damaged one.
    private static func next(of reader: TarReader, isFirst: Bool, _ name: String) throws(ImagesError) -> TarEntry? {
        do throws(ImagesError) { return try reader.next() } catch {
            if case .damagedArchive = error, isFirst { throw .notAnImage(name) }
            throw error
        }
    }

    private static func write(_ reader: TarReader, to path: String, in spool: Descriptor) throws(ImagesError) {
        let file = try system { () throws(SystemError) in
            try spool.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        }
        try reader.content { (block, offset) throws(ImagesError) in
            try system { () throws(SystemError) in
                try file.view.seek(to: offset)
                try file.view.write(block)
            }
        }
    }

    private static func text(_ components: [[CChar]]) -> String {
        components.map { $0.withUnsafeBufferPointer { EntryName.text($0) } }.joined(separator: "/")
    }

    /// The name in the archive that the link `target` means, seen from the link at `components`.
    private static func resolved(_ target: UnsafePointer<CChar>, from components: [[CChar]]) -> String {
        var parts = target.pointee == 47 ? [] : components.dropLast().map { text([$0]) }
        for part in String(cString: target).split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts.joined(separator: "/")
    }
}
