/// A `dphi.space.cg2.uplink` task: files of the task file's directory that are copied into a volume.
package struct UplinkTask: Hashable, Sendable {
    /// A file beneath the task file's directory: no part of it is `..`, and it does not begin with a slash.
    package struct Source: Hashable, Sendable {
        package let path: RelativePath
        /// Where it is named.
        package let position: TextPosition

        /// What it is called in the volume: its last part.
        package var name: String { path.parts.last ?? "" }
    }

    /// No two have the same ``Source/name``.
    package let sources: [Source]
    /// A directory of the volume; without parts it is the volume itself.
    package let destination: RelativePath
    package let volume: String

    /// Where `source` lands, from the volume's root.
    package func target(of source: Source) -> RelativePath { RelativePath(destination, source.name) }
}

/// Names of directories and at last a file, none of them empty, `.` or `..`: it leads nowhere but down.
package struct RelativePath: Hashable, Sendable, CustomStringConvertible {
    package let parts: [String]

    /// Reads `text`; `.` and empty parts mean nothing and go. Why it is none, where it is none.
    static func read(_ text: String, mayBeAbsolute: Bool) -> Result<RelativePath, Problem> {
        // By bytes, as the kernel reads it: for Unicode a slash may be a part of the character behind it.
        let slash = UInt8(ascii: "/")
        if !mayBeAbsolute, text.utf8.first == slash { return .failure(Problem(text: "it must not begin with '/'")) }
        guard text.utf8.count < 4096 else { return .failure(Problem(text: "it has more than 4095 bytes")) }
        let parts = text.utf8.split(separator: slash).map { String(Substring($0)) }.filter { $0 != "." }
        for part in parts {
            if part == ".." { return .failure(Problem(text: "'..' is not allowed")) }
            if part.utf8.count > 255 { return .failure(Problem(text: "a part of it has more than 255 bytes")) }
        }
        return .success(RelativePath(parts: parts))
    }

    /// Why a text is no such path.
    struct Problem: Error { let text: String }

    private init(parts: [String]) { self.parts = parts }

    /// `name` in `directory`.
    init(_ directory: RelativePath, _ name: String) { parts = directory.parts + [name] }

    /// Its parts with slashes between them.
    package var description: String { parts.joined(separator: "/") }
}
