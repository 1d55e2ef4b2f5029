/// RFC 4648, 4, as Kubernetes has it in JSON and YAML: with its padding, and with ends of lines that don't count.
enum Base64 {
    /// nil: it is none.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var (count, padding) = (0, 0)
        for byte in text.utf8 where byte != 10 && byte != 13 {
            if byte == UInt8(ascii: "=") {
                padding += 1
            } else if padding > 0 {
                return nil
            }
            guard let value = value(of: byte) else { return nil }
            group = group << 6 | value
            count += 1
            guard count == 4 else { continue }
            bytes += [UInt8(group >> 16 & 0xff), UInt8(group >> 8 & 0xff), UInt8(group & 0xff)]
            (group, count) = (0, 0)
        }
        guard count == 0, padding <= 2 else { return nil }
        bytes.removeLast(padding)
        return bytes
    }

    /// Six bits; of the padding none.
    private static func value(of byte: UInt8) -> UInt32? {
        switch byte {
        case 65...90: UInt32(byte) - 65
        case 97...122: UInt32(byte) - 97 + 26
        case 48...57: UInt32(byte) - 48 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        case UInt8(ascii: "="): 0
        default: nil
        }
    }
}
