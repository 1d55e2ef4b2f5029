internal import CZlib
internal import CZstd
internal import Linux
internal import OCI

/// How a layer's archive is compressed.
package enum Compression: String, Sendable {
    case none = "uncompressed"
    case gzip
    case zstd

    /// Of a layer with this media type (image-spec, media-types.md; Docker's names for the same).
    init(mediaType: String) throws(ImagesError) {
        switch mediaType {
        case MediaType.layer, "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.docker.image.rootfs.diff.tar":
            self = .none
        case MediaType.layer + "+gzip", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":
            self = .gzip
        case MediaType.layer + "+zstd", "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
            "application/vnd.docker.image.rootfs.diff.tar.zstd":
            self = .zstd
        default: throw .unsupportedMediaType(mediaType)
        }
    }

    /// What the regular file `file`, `size` bytes long, decompresses to; `packed` measures it, and may be read on the way.
    func stream(_ file: Descriptor, size: Int64, _ packed: MeasuredStream) throws(ImagesError) -> any ByteStream {
        if self == .gzip, HelpedGzipStream.isWorthwhile(size) { return HelpedGzipStream(file, packed) }
        return try stream(packed)
    }

    /// What `source` decompresses to.
    func stream(_ source: any ByteStream) throws(ImagesError) -> any ByteStream {
        switch self {
        case .none: source
        case .gzip: try GzipStream(source)
        case .zstd: try ZstdStream(source)
        }
    }
}

private let blockSize = 256 * 1024

/// What one or more gzip members (RFC 1952) in a row decompress to.
final class GzipStream: ByteStream {
    private let source: any ByteStream
    private let output = UnsafeMutablePointer<UInt8>.allocate(capacity: blockSize)
    private let inflater = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isInMember = false
    private var isAtStart = true

    init(_ source: any ByteStream) throws(ImagesError) {
        self.source = source
        inflater.initialize(to: z_stream())
        // 15 bits of window, and 16 more for: gzip's header and trailer.
        let result = inflateInit2_(inflater, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw .damagedCompression(.gzip, "zlib can't start (\(result))") }
    }

    deinit {
        inflateEnd(inflater)
        inflater.deallocate()
        output.deallocate()
    }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        inflater.pointee.next_out = output
        inflater.pointee.avail_out = UInt32(blockSize)
        while inflater.pointee.avail_out > 0 {
            if inflater.pointee.avail_in == 0, try !refill() { break }
            if !isInMember, try !begin() { continue }
            let result = inflate(inflater, Z_NO_FLUSH)
            if result == Z_STREAM_END {
                isInMember = false
            } else if result != Z_OK && result != Z_BUF_ERROR {
                let words = inflater.pointee.msg.map { String(cString: $0) } ?? "zlib says \(result)"
                throw .damagedCompression(.gzip, words)
            }
        }
        return UnsafeRawBufferPointer(start: output, count: blockSize - Int(inflater.pointee.avail_out))
    }

    /// False: the source is at its end, which must not lie in a member.
    private func refill() throws(ImagesError) -> Bool {
        let block = try source.next()
        guard !block.isEmpty else {
            if isInMember || isAtStart { throw .truncated("the gzip stream") }
            return false
        }
        inflater.pointee.next_in = UnsafeMutablePointer(
            mutating: block.baseAddress?.assumingMemoryBound(to: UInt8.self))
        inflater.pointee.avail_in = UInt32(block.count)
        return true
    }

    /// Begins a member. False: these are zeros behind the last, which some writers pad with.
    private func begin() throws(ImagesError) -> Bool {
        if !isAtStart {
            while inflater.pointee.avail_in > 0, inflater.pointee.next_in.pointee == 0 {
                inflater.pointee.next_in += 1
                inflater.pointee.avail_in -= 1
            }
            guard inflater.pointee.avail_in > 0 else { return false }
            inflateReset(inflater)
        }
        isAtStart = false
        isInMember = true
        return true
    }
}

/// What zstd frames (RFC 8878) decompress to; skippable frames between them are skipped.
private final class ZstdStream: ByteStream {
    private let source: any ByteStream
    private let output = UnsafeMutableRawPointer.allocate(byteCount: blockSize, alignment: 64)
    private let context: OpaquePointer
    private var input = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
    /// zstd's hint: 0 means that a frame is complete.
    private var pending = 1
    /// The decoder may hold more output than fitted into the last block.
    private var isFull = false

    init(_ source: any ByteStream) throws(ImagesError) {
        guard let context = ZSTD_createDStream() else { throw .damagedCompression(.zstd, "out of memory") }
        self.source = source
        self.context = context
        // A window of 128 MiB would be ours to pay: 32 MiB is more than any level below --ultra asks for.
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 25)
    }

    deinit {
        ZSTD_freeDStream(context)
        output.deallocate()
    }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        var out = ZSTD_outBuffer(dst: output, size: blockSize, pos: 0)
        while out.pos < out.size {
            if input.pos == input.size, !isFull {
                let block = try source.next()
                if block.isEmpty {
                    if pending != 0 { throw .truncated("the zstd stream") }
                    break
                }
                input = ZSTD_inBuffer(src: block.baseAddress, size: block.count, pos: 0)
            }
            let result = ZSTD_decompressStream(context, &out, &input)
            if ZSTD_isError(result) != 0 {
                throw .damagedCompression(.zstd, String(cString: ZSTD_getErrorName(result)))
            }
            pending = result
            isFull = out.pos == out.size
        }
        return UnsafeRawBufferPointer(start: output, count: out.pos)
    }
}
