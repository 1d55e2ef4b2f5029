/// The name of content by its SHA-256 hash: `sha256:` and 64 hexadecimal digits in lower case (image-spec,
/// descriptor.md, "Digests"). Other algorithms are refused: nobody writes them, and each would be one more to trust.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// The 64 digits; they are a file name that can't leave its directory.
    package let hex: String

    /// Takes 64 lower-case hexadecimal digits; nil: they are not that.
    package init?(hex: String) {
        let digits = hex.utf8
        let isDigit = { (c: UInt8) in (48...57).contains(c) || (97...102).contains(c) }
        guard digits.count == 64, digits.allSatisfy(isDigit) else { return nil }
        self.hex = hex
    }

    /// Reads `sha256:…`; nil: it is not that.
    package init?(_ text: String) {
        guard text.hasPrefix("sha256:") else { return nil }
        self.init(hex: String(text.dropFirst(7)))
    }

    /// Reads a JSON string.
    package init(_ json: JSON) throws(JSONError) {
        let text = try json.string()
        guard let digest = Digest(text) else {
            let algorithm = text.prefix { $0 != ":" }.prefix(32)
            let known = text.contains(":") && algorithm != "sha256"
            throw JSONError(
                json.pointer,
                known
                    ? "the digest algorithm \(algorithm) is not supported, only sha256"
                    : "not a digest: expected sha256: and 64 hexadecimal digits in lower case")
        }
        self = digest
    }

    /// `sha256:…`
    package var description: String { "sha256:" + hex }

    /// The first twelve digits, for people.
    package var short: String { String(hex.prefix(12)) }
}
