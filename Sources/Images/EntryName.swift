/// The name of an entry in a layer's archive: bytes, split into components, none of them `.`, `..` or empty. A leading
/// `/` and `./` are dropped, as everyone does; a name with `..` is refused, since no tool writes one.
struct EntryName {
    /// Each ends in NUL, for the calls; none: the root itself.
    let components: [[CChar]]

    /// As many directories may lie in one another; each costs two descriptors while it is written.
    static let maximumDepth = 200
    static let maximumLength = 4095
    static let maximumComponent = 255

    /// Reads the name of an entry, or the target of a hard link.
    init(_ text: UnsafePointer<CChar>) throws(ImagesError) {
        var components: [[CChar]] = []
        var component: [CChar] = []
        var at = 0
        while true {
            let c = text[at]
            if c != 0 && c != EntryName.slash {
                component.append(c)
            } else {
                if component == EntryName.dotDot { throw .entry(EntryName.shown(text), .climbs) }
                if component.count > EntryName.maximumComponent {
                    throw .entry(EntryName.shown(text), .componentTooLong(EntryName.maximumComponent))
                }
                if !component.isEmpty && component != EntryName.dot { components.append(component + [0]) }
                component.removeAll(keepingCapacity: true)
            }
            if c == 0 { break }
            at += 1
            if at > EntryName.maximumLength {
                throw .entry(EntryName.shown(text), .nameTooLong(EntryName.maximumLength))
            }
        }
        if at == 0 { throw .entry("", .emptyName) }
        if components.count > EntryName.maximumDepth {
            throw .entry(EntryName.shown(text), .tooDeep(EntryName.maximumDepth))
        }
        self.components = components
    }

    /// A name for a message: its first 200 bytes, control characters replaced.
    static func shown(_ text: UnsafePointer<CChar>) -> String {
        var bytes: [UInt8] = []
        while bytes.count < 200, text[bytes.count] != 0 {
            let c = UInt8(bitPattern: text[bytes.count])
            bytes.append(c < 32 || c == 127 ? UInt8(ascii: "?") : c)
        }
        if bytes.count == 200 { bytes += Array("...".utf8) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A component as text; what is no UTF-8 is replaced.
    static func text(_ component: UnsafeBufferPointer<CChar>) -> String {
        String(decoding: component.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: Whiteouts (image-spec, layer.md)

    /// What the last component of a name means.
    enum Meaning {
        case plain
        /// Hides this name of the layers below.
        case whiteout([CChar])
        /// Hides all that the layers below have in the directory.
        case opaque
        /// One of aufs's own names, which says nothing about the tree.
        case ignored
    }

    /// What the name means; refused are `.wh.` in the middle of a name, and before nothing, `.` or `..`.
    func meaning() throws(ImagesError) -> Meaning {
        guard let last = components.last else { return .plain }
        for component in components.dropLast() where component.starts(with: EntryName.whiteout) {
            throw .entry(EntryName.shown(component), .reservedName)
        }
        guard last.starts(with: EntryName.whiteout) else { return .plain }
        let hidden = Array(last.dropFirst(EntryName.whiteout.count))
        if hidden.starts(with: EntryName.whiteout) {
            return hidden.dropFirst(EntryName.whiteout.count).elementsEqual(EntryName.opaqueEnd) ? .opaque : .ignored
        }
        guard hidden.count > 1, hidden != EntryName.dot + [0], hidden != EntryName.dotDot + [0] else {
            throw .entry(EntryName.shown(last), .reservedName)
        }
        return .whiteout(hidden)
    }

    private static let slash = CChar(47)
    private static let dot: [CChar] = [46]
    private static let dotDot: [CChar] = [46, 46]
    /// `.wh.`
    private static let whiteout: [CChar] = [46, 119, 104, 46]
    /// `.opq`, which follows `.wh..wh.`
    private static let opaqueEnd: [CChar] = [46, 111, 112, 113, 0]
}
