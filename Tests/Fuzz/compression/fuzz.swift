// gzip and zstd streams; the first byte tells which, and in what portions they come.
@testable import Images

/// Bytes in portions of a few, as a pipe may give them.
private final class PortionedStream: ByteStream {
    private let bytes: UnsafeMutableRawBufferPointer
    private let portion: Int
    private var at = 0

    init(_ content: ArraySlice<UInt8>, portion: Int) {
        bytes = .allocate(byteCount: content.count, alignment: 1)
        bytes.copyBytes(from: content)
        self.portion = portion
    }

    deinit { bytes.deallocate() }

    func next() throws(ImagesError) -> UnsafeRawBufferPointer {
        let end = min(bytes.count, at + portion)
        defer { at = end }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<end])
    }
}

/// All that comes out, or nil where it fails; no more than 64 MiB.
private func decompress(_ content: ArraySlice<UInt8>, _ kind: Compression, portion: Int) -> [UInt8]? {
    do throws(ImagesError) {
        let stream = try kind.stream(PortionedStream(content, portion: portion))
        var out: [UInt8] = []
        while out.count < 64 << 20 {
            let block = try stream.next()
            if block.isEmpty { break }
            out += block
        }
        return out
    } catch { return nil }
}

/// libFuzzer calls it with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard let first = bytes.first else { return 0 }
    let kind: Compression = first & 1 == 0 ? .gzip : .zstd
    let whole = decompress(bytes.dropFirst(), kind, portion: .max >> 1)
    let parts = decompress(bytes.dropFirst(), kind, portion: 1 + Int(first >> 1))
    // libzstd takes some damaged frames that come whole, and refuses them in parts.
    if kind == .zstd, whole == nil || parts == nil { return 0 }
    demand(whole == parts, "portions change what comes out")
    return 0
}
