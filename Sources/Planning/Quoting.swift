/// A text of unknown origin as a plan or a message shows it: as it is where it is one plain word, otherwise in quotes
/// with everything escaped that a terminal would act on. Beyond 200 bytes it is shortened and its length told.
package func quoted(_ text: String) -> String {
    let limit = 200
    var shown = ""
    var used = 0
    var isPlain = !text.isEmpty
    var isWhole = true
    for scalar in text.unicodeScalars {
        let size = UTF8.width(scalar)
        if used + size > limit {
            isWhole = false
            break
        }
        used += size
        let written = escaped(scalar)
        if written.utf8.count != size || scalar == " " { isPlain = false }
        shown += written
    }
    if isPlain && isWhole { return shown }
    return isWhole ? "\"\(shown)\"" : "\"\(shown)…\" (\(text.utf8.count) bytes)"
}

/// A message as a terminal may get it: names in it may be an image's or a container's. Only its line ends stay.
package func printable(_ message: String) -> String {
    message.unicodeScalars.reduce(into: "") { text, scalar in
        text += ["\n", "\"", "\\"].contains(scalar) ? String(scalar) : escaped(scalar)
    }
}

/// Controls, separators and the characters that turn the direction of writing never reach a terminal.
private func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case 0x0a: return "\\n"
    case 0x09: return "\\t"
    case 0x0d: return "\\r"
    case 0x22: return "\\\""
    case 0x5c: return "\\\\"
    case 0x00..<0x20, 0x7f..<0xa0, 0xad, 0x61c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x2069, 0xfeff,
        0xe0000...0xe007f:
        return "\\u{\(String(scalar.value, radix: 16))}"
    default: return String(scalar)
    }
}
