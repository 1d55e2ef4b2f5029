internal import CCrypto
package import OCI

/// A SHA-256 hash in the making. It is libcrypto's, which uses the processor's own instructions.
final class SHA256 {
    private var context = SHA256_CTX()

    init() { SHA256_Init(&context) }

    func update(_ bytes: UnsafeRawBufferPointer) {
        // Finding them takes as long as hashing this much without them.
        if bytes.count > 16 << 10 { crypto_find_instructions() }
        SHA256_Update(&context, bytes.baseAddress, bytes.count)
    }

    /// The digest of all so far; more can follow.
    var digest: Digest {
        var copy = context
        var out = [UInt8](repeating: 0, count: 32)
        SHA256_Final(&out, &copy)
        let digits = Array("0123456789abcdef".utf8)
        let hex = out.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        guard let digest = Digest(hex: String(decoding: hex, as: UTF8.self)) else {
            preconditionFailure("32 bytes are 64 digits")
        }
        return digest
    }
}

extension Digest {
    /// The digest of `bytes`.
    package init(of bytes: [UInt8]) {
        let hash = SHA256()
        bytes.withUnsafeBytes { hash.update($0) }
        self = hash.digest
    }

    /// The chain ID of a layer above `parent` (image-spec, config.md, "Layer ChainID"): it names the tree that the
    /// layers up to this one make together.
    package static func chainID(parent: Digest?, diffID: Digest) -> Digest {
        guard let parent else { return diffID }
        return Digest(of: Array("\(parent) \(diffID)".utf8))
    }
}
