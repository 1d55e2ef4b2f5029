internal import CCrypto

/// SHA-256 of what is fed to it.
struct Digest {
    static let size = 32
    private var context = SHA256_CTX()

    init() { SHA256_Init(&context) }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) { SHA256_Update(&context, bytes.baseAddress, bytes.count) }

    mutating func feed(_ bytes: [UInt8]) { bytes.withUnsafeBytes { feed($0) } }

    /// The text with its length before it, so that two texts are never one.
    mutating func feed(_ text: String) {
        var text = text
        text.withUTF8 { buffer in
            feed(UInt64(buffer.count))
            feed(UnsafeRawBufferPointer(buffer))
        }
    }

    mutating func feed(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { feed($0) }
    }

    /// The digest's bytes; feeding ends here.
    consuming func finish() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Digest.size)
        SHA256_Final(&bytes, &context)
        return bytes
    }
}
