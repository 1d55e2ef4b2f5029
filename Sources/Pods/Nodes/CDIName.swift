/// A device of the Container Device Interface, qualified: `VENDOR/CLASS=DEVICE` (CDI specification, "Kind" and "CDI
/// Devices").
struct CDIName: Hashable, Sendable, CustomStringConvertible {
    /// `VENDOR/CLASS`
    let kind: String
    let device: String

    init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, CDIName.isKind(parts[0]), CDIName.isDevice(parts[1]) else { return nil }
        (kind, device) = (parts[0], parts[1])
    }

    var description: String { "\(kind)=\(device)" }

    /// A DNS subdomain, a slash, and a name of at most 63 bytes.
    static func isKind(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count <= 253 else { return false }
        let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { Volume.isLabel($0.lowercased()) } && isName(parts[1], inside: "_-.", most: 63)
    }

    /// Letters, digits, and inside `_`, `-`, `.` and `:`.
    static func isDevice(_ text: String) -> Bool { isName(text[...], inside: "_-.:", most: 255) }

    private static func isName(_ text: Substring, inside: String, most: Int) -> Bool {
        func isPlain(_ byte: UInt8) -> Bool {
            (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
        }
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, bytes.count <= most else { return false }
        return isPlain(first) && isPlain(last) && bytes.allSatisfy { isPlain($0) || inside.utf8.contains($0) }
    }
}
