internal import Linux
internal import OCI

/// Bytes that come block by block. What is returned is valid until the next call; an empty block is the end.
protocol ByteStream: AnyObject {
    func next() throws(ImagesError) -> UnsafeRawBufferPointer
}

/// The content of an open file, from where it stands. The file must stay open as long as this lives.
final class DescriptorStream: ByteStream {
    private let file: Descriptor
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)

    init(_ file: Descriptor) { self.file = file }

    deinit { buffer.deallocate() }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        do throws(SystemError) {
            let n = try file.read(into: buffer)
            return UnsafeRawBufferPointer(rebasing: buffer[..<n])
        } catch { throw .system(error) }
    }
}

/// The content of a regular file from its beginning, wherever the file's own offset is. It must stay open as long as this
/// lives.
final class FileStream: ByteStream {
    private let file: Descriptor
    private var at: Int64 = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)

    init(_ file: Descriptor) { self.file = file }

    deinit { buffer.deallocate() }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        do throws(SystemError) {
            let n = try file.read(into: buffer, at: at)
            at += Int64(n)
            return UnsafeRawBufferPointer(rebasing: buffer[..<n])
        } catch { throw .system(error) }
    }
}

/// Bytes in memory, as one block.
final class MemoryStream: ByteStream {
    private let bytes: UnsafeMutableRawBufferPointer
    private var isRead = false

    init(_ content: [UInt8]) {
        bytes = .allocate(byteCount: content.count, alignment: 1)
        bytes.copyBytes(from: content)
    }

    deinit { bytes.deallocate() }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        defer { isRead = true }
        return isRead ? UnsafeRawBufferPointer(start: nil, count: 0) : UnsafeRawBufferPointer(bytes)
    }
}

/// Counts and hashes what passes, and lets no more than a number of bytes pass.
final class MeasuredStream: ByteStream {
    private let source: any ByteStream
    private let hash = SHA256()
    private let limit: Int64
    private let tooLong: ImagesError
    /// Bytes so far.
    private(set) var count: Int64 = 0

    /// `tooLong` is thrown at the first byte beyond `limit`.
    init(_ source: any ByteStream, limit: Int64, tooLong: ImagesError) {
        self.source = source
        self.limit = limit
        self.tooLong = tooLong
    }

    /// The digest of what has passed.
    var digest: Digest { hash.digest }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        let block = try source.next()
        count += Int64(block.count)
        guard count <= limit else { throw tooLong }
        hash.update(block)
        return block
    }

    /// Reads to the end.
    func drain() throws(ImagesError) { while try !next().isEmpty {} }
}
