/// Where a group lies below the root of every tree: `perigee/7f3a/web`. Checked: no way out of the tree, and nothing
/// that the kernel would refuse as a name.
package struct CgroupPath: Hashable, Sendable {
    /// The longest text that is taken, in bytes; the mount point and a file's name must fit in PATH_MAX beside it.
    package static let longest = 2048

    /// The path without a leading slash.
    package let text: String

    /// Takes `text`, for example `linux.cgroupsPath`. A leading slash is the tree's root, where relative paths of ours
    /// begin as well. Throws ``CgroupError/invalidPath(_:reason:)``.
    package init(_ text: String) throws(CgroupError) {
        let relative = text.utf8.first == UInt8(ascii: "/") ? String(text.dropFirst()) : text
        func refuse(_ reason: StaticString) -> CgroupError { .invalidPath(text, reason: reason) }
        guard relative.utf8.count <= Self.longest else { throw refuse("longer than 2048 bytes") }
        // Without an array of the names: each launch comes here.
        var name = (length: 0, isDots: true)
        for byte in relative.utf8 {
            if byte == UInt8(ascii: "/") {
                if let why = Self.objection(to: name) { throw refuse(why) }
                name = (0, true)
                continue
            }
            if byte < 0x20 || byte == 0x7f { throw refuse("it has a control character") }
            name = (name.length + 1, name.isDots && byte == UInt8(ascii: "."))
        }
        if let why = Self.objection(to: name) { throw refuse(why) }
        self.text = relative
    }

    /// What is wrong with a name of this many bytes, dots all of them or not.
    private static func objection(to name: (length: Int, isDots: Bool)) -> StaticString? {
        if name.length == 0 { return "a name in it is empty" }
        if name.isDots, name.length <= 2 { return "'.' and '..' are not allowed" }
        return name.length > 255 ? "a name in it is longer than 255 bytes" : nil
    }

    /// A path that is known to be well formed.
    private init(unchecked text: String) { self.text = text }

    /// The group above; nil where that is the tree's root.
    package var parent: CgroupPath? {
        guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return CgroupPath(unchecked: String(text[..<slash]))
    }

    /// Below the group that perigee makes for its own containers.
    var isOurs: Bool { text.hasPrefix("perigee/") }

    /// The groups above from the outermost on, without the tree's root.
    var ancestors: [CgroupPath] {
        var result: [CgroupPath] = []
        var next = parent
        while let path = next {
            result.append(path)
            next = path.parent
        }
        return result.reversed()
    }
}

extension CgroupPath: CustomStringConvertible {
    package var description: String { text }
}
