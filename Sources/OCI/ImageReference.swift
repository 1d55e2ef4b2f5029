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
        guard (1...ImageReference.maximumLength).contains(text.utf8.count) else { return nil }
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var host: String?
        if parts.count > 1, parts[0] == "localhost" || parts[0].contains(".") || parts[0].contains(":") {
            host = parts.removeFirst()
        }
        guard var last = parts.popLast() else { return nil }
        var tag = "latest"
        if let colon = last.firstIndex(of: ":") {
            tag = String(last[last.index(after: colon)...])
            last = String(last[..<colon])
        }
        parts.append(last)
        guard parts.allSatisfy(ImageReference.isPathPart), ImageReference.isTag(tag) else { return nil }
        if let host, !ImageReference.isHost(host) { return nil }
        self.host = host
        self.path = parts.joined(separator: "/")
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
        return text.first != "." && text.first != "-"
    }

    static func isWordByte(_ c: UInt8) -> Bool {
        isLowerOrDigit(c) || (65...90).contains(c) || c == UInt8(ascii: "_") || c == UInt8(ascii: ".")
            || c == UInt8(ascii: "-")
    }

    private static func isLowerOrDigit(_ c: UInt8) -> Bool { (48...57).contains(c) || (97...122).contains(c) }

    /// Lower-case letters and digits with `.`, `_`, `__` or any number of `-` between them.
    private static func isPathPart(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, isLowerOrDigit(first), isLowerOrDigit(last) else {
            return false
        }
        let separators = bytes.split { isLowerOrDigit($0) }.map { String(decoding: $0, as: UTF8.self) }
        return separators.allSatisfy { $0 == "." || $0 == "_" || $0 == "__" || $0.allSatisfy { $0 == "-" } }
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
