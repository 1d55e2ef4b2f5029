internal import CArchive

/// The entries of a tar archive (ustar, pax, GNU), read by libarchive from a stream.
final class TarReader {
    private let stream: any ByteStream
    private let archive: OpaquePointer
    private var isOpen = false
    /// What the stream threw inside of libarchive, which knows only "failed".
    private var failure: ImagesError?

    /// Zeros that complete an archive; nil: one that lacks its end is damaged.
    private let ending: UnsafeMutableRawBufferPointer?
    private var count = 0
    private var isCompleted = false

    /// With `completing`, the last block's padding and the zeros that end an archive may be missing: umoci writes such
    /// layers, Go's reader takes them, and a digest tells whether something else is missing.
    init(_ stream: any ByteStream, completing: Bool = false) throws(ImagesError) {
        guard let archive = archive_read_new() else { throw .damagedArchive("out of memory") }
        self.stream = stream
        self.archive = archive
        ending = completing ? .allocate(byteCount: 3 * 512, alignment: 1) : nil
        ending?.initializeMemory(as: UInt8.self, repeating: 0)
        archive_read_support_format_tar(archive)
        archive_read_support_format_empty(archive)
    }

    deinit {
        archive_read_free(archive)
        ending?.deallocate()
    }

    /// The next entry, valid until the next call; nil: the end of the archive, behind which the stream may go on.
    func next() throws(ImagesError) -> TarEntry? {
        try open()
        var entry: OpaquePointer?
        let result = archive_read_next_header(archive, &entry)
        if result == ARCHIVE_EOF { return nil }
        guard let entry, result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw problem() }
        let found = TarEntry(entry)
        // libarchive warns where a name is not text in the process's locale, and gives its bytes; anything else that it
        // warns of would be lost.
        if result == ARCHIVE_WARN, !found.hasForeignText {
            let words = archive_error_string(archive).map { String(cString: $0) } ?? ""
            throw .entry(EntryName.shown(found.name), .damagedHeader(words))
        }
        return found
    }

    /// Gives the entry's content to `body` block by block, each with its place in the file; what lies between is a hole.
    func content(
        _ body: (_ block: UnsafeRawBufferPointer, _ offset: Int64) throws(ImagesError) -> Void
    ) throws(ImagesError) {
        while true {
            var block: UnsafeRawPointer?
            var size = 0
            var offset: Int64 = 0
            let result = archive_read_data_block(archive, &block, &size, &offset)
            if result == ARCHIVE_EOF { return }
            guard result == ARCHIVE_OK else { throw problem() }
            // The zeros that complete an archive are no content of a file.
            if isCompleted { throw .truncated("the archive") }
            if size > 0 { try body(UnsafeRawBufferPointer(start: block, count: size), offset) }
        }
    }

    private func open() throws(ImagesError) {
        guard !isOpen else { return }
        isOpen = true
        let result = archive_read_open(
            archive, Unmanaged.passUnretained(self).toOpaque(), nil,
            { _, client, block in
                guard let client, let block else { return -1 }
                return Unmanaged<TarReader>.fromOpaque(client).takeUnretainedValue().supply(block)
            }, nil)
        guard result == ARCHIVE_OK else { throw problem() }
    }

    private func supply(_ block: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do throws(ImagesError) {
            var bytes = try stream.next()
            count += bytes.count
            // An empty file is an empty archive as it is.
            if bytes.isEmpty, count > 0, !isCompleted, let ending {
                isCompleted = true
                bytes = UnsafeRawBufferPointer(rebasing: ending[..<(2 * 512 + (512 - count % 512) % 512)])
            }
            block.pointee = bytes.baseAddress
            return bytes.count
        } catch {
            failure = error
            return -1
        }
    }

    private func problem() -> ImagesError {
        if let failure { return failure }
        let words = archive_error_string(archive).map { String(cString: $0) } ?? "unknown reason"
        return .damagedArchive(words)
    }
}

/// An entry of an archive. Its strings live as long as the reader has not read the next.
struct TarEntry {
    private let entry: OpaquePointer

    init(_ entry: OpaquePointer) { self.entry = entry }

    /// The bytes of the name; empty where there is none.
    var name: UnsafePointer<CChar> { archive_entry_pathname(entry) ?? TarEntry.nothing }
    /// Of a hard link, the name of the file that it is to.
    var hardLink: UnsafePointer<CChar>? { archive_entry_hardlink(entry) }
    /// Of a symbolic link, its text.
    var symlink: UnsafePointer<CChar> { archive_entry_symlink(entry) ?? TarEntry.nothing }
    /// `S_IFREG` and so on.
    var type: UInt32 { archive_entry_filetype(entry) }
    /// Without the type.
    var permissions: UInt32 { archive_entry_perm(entry) & 0o7777 }
    /// nil: negative or beyond 32 bits.
    var owner: UInt32? { UInt32(exactly: archive_entry_uid(entry)).flatMap { $0 == .max ? nil : $0 } }
    var group: UInt32? { UInt32(exactly: archive_entry_gid(entry)).flatMap { $0 == .max ? nil : $0 } }
    var size: Int64 { archive_entry_size(entry) }
    var seconds: Int { archive_entry_mtime(entry) }
    var nanoseconds: Int { min(max(archive_entry_mtime_nsec(entry), 0), 999_999_999) }
    var device: (major: UInt32, minor: UInt32) {
        (
            UInt32(truncatingIfNeeded: archive_entry_rdevmajor(entry)),
            UInt32(truncatingIfNeeded: archive_entry_rdevminor(entry))
        )
    }
    var hasAttributes: Bool { archive_entry_xattr_count(entry) > 0 }
    var isSparse: Bool { archive_entry_sparse_count(entry) > 0 }

    /// Gives each extended attribute to `body`.
    func attributes(
        _ body: (_ name: UnsafePointer<CChar>, _ value: UnsafeRawBufferPointer) throws(ImagesError) -> Void
    ) throws(ImagesError) {
        archive_entry_xattr_reset(entry)
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            if let name { try body(name, UnsafeRawBufferPointer(start: value, count: size)) }
        }
    }

    /// Whether a name in it has a byte beyond ASCII.
    var hasForeignText: Bool {
        [
            archive_entry_pathname(entry), hardLink, archive_entry_symlink(entry), archive_entry_uname(entry),
            archive_entry_gname(entry),
        ].contains { text in
            guard var text else { return false }
            while text.pointee != 0 {
                if text.pointee < 0 { return true }
                text += 1
            }
            return false
        }
    }

    private static var nothing: UnsafePointer<CChar> {
        UnsafeRawPointer(("" as StaticString).utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
