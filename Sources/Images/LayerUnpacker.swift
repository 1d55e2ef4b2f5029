internal import Linux
internal import OCI

/// How much an image may unpack to.
package struct UnpackLimits: Sendable {
    /// Bytes of all layers' archives, uncompressed, and also bytes of all files with their holes.
    package var maximumSize: Int64
    /// Entries of all layers together.
    package var maximumEntries: Int

    /// By default 64 GiB and a million entries, five times what the largest known images have.
    package init(maximumSize: Int64 = 64 << 30, maximumEntries: Int = 1_000_000) {
        self.maximumSize = maximumSize
        self.maximumEntries = maximumEntries
    }
}

/// Unpacks the blobs of an image's layers, checking digests and sizes in the same pass.
struct LayerUnpacker {
    /// What is left of the limits.
    private(set) var left: UnpackLimits
    /// What is left of the size for files as they seem: a hole takes no byte of an archive.
    private var leftForFiles: Int64
    private let limits: UnpackLimits

    init(_ limits: UnpackLimits) {
        self.limits = limits
        left = limits
        leftForFiles = limits.maximumSize
    }

    /// Unpacks `blob`, an open file that `content` describes, into the empty directory `diff`, above `lower`; returns
    /// the bytes of content that were written. The blob's digest, its size and `diffID` are right, or it throws.
    mutating func unpack(
        _ blob: Descriptor, _ content: ContentDescriptor, diffID: Digest, into diff: Descriptor,
        above lower: Descriptor?
    ) throws(ImagesError) -> Int64 {
        let compression = try Compression(mediaType: content.mediaType)
        let packed = MeasuredStream(
            FileStream(blob), limit: content.size,
            tooLong: .wrongSize(content.digest, expected: content.size, actual: content.size + 1))
        let archive = MeasuredStream(
            try compression.stream(blob, size: content.size, packed), limit: left.maximumSize,
            tooLong: .tooLarge(limit: limits.maximumSize))
        let written: Int64
        do throws(ImagesError) {
            written = try write(archive, into: diff, above: lower)
            try archive.drain()
            try packed.drain()
        } catch {
            throw LayerUnpacker.cause(of: error, packed, content)
        }
        left.maximumSize -= archive.count
        guard packed.count == content.size else {
            throw .wrongSize(content.digest, expected: content.size, actual: packed.count)
        }
        guard packed.digest == content.digest else {
            throw .wrongDigest(expected: content.digest, actual: packed.digest)
        }
        guard archive.digest == diffID else {
            throw .wrongDiffID(expected: diffID, actual: archive.digest)
        }
        return written
    }

    private mutating func write(_ archive: MeasuredStream, into diff: Descriptor, above lower: Descriptor?)
        throws(ImagesError) -> Int64
    {
        let reader = try TarReader(archive, completing: true)
        let writer = try LayerWriter(diff: diff, lower: lower)
        while let entry = try reader.next() {
            left.maximumEntries -= 1
            guard left.maximumEntries >= 0 else { throw .tooManyEntries(limit: limits.maximumEntries) }
            leftForFiles -= min(max(0, entry.size), leftForFiles + 1)
            guard leftForFiles >= 0 else { throw .tooLarge(limit: limits.maximumSize) }
            do throws(ImagesError) { try writer.write(entry, from: reader) } catch {
                guard case .system(let failure) = error else { throw error }
                throw .writing(entry: EntryName.shown(entry.name), failure)
            }
        }
        try writer.finish()
        return writer.written
    }

    /// Of a stream that can't be read, a wrong digest is the better explanation: the blob is not what was packed.
    private static func cause(of error: ImagesError, _ packed: MeasuredStream, _ content: ContentDescriptor)
        -> ImagesError
    {
        switch error {
        case .damagedCompression, .damagedArchive, .truncated: break
        default: return error
        }
        do throws(ImagesError) { try packed.drain() } catch { return error }
        if packed.count != content.size {
            return .wrongSize(content.digest, expected: content.size, actual: packed.count)
        }
        let actual = packed.digest
        return actual == content.digest ? error : .wrongDigest(expected: content.digest, actual: actual)
    }
}
