/// The name of an image with its tag: `demo:latest`, `localhost/demo:1`, `registry.example:5000/team/app:2.1`.
/// The grammar is the distribution specification's (`<name>`, `<reference>`), with a host before the name as Docker has
/// it: the first part is a host if it has a dot or a colon or is `localhost`.
package struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// `registry.example:5000`; nil where none was written.
    package let host: String?
    /// `team/app`
    package let path: String
    /// `latest` where none was written.
    package let tag: String

    /// The longest name, in bytes, with its tag.
    package static let maximumLength = 400

    /// Reads a name; nil: it is not one. A digest behind `@` is not part of a name here.
    package init?(_ text: String) {
        // Bytes, for a launch reads two of them: all that a name may have is ASCII.
        let bytes = Array(text.utf8)
        guard (1...ImageReference.maximumLength).contains(bytes.count) else { return nil }
        var begin = 0
        var host: String?
        if let slash = bytes.firstIndex(of: UInt8(ascii: "/")), ImageReference.namesHost(bytes[..<slash]) {
            let name = String(decoding: bytes[..<slash], as: UTF8.self)
            guard ImageReference.isHost(name) else { return nil }
            host = name
            begin = slash + 1
        }
        let last = bytes[begin...].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? begin
        let colon = bytes[last...].firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        guard ImageReference.isPath(bytes[begin..<colon]) else { return nil }
        var tag = "latest"
        if colon < bytes.endIndex {
            tag = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
            guard ImageReference.isTag(tag) else { return nil }
        }
        self.host = host
        self.path = String(decoding: bytes[begin..<colon], as: UTF8.self)
        self.tag = tag
        // With a tag that was left out it may be longer than what was read, and must be readable itself.
        guard description.utf8.count <= ImageReference.maximumLength else { return nil }
    }

    /// `host/path:tag`, with what was left out.
    package var description: String { (host.map { $0 + "/" } ?? "") + path + ":" + tag }

    /// The short form, by which people know the image: without `localhost/`, `docker.io/` and Docker's `library/`.
    package var familiar: String {
        switch host {
        case nil, "localhost": return "\(path):\(tag)"
        case "docker.io", "index.docker.io":
            return (path.hasPrefix("library/") ? String(path.dropFirst(8)) : path) + ":" + tag
        case .some: return description
        }
    }

    /// Whether `text` can be a tag: 1 to 128 letters, digits, `_`, `.` and `-`, the first no `.` and no `-`.
    package static func isTag(_ text: String) -> Bool {
        guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy(isWordByte) else { return false }
        return text.utf8.first != UInt8(ascii: ".") && text.utf8.first != UInt8(ascii: "-")
    }

    static func isWordByte(_ c: UInt8) -> Bool {
        isLowerOrDigit(c) || (65...90).contains(c) || c == UInt8(ascii: "_") || c == UInt8(ascii: ".")
            || c == UInt8(ascii: "-")
    }

    private static func isLowerOrDigit(_ c: UInt8) -> Bool { (48...57).contains(c) || (97...122).contains(c) }

    /// Whether the part before the first slash is a host and not a directory.
    private static func namesHost(_ part: ArraySlice<UInt8>) -> Bool {
        part.contains(UInt8(ascii: ".")) || part.contains(UInt8(ascii: ":"))
            || part.elementsEqual("localhost".utf8)
    }

    /// Parts between slashes: lower-case letters and digits with `.`, `_`, `__` or any number of `-` between them.
    private static func isPath(_ bytes: ArraySlice<UInt8>) -> Bool {
        /// What stands since the last letter or digit; a slash, and the beginning, want one behind them.
        var separators = (count: 1, byte: UInt8(ascii: "/"))
        for c in bytes {
            if isLowerOrDigit(c) {
                separators.count = 0
            } else if separators.count == 0 {
                separators = (1, c)
                guard ".-_/".utf8.contains(c) else { return false }
            } else {
                separators.count += 1
                let isRun = c == UInt8(ascii: "-") || c == UInt8(ascii: "_") && separators.count == 2
                guard c == separators.byte, isRun else { return false }
            }
        }
        return separators.count == 0
    }

    private static func isHost(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, name.utf8.count <= 253, parts.count <= 2 else { return false }
        if parts.count == 2, UInt16(parts[1]) == nil { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.utf8.allSatisfy { isWordByte($0) && $0 != UInt8(ascii: "_") }
                && label.first != "-" && label.last != "-"
        }
    }
}
