internal import Glibc
internal import Linux

/// What a gzip file decompresses to, by `igzip` (Intel's ISA-L, Debian's package isal), which is three times as fast as
/// zlib and works on another core. Where it is missing or fails, for whatever reason, zlib goes on from where it stopped;
/// so the result is zlib's, and an error is zlib's.
///
/// The helper is a confined process, and what it says is checked as zlib's is: by the digest of the uncompressed layer.
/// Unlike zlib it ignores what stands behind the last member and is none.
final class HelpedGzipStream: ByteStream {
    /// Of the package isal; not looked for in $PATH, since perigee is root.
    static let program = "/usr/bin/igzip"
    /// Below this many bytes starting the helper takes longer than it saves.
    static let worthwhile: Int64 = 1 << 20

    private let file: Descriptor
    /// The compressed file's hash in the making, which goes on while the helper is awaited.
    private let packed: MeasuredStream
    private var helper: FilterProcess?
    private var fallback: (any ByteStream)?
    private var count = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 512 * 1024, alignment: 64)

    /// Decompresses `file`, a regular one that was opened for this and must stay open, from its beginning. `packed` reads
    /// the same file, and is drained as far as there is time.
    init(_ file: Descriptor, _ packed: MeasuredStream, program: String = HelpedGzipStream.program) {
        self.file = file
        self.packed = packed
        // A helper that can't be started is one that we do without.
        do throws(SystemError) { helper = try FilterProcess.start(program, ["-d", "-c"], input: file) } catch {
            helper = nil
        }
    }

    deinit { buffer.deallocate() }

    /// Whether the helper can be tried on a file of `size` bytes.
    static func isWorthwhile(_ size: Int64) -> Bool {
        guard size >= worthwhile else { return false }
        // Where that can't be found out it is done without.
        do throws(SystemError) { return try Descriptor.workingDirectory.exists(program) } catch { return false }
    }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        if let fallback { return try fallback.next() }
        if let helper {
            let n = try fill(from: helper)
            if n > 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<n]) }
            let end = try system { () throws(SystemError) in try helper.wait() }
            self.helper = nil
            if end.status == 0, count > 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<0]) }
        }
        let rest = try skipping(count, of: GzipStream(FileStream(file)))
        fallback = rest
        return try rest.next()
    }

    /// Waits for the helper's next bytes; 0: it has ended.
    private func fill(from helper: FilterProcess) throws(ImagesError) -> Int {
        var n = 0
        while n < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[n...])
            let got = try system { () throws(SystemError) in try helper.read(into: rest) }
            guard let got else {
                if n > 0 { break }
                if try packed.next().isEmpty { try system { () throws(SystemError) in try helper.waitForOutput() } }
                continue
            }
            if got == 0 { break }
            n += got
        }
        count += n
        return n
    }

    private func skipping(_ bytes: Int, of stream: any ByteStream) throws(ImagesError) -> any ByteStream {
        var left = bytes
        while left > 0 {
            let block = try stream.next()
            if block.isEmpty { break }
            if block.count > left {
                return PrecededStream(UnsafeRawBufferPointer(rebasing: block.dropFirst(left)), stream)
            }
            left -= block.count
        }
        return stream
    }
}

/// A block, and then a stream.
private final class PrecededStream: ByteStream {
    private var first: UnsafeRawBufferPointer?
    private let rest: any ByteStream

    /// `first` is the last block that `rest` has given.
    init(_ first: UnsafeRawBufferPointer, _ rest: any ByteStream) {
        self.first = first
        self.rest = rest
    }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        guard let first else { return try rest.next() }
        self.first = nil
        return first
    }
}
