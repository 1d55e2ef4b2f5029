package import Linux
package import OCI

/// Why something about images failed.
package indirect enum ImagesError: Error, Sendable, Hashable {
    /// A system call failed.
    case system(SystemError)
    /// A JSON document of the image or the store, by its name, is not what it should be.
    case document(String, JSONError)
    /// What was given is neither an OCI layout nor an archive of one, nor a docker-archive.
    case notAnImage(String)
    /// The image refers to content that it does not bring.
    case missingBlob(String)
    /// A part of the image is a link, a FIFO or something else that is no regular file.
    case notAFile(String)
    /// One of the image's layers, from 1, can't be unpacked.
    case layer(Int, of: Int, ImagesError)
    case wrongDigest(expected: Digest, actual: Digest)
    case wrongSize(Digest, expected: Int64, actual: Int64)
    /// A layer's blob is right, and unpacks to something else than the config says.
    case wrongDiffID(expected: Digest, actual: Digest)
    /// Manifest and config tell different numbers of layers.
    case layerCount(manifest: Int, config: Int)
    case unsupportedMediaType(String)
    /// Indexes refer to indexes, too often.
    case nestedTooDeeply
    case noSuchPlatform(wanted: String, offered: [String])
    /// An image must have a name, and this is none.
    case notAName(String)
    /// The image brings no name, and none was given.
    case unnamed
    /// One name was given for several images.
    case severalImages(Int)
    case noSuchImage(String)
    case ambiguousName(String, [String])
    /// Containers use the image.
    case imageInUse(String)
    /// A compressed stream is damaged; the decompressor's own words.
    case damagedCompression(Compression, String)
    /// A compressed stream or an archive ends too early.
    case truncated(String)
    /// A tar archive is damaged; libarchive's own words.
    case damagedArchive(String)
    /// An archive holds an entry that is refused.
    case entry(String, EntryProblem)
    /// A system call failed while this entry was written.
    case writing(entry: String, SystemError)
    /// The image unpacks to more bytes than it may, or to files that claim to be longer than that.
    case tooLarge(limit: Int64)
    /// The image has more entries than it may.
    case tooManyEntries(limit: Int)
    case directoryNotEmpty(String)
    /// The store was written by a version of Perigee that does it otherwise.
    case unknownStoreVersion(String)
    /// overlayfs can't stack so many layers here.
    case tooManyLayers(Int)
    /// A container's writable layer of a limited size can't be made.
    case disk(SystemError)

    /// Why an archive's entry is refused.
    package enum EntryProblem: Hashable, Sendable {
        case climbs
        case emptyName
        case nameTooLong(Int)
        case emptyLink
        case linkTooLong(Int)
        case componentTooLong(Int)
        case tooDeep(Int)
        case reservedName
        case overlayAttribute(String)
        case whiteoutDevice
        case parentNotDirectory
        case tooManyLinks
        case missingLinkTarget(String)
        case linkToDirectory(String)
        case replacesRoot
        case unsupportedType
        case attributesTooLarge
        case damagedHeader(String)
    }
}

extension ImagesError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let error): "\(error)" + (ImagesError.remedy(for: error).map { "\n  hint: \($0)" } ?? "")
        case .document(let name, let error): "\(name): \(error)"
        case .notAnImage:
            "no image: expected an OCI layout (oci-layout, index.json), an archive of one or a docker-archive "
                + "(manifest.json)\n  hint: a compressed archive must be unpacked before: gzip -dc FILE | perigee image load -"
        case .missingBlob(let name): "the image lacks its part \(name)\n  hint: \(ImagesError.copyAgain)"
        case .notAFile(let name): "the image's part \(name) is not a regular file\n  hint: \(ImagesError.copyAgain)"
        case .layer(let number, let count, let error): "layer \(number) of \(count): \(error)"
        case .wrongDigest(let expected, let actual):
            "the content of \(expected) is damaged: its digest is \(actual)\n  hint: \(ImagesError.copyAgain)"
        case .wrongSize(let digest, let expected, let actual):
            "the content of \(digest) has \(actual) bytes where the image says \(expected)\n"
                + "  hint: \(ImagesError.copyAgain)"
        case .wrongDiffID(let expected, let actual):
            "it unpacks to \(actual) where the config says \(expected)\n"
                + "  hint: the image's builder is at fault; build it again"
        case .layerCount(let manifest, let config): "the manifest has \(manifest) layers and the config \(config)"
        case .unsupportedMediaType(let type): "the media type \(type) is not supported"
        case .nestedTooDeeply: "an index refers to an index more than 4 levels deep"
        case .noSuchPlatform(let wanted, let offered):
            offered.isEmpty
                ? "the image has nothing for \(wanted), nor for anything else"
                : "the image has nothing for \(wanted), only for \(offered.joined(separator: ", "))\n"
                    + "  hint: --platform \(offered[0]) takes that"
        case .notAName(let text): "'\(text)' is no image name\n  hint: names are like demo:latest, in lower case"
        case .unnamed: "the image brings no name\n  hint: give it one with --name"
        case .severalImages(let count): "one name was given for \(count) images"
        case .noSuchImage(let name): "no such image: \(name)\n  hint: see `perigee image list`"
        case .ambiguousName(let name, let names): "\(name) may be any of \(names.joined(separator: ", "))"
        case .imageInUse(let name): "\(name) is used by a container\n  hint: stop and remove the container first"
        case .damagedCompression(let kind, let words):
            "the \(kind.rawValue) stream is damaged: \(words)\n  hint: \(ImagesError.copyAgain)"
        case .truncated(let what): "\(what) ends too early\n  hint: \(ImagesError.copyAgain)"
        case .damagedArchive(let words): "the archive is damaged: \(words)\n  hint: \(ImagesError.copyAgain)"
        case .entry(let name, let problem):
            "entry '\(name)' of the archive \(problem)\n  hint: "
                + (problem.isHostile ? "no builder writes this; don't trust the image" : "build the image without it")
        case .writing(let name, let error):
            "unpacking '\(name)': \(ImagesError.system(error))"
        case .tooLarge(let limit):
            "the image unpacks to more than \(limit) bytes\n  hint: if you trust it, --max-size allows more"
        case .tooManyEntries(let limit):
            "the image has more than \(limit) entries\n  hint: if you trust it, --max-entries allows more"
        case .directoryNotEmpty(let path): "\(path) exists and is not an empty directory"
        case .unknownStoreVersion(let text): "the store has version '\(text)', and this program knows 1"
        case .tooManyLayers(let count): "overlayfs can't stack \(count) layers on this kernel"
        case .disk(let error):
            "a writable layer with a size (rootfs_size): \(error)\n  hint: "
                + (error.code == .ENOSPC
                    ? "the store's file system is full"
                    : "it needs mkfs.ext4 (Debian's e2fsprogs), and of the kernel ext4 and loop devices (`modprobe loop`)")
        }
    }

    private static let copyAgain = "it may not have been copied whole; fetch it or save it again"

    private static func remedy(for error: SystemError) -> String? {
        switch error.code {
        case .ENOSPC: "the store's file system is full; `perigee image prune` removes what no image needs"
        case .ENODEV where error.call == "fsopen": "the kernel lacks overlayfs: try `modprobe overlay`"
        case .EPERM, .EACCES: "the store needs root: sudo perigee ..."
        case .ENOTDIR where error.call == "openat": "--store names a directory"
        default: nil
        }
    }
}

extension ImagesError.EntryProblem: CustomStringConvertible {
    /// What only those write who want something.
    fileprivate var isHostile: Bool {
        switch self {
        case .climbs, .overlayAttribute, .whiteoutDevice, .replacesRoot, .tooManyLinks: true
        default: false
        }
    }

    package var description: String {
        switch self {
        case .climbs: "has '..' in its name"
        case .emptyName: "has no name"
        case .nameTooLong(let limit): "has a name of more than \(limit) bytes"
        case .componentTooLong(let limit): "has a part of more than \(limit) bytes in its name"
        case .emptyLink: "is a symbolic link to nothing"
        case .linkTooLong(let limit): "is a symbolic link to more than \(limit) bytes"
        case .tooDeep(let limit): "lies more than \(limit) directories deep"
        case .reservedName: "has a name that is reserved for whiteouts"
        case .overlayAttribute(let name): "brings the attribute \(name), which is overlayfs's own"
        case .whiteoutDevice: "is a device 0:0, which is overlayfs's own"
        case .parentNotDirectory: "lies below something that is no directory"
        case .tooManyLinks: "lies behind too many symbolic links"
        case .missingLinkTarget(let target): "is a hard link to '\(target)', which does not exist"
        case .linkToDirectory(let target): "is a hard link to '\(target)', which is a directory"
        case .replacesRoot: "would put something else in the place of the root directory"
        case .unsupportedType: "is of an unknown type"
        case .attributesTooLarge: "has more than 1 MiB of extended attributes"
        case .damagedHeader(let words): "has a damaged header: \(words)"
        }
    }
}

/// Runs `body`, a system call's wrapper, and turns its error into this module's.
@inline(__always)
func system<Value: ~Copyable>(_ body: () throws(SystemError) -> Value) throws(ImagesError) -> Value {
    do throws(SystemError) { return try body() } catch { throw .system(error) }
}
