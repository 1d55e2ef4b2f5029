internal import OCI

/// Writes values as YAML that every reader takes for the same: block style, and texts in double quotes unless they are
/// plain words.
enum YAMLWriter {
    /// A document without `---`, ending in a line end.
    static func text(_ value: JSON.Value) -> String {
        var out = ""
        write(value, level: 0, to: &out)
        return out
    }

    /// The lines of `value`, which begins on a line of its own.
    private static func write(_ value: JSON.Value, level: Int, to out: inout String) {
        let indent = String(repeating: "  ", count: level)
        switch value {
        case .object(let members) where !members.isEmpty:
            for (name, member) in members {
                out += indent + scalar(name) + ":"
                writeBehind(member, level: level, to: &out)
            }
        case .array(let items) where !items.isEmpty:
            for item in items {
                var inner = ""
                write(item, level: level + 1, to: &inner)
                out += indent + "- " + inner.dropFirst(indent.utf8.count + 2)
            }
        default: out += indent + leaf(value) + "\n"
        }
    }

    /// `value` behind its key and colon: on the same line if it has one.
    private static func writeBehind(_ value: JSON.Value, level: Int, to out: inout String) {
        switch value {
        case .object(let members) where !members.isEmpty:
            out += "\n"
            write(value, level: level + 1, to: &out)
        case .array(let items) where !items.isEmpty:
            // A list stands as far to the right as its key.
            out += "\n"
            write(value, level: level, to: &out)
        default: out += " " + leaf(value) + "\n"
        }
    }

    private static func leaf(_ value: JSON.Value) -> String {
        if case .string(let text) = value { return scalar(text) }
        return value.text()
    }

    /// A text, plain where nothing could take it for anything else.
    static func scalar(_ text: String) -> String {
        func isLetter(_ c: UInt8) -> Bool { (65...90).contains(c) || (97...122).contains(c) }
        let isWord = text.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || "-_./".utf8.contains($0) }
        // YAML 1.1 has more names of true and false than 1.2.
        let names = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
        if isWord, let first = text.utf8.first, isLetter(first), !names.contains(text.lowercased()) { return text }
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            default: out += isPrintable(scalar) ? String(scalar) : escape(scalar)
            }
        }
        return out + "\""
    }

    /// Whether it may stand in a text as it is. What ends a line for some reader may not.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7e, 0xa0...0x2027, 0x202f...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd, 0x10000...0x10ffff: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}
