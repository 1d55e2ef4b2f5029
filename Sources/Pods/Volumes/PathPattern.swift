/// A name with `*`, `?` and `[...]` as glob(7) has them, compared byte by byte: names on a disk need not be text. A `\`
/// takes the next byte as it is. As in a shell, a `.` at a name's beginning is matched by a `.` alone.
struct NamePattern: Sendable {
    private enum Token: Sendable {
        case byte(UInt8)
        case any
        case star
        case set([ClosedRange<UInt8>], negated: Bool)
    }

    private let tokens: [Token]

    init(_ text: ArraySlice<UInt8>) {
        var tokens: [Token] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"): tokens.append(.star)
            case UInt8(ascii: "?"): tokens.append(.any)
            case UInt8(ascii: "\\"): tokens.append(.byte(rest.popFirst() ?? byte))
            case UInt8(ascii: "["):
                if let (set, after) = NamePattern.set(rest) {
                    tokens.append(set)
                    rest = after
                } else {
                    tokens.append(.byte(byte))
                }
            default: tokens.append(.byte(byte))
            }
        }
        self.tokens = tokens
    }

    /// What stands between `[` and `]`; nil: there is no `]`, and the `[` stands for itself.
    private static func set(_ text: ArraySlice<UInt8>) -> (Token, ArraySlice<UInt8>)? {
        var rest = text
        var ranges: [ClosedRange<UInt8>] = []
        let isNegated = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
        if isNegated { rest.removeFirst() }
        var isFirst = true
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "]"), !isFirst { return (.set(ranges, negated: isNegated), rest) }
            isFirst = false
            if rest.first == UInt8(ascii: "-"), let end = rest.dropFirst().first, end != UInt8(ascii: "]") {
                rest = rest.dropFirst(2)
                if byte <= end { ranges.append(byte...end) }
            } else {
                ranges.append(byte...byte)
            }
        }
        return nil
    }

    /// The one name that it means; nil: it is a pattern.
    var literal: [UInt8]? {
        var bytes: [UInt8] = []
        for token in tokens {
            guard case .byte(let byte) = token else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Whether `name` fits. Each `*` is tried again only from the last one on: no more steps than pattern times name.
    func matches(_ name: [UInt8]) -> Bool {
        if name.first == UInt8(ascii: ".") {
            guard case .byte(UInt8(ascii: "."))? = tokens.first else { return false }
        }
        var token = 0, at = 0
        var star: (token: Int, at: Int)?
        while at < name.count {
            if token < tokens.count, case .star = tokens[token] {
                star = (token, at)
                token += 1
            } else if token < tokens.count, fits(tokens[token], name[at]) {
                token += 1
                at += 1
            } else if let last = star {
                token = last.token + 1
                at = last.at + 1
                star = (last.token, at)
            } else {
                return false
            }
        }
        while token < tokens.count, case .star = tokens[token] { token += 1 }
        return token == tokens.count
    }

    private func fits(_ token: Token, _ byte: UInt8) -> Bool {
        switch token {
        case .byte(let own): own == byte
        case .any, .star: true
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(byte) } != isNegated
        }
    }
}

/// A path below a volume as a caller typed it, split at its slashes; `/` at the beginning is the volume itself.
enum VolumePath {
    /// Without empty parts and `.`; `..` is refused, and so is NUL.
    static func parts(_ text: String) throws(PodsError) -> [ArraySlice<UInt8>] {
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "/")).filter { $0 != [UInt8(ascii: ".")] }
        guard !parts.contains([UInt8(ascii: "."), UInt8(ascii: ".")]) else {
            throw .volumePath(text, why: "'..' leads out of the volume")
        }
        guard !text.utf8.contains(0) else { throw .volumePath(text, why: "a NUL is in no path") }
        guard text.utf8.count <= FileTree.longestPath, parts.allSatisfy({ $0.count <= 255 }) else {
            throw .volumePath(text, why: "it is too long")
        }
        return parts
    }
}
