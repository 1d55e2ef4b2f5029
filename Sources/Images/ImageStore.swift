internal import Glibc
package import Linux
package import OCI

/// Images on disk, below one directory:
///
///     version                    1
///     lock                       flock(2): shared while something is read or begun, exclusive while names change
///     blobs/sha256/HEX           manifests and configs (not layers: they are kept unpacked alone)
///     images/HEX.json            an ``ImageRecord`` per name
///     layers/CHAINID/fs          a layer as overlayfs takes it; CHAINID/layer.json its record. Whoever uses it holds a
///                                shared flock(2) on the directory CHAINID
///     containers/ID/upper, work  of ``OverlayRootfs``, which holds an exclusive flock(2) on the directory ID
///     blank/upper, work          what the next container's are, see ``BlankLayer``
///     containers/ID/disk         the file system that has both where the writable layer has a size
///     volumes/TENANT/NAME        named volumes, with a lock file .NAME each
///     tmp/NAME                   work of a load that runs, which holds an exclusive flock(2) on it
///
/// What stands in `layers` and `blobs` is whole and on the disk: it is made in `tmp`, synchronised and renamed. A load
/// that was killed leaves work in `tmp`, which the next command removes (``removeLeftoverWork()``), with what it had
/// moved into the store and not yet named.
package final class ImageStore {
    /// From `/` on: plans hold it.
    package let path: String
    let root: OwnedDescriptor
    /// The directory at ``path``, which is this store's: it must outlive the use.
    package var directory: Descriptor { root.view }

    /// `/var/lib/perigee`
    package static let defaultPath = "/var/lib/perigee"

    /// The largest manifest, index or config that is read, in bytes (the distribution specification's limit).
    static let maximumDocument = 4 << 20

    private static let version = Array("1\n".utf8)
    private static let directories = [
        "blobs/sha256", "images", "layers", "containers", "volumes", "tmp",
    ]

    /// Opens the store at `path`, which is made if need be, with mode 0700.
    package init(path: String) throws(ImagesError) {
        self.path = try system { () throws(SystemError) in
            if path.hasPrefix("/") { return path }
            return try AbsolutePath.workingDirectory() + "/" + path
        }
        root = try system { () throws(SystemError) in
            try Descriptor.workingDirectory.makeDirectories(path, mode: 0o700)
            return try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_DIRECTORY)
        }
        if try !hasVersion() { try fill() }
    }

    /// Whether the store is whole: its version is written last. A store of another version is an error.
    private func hasVersion() throws(ImagesError) -> Bool {
        let directory = root.view
        let text = try system { () throws(SystemError) in
            do throws(SystemError) { return try directory.readFile("version", limit: 64) } catch {
                if error.code == .ENOENT { return [] }
                throw error
            }
        }
        // Empty: its writer died before it wrote.
        if text.isEmpty { return false }
        guard text == ImageStore.version else {
            throw .unknownStoreVersion(String(decoding: text.prefix { $0 > 31 }, as: UTF8.self))
        }
        return true
    }

    private func fill() throws(ImagesError) {
        let directory = root.view
        try system { () throws(SystemError) in
            for name in ImageStore.directories { try directory.makeDirectories(name, mode: 0o700) }
            let file = try directory.open("version", O_WRONLY | O_CREAT, mode: 0o600)
            try file.view.write(ImageStore.version)
        }
    }

    // MARK: Looking

    /// All images, by name.
    package func list() throws(ImagesError) -> [ImageRecord] {
        let lock = try StoreLock(root.view, exclusive: false)
        return try records(lock)
    }

    /// The image that `name` means: its full name, its short name (without `localhost/`, `docker.io/library/`), or at
    /// least eight digits of its manifest's or config's digest.
    package func find(_ name: String) throws(ImagesError) -> ImageRecord {
        let lock = try StoreLock(root.view, exclusive: false)
        return try find(name, lock)
    }

    /// The config of an image: as values, and as the text that the image brought.
    package func config(of record: ImageRecord) throws(ImagesError) -> (config: ImageConfig, json: JSON.Value) {
        let json = try document(record.config)
        do throws(JSONError) { return (try ImageConfig(json), json.value) } catch {
            throw .document("config", error)
        }
    }

    /// All that is known of an image: its record, and as `configuration` the config that it brought.
    package func inspect(_ name: String) throws(ImagesError) -> JSON.Value {
        let record = try find(name)
        guard case .object(let members) = record.json else { return record.json }
        return .object(members + [("configuration", try config(of: record).json)])
    }

    /// The directories that overlayfs is to stack, the top one first.
    package func overlayLowerDirectories(for record: ImageRecord) -> [String] {
        record.layers.reversed().map { "\(path)/layers/\($0.chainID.hex)/fs" }
    }

    func records(_ lock: borrowing StoreLock) throws(ImagesError) -> [ImageRecord] {
        let directory = root.view
        let images = try system { () throws(SystemError) in try directory.open("images", O_RDONLY | O_DIRECTORY) }
        var records: [ImageRecord] = []
        for name in try system({ () throws(SystemError) in try images.view.entries() }) {
            // A name like X.json.12.new is one that is being written, or was when its writer died.
            guard name.count == 70 else { continue }
            records.append(try record(name, in: images.view))
        }
        return records.sorted { $0.reference.description < $1.reference.description }
    }

    private func record(_ name: [CChar], in images: Descriptor) throws(ImagesError) -> ImageRecord {
        let text = try system { () throws(SystemError) in try images.readFile(name, limit: 1 << 20) }
        do throws(JSONError) { return try ImageRecord(try JSON(parsing: text)) } catch {
            throw .document("the record \(path)/images/\(EntryName.shown(name))", error)
        }
    }

    /// The record under this very name; nil: there is none.
    private func record(of reference: ImageReference) throws(ImagesError) -> ImageRecord? {
        let name = Array(("images/" + ImageRecord.fileName(reference)).utf8CString)
        do throws(ImagesError) { return try record(name, in: root.view) } catch {
            if case .system(let error) = error, error.code == .ENOENT { return nil }
            throw error
        }
    }

    func find(_ name: String, _ lock: borrowing StoreLock) throws(ImagesError) -> ImageRecord {
        let reference = ImageReference(name)
        // A launch reads one record, however many there are.
        if let reference, let exact = try record(of: reference) { return exact }
        let all = try records(lock)
        if let reference {
            let like = all.filter { $0.reference.familiar == reference.familiar }
            if like.count > 1 { throw .ambiguousName(name, like.map(\.reference.description)) }
            if let only = like.first { return only }
        }
        let digits = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
        guard digits.utf8.count >= 8 else { throw .noSuchImage(name) }
        let byDigest = all.filter { $0.manifest.hex.hasPrefix(digits) || $0.config.hex.hasPrefix(digits) }
        // Several names for one image are no ambiguity here.
        guard Set(byDigest.map(\.manifest)).count < 2 else {
            throw .ambiguousName(name, byDigest.map(\.reference.description))
        }
        guard let only = byDigest.first else { throw .noSuchImage(name) }
        return only
    }

    /// The JSON document that the store holds under `digest`; its digest is checked.
    func document(_ digest: Digest) throws(ImagesError) -> JSON {
        let directory = root.view
        let text = try system { () throws(SystemError) in
            try directory.readFile("blobs/sha256/\(digest.hex)", limit: ImageStore.maximumDocument)
        }
        let actual = Digest(of: text)
        guard actual == digest else { throw .wrongDigest(expected: digest, actual: actual) }
        do throws(JSONError) { return try JSON(parsing: text) } catch { throw .document("\(digest)", error) }
    }
}

/// The store's lock, held until this value goes.
struct StoreLock: ~Copyable {
    private let file: OwnedDescriptor

    /// Waits for the lock of the store at `root`.
    init(_ root: Descriptor, exclusive: Bool) throws(ImagesError) {
        file = try system { () throws(SystemError) in
            let file = try StoreLock.open(root)
            _ = try file.view.lock(exclusive: exclusive, waiting: true)
            return file
        }
    }

    private init(locked file: consuming OwnedDescriptor) { self.file = file }

    /// The lock; nil: others have it, and `waiting` is false.
    static func take(_ root: Descriptor, exclusive: Bool, waiting: Bool) throws(ImagesError) -> StoreLock? {
        let file = try system { () throws(SystemError) in try open(root) }
        let view = file.view
        let isLocked = try system { () throws(SystemError) in try view.lock(exclusive: exclusive, waiting: waiting) }
        guard isLocked else { return nil }
        return StoreLock(locked: file)
    }

    /// Opened anew each time: a lock belongs to the open file, so two threads of one process exclude each other too.
    private static func open(_ root: Descriptor) throws(SystemError) -> OwnedDescriptor {
        try root.open("lock", O_RDWR | O_CREAT, mode: 0o600)
    }
}
