/// Reads a JSON text, RFC 8259, in one pass. A launch reads its configuration before anything else, and a library's
/// tree of nodes that is then copied into ours was a tenth of the time until the clone.
///
/// Stricter than the RFC where a configuration could mean two things to two readers: a name that stands twice in an
/// object is refused, as is NUL in a string. An integer is kept as it was written, or refused beyond 64 bits.
struct JSONReader {
    /// Levels of arrays and objects within each other.
    static let maximumDepth = 2048

    private let text: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var depth = 0
    /// The member that is passed over, and where it was found.
    private let leftOut: JSON.Member?
    private var leftOutRange: Range<Int>?
    private var isInOuter = false

    /// Reads all of `text`, but for the object that `member` is: where that stands is in `range`.
    static func value(
        of text: UnsafeBufferPointer<UInt8>, leavingOut member: JSON.Member? = nil, _ range: inout Range<Int>?
    ) throws(JSONError) -> JSON.Value {
        var reader = JSONReader(text, member)
        let value = try reader.value()
        reader.skipSpace()
        guard reader.at == text.count else { throw reader.error("something follows the value") }
        range = reader.leftOutRange
        return value
    }

    private init(_ text: UnsafeBufferPointer<UInt8>, _ leftOut: JSON.Member?) {
        self.text = text
        self.leftOut = leftOut
    }

    private func error(_ problem: String) -> JSONError {
        let before = text[..<min(at, text.count)]
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let column = at - (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1)
        return JSONError("", "line \(line), column \(column): \(problem)")
    }

    /// The next byte, 0 at the end: no JSON text has a 0 outside an error.
    private var next: UInt8 { at < text.count ? text[at] : 0 }

    private mutating func skipSpace() {
        while next == UInt8(ascii: " ") || next == UInt8(ascii: "\n") || next == UInt8(ascii: "\t")
            || next == UInt8(ascii: "\r")
        {
            at += 1
        }
    }

    private mutating func value() throws(JSONError) -> JSON.Value {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw error(at < text.count ? "expected a value" : "the text ends before the value")
        }
    }

    private mutating func word(_ name: StaticString, _ value: JSON.Value) throws(JSONError) -> JSON.Value {
        for i in 0..<name.utf8CodeUnitCount {
            guard next == name.utf8Start[i] else { throw error("expected \(name)") }
            at += 1
        }
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= JSONReader.maximumDepth else { throw error("more than \(JSONReader.maximumDepth) levels") }
        at += 1
        skipSpace()
    }

    /// Past the comma, true; past the closing `end`, false.
    private mutating func goesOn(until end: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        if next == UInt8(ascii: ",") {
            at += 1
            return true
        }
        guard next == end else { throw error("expected ',' or '\(Character(UnicodeScalar(end)))'") }
        at += 1
        depth -= 1
        return false
    }

    private mutating func array() throws(JSONError) -> JSON.Value {
        var items: [JSON.Value] = []
        try enter()
        if next == UInt8(ascii: "]") {
            at += 1
            depth -= 1
            return .array(items)
        }
        repeat { items.append(try value()) } while try goesOn(until: UInt8(ascii: "]"))
        return .array(items)
    }

    private mutating func object() throws(JSONError) -> JSON.Value {
        var members: [(name: String, value: JSON.Value)] = []
        // Few names are compared one by one; with many that would take the square of the time. By their bytes: two texts
        // that Unicode calls equivalent are two names.
        let few = 16
        var names: Set<[UInt8]> = []
        try enter()
        if next == UInt8(ascii: "}") {
            at += 1
            depth -= 1
            return .object(members)
        }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("expected a name") }
            let name = try string()
            if members.count == few { names = Set(members.map { Array($0.name.utf8) }) }
            let isKnown =
                members.count < few
                ? members.contains { $0.name.utf8.elementsEqual(name.utf8) }
                : !names.insert(Array(name.utf8)).inserted
            if isKnown { throw error("the name '\(name)' stands twice") }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw error("expected ':'") }
            at += 1
            if let leftOut, try isPassed(leftOut, name) {
                members.append((name, .null))
            } else {
                members.append((name, try value()))
            }
        } while try goesOn(until: UInt8(ascii: "}"))
        return .object(members)
    }

    /// Whether what follows is `member`, and an object: then it is behind us.
    private mutating func isPassed(_ member: JSON.Member, _ name: String) throws(JSONError) -> Bool {
        if depth == 1 { isInOuter = name == member.outer }
        guard depth == 2, isInOuter, name == member.inner else { return false }
        skipSpace()
        guard next == UInt8(ascii: "{") else { return false }
        guard let length = Self.length(ofObject: text[at...]) else {
            at = text.count
            throw error("the text ends before the value")
        }
        leftOutRange = at..<at + length
        at += length
        return true
    }

    /// Up to the brace that ends the object with which `text` begins; nil if there is none. Each byte is looked at once,
    /// with no state but the place and the level: ten thousand bytes of a profile are passed in some microseconds.
    private static func length(ofObject text: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        let text = UnsafeBufferPointer(rebasing: text)
        guard var byte = text.baseAddress else { return nil }
        let begin = byte
        let end = byte + text.count
        var level = 0
        while byte < end {
            switch byte.pointee {
            case UInt8(ascii: "{"), UInt8(ascii: "["): level += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                level -= 1
                if level == 0 { return byte - begin + 1 }
            case UInt8(ascii: "\""):
                byte += 1
                while byte < end, byte.pointee != UInt8(ascii: "\"") {
                    byte += byte.pointee == UInt8(ascii: "\\") ? 2 : 1
                }
            default: break
            }
            byte += 1
        }
        return nil
    }
}

// MARK: - Numbers

extension JSONReader {
    private mutating func digits() throws(JSONError) {
        guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= next else { throw error("expected a digit") }
        while UInt8(ascii: "0")...UInt8(ascii: "9") ~= next { at += 1 }
    }

    private mutating func number() throws(JSONError) -> JSON.Value {
        let begin = at
        var isWhole = true
        if next == UInt8(ascii: "-") { at += 1 }
        let first = at
        try digits()
        if text[first] == UInt8(ascii: "0"), at - first > 1 { throw error("a number begins with 0") }
        if next == UInt8(ascii: ".") {
            isWhole = false
            at += 1
            try digits()
        }
        if next | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        let written = String(decoding: UnsafeBufferPointer(rebasing: text[begin..<at]), as: UTF8.self)
        if isWhole {
            if let number = Int64(written) { return .integer(number) }
            if let number = UInt64(written) { return .unsigned(number) }
            throw error("the integer \(written) has more than 64 bits")
        }
        guard let number = Double(written), number.isFinite else { throw error("the number \(written) is too large") }
        return .real(number)
    }
}

// MARK: - Strings

extension JSONReader {
    /// The string that begins here. Mostly it has no escapes, and its bytes are taken as they stand.
    private mutating func string() throws(JSONError) -> String {
        at += 1
        let begin = at
        var all: UInt8 = 0
        while at < text.count, text[at] != UInt8(ascii: "\""), text[at] != UInt8(ascii: "\\"), text[at] >= 0x20 {
            all |= text[at]
            at += 1
        }
        guard next == UInt8(ascii: "\"") else { return try escapedString(from: begin) }
        let bytes = UnsafeBufferPointer(rebasing: text[begin..<at])
        // ASCII can't be wrong.
        let whole = all < 0x80 ? String(decoding: bytes, as: UTF8.self) : try checked(bytes, from: begin)
        at += 1
        return whole
    }

    private mutating func escapedString(from begin: Int) throws(JSONError) -> String {
        var bytes = Array(text[begin..<at])
        while true {
            guard at < text.count else { throw error("the text ends within a string") }
            let byte = text[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                let result: Result<String, JSONError> = bytes.withUnsafeBufferPointer { buffer in
                    do throws(JSONError) { return .success(try checked(buffer, from: begin)) } catch {
                        return .failure(error)
                    }
                }
                return try result.get()
            case UInt8(ascii: "\\"): try appendEscape(to: &bytes)
            case 0..<0x20: throw error("a control character in a string")
            default: bytes.append(byte)
            }
        }
    }

    /// The bytes as text, if they are UTF-8.
    private func checked(_ bytes: UnsafeBufferPointer<UInt8>, from begin: Int) throws(JSONError) -> String {
        // What is not UTF-8 is replaced there, and differs.
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.count == bytes.count, text.utf8.elementsEqual(bytes) else {
            throw error("the string that begins \(at - begin) bytes before is not UTF-8")
        }
        return text
    }

    private mutating func appendEscape(to bytes: inout [UInt8]) throws(JSONError) {
        let letter = next
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(letter)
        case UInt8(ascii: "b"): bytes.append(8)
        case UInt8(ascii: "f"): bytes.append(12)
        case UInt8(ascii: "n"): bytes.append(10)
        case UInt8(ascii: "r"): bytes.append(13)
        case UInt8(ascii: "t"): bytes.append(9)
        case UInt8(ascii: "u"): bytes.append(contentsOf: String(try escapedScalar()).utf8)
        default: throw error("an escape that JSON does not know")
        }
    }

    /// Of `\u` and four hexadecimal digits, or of two such that are a surrogate pair.
    private mutating func escapedScalar() throws(JSONError) -> Character {
        var code = try hexadecimal()
        if 0xd800..<0xdc00 ~= code, next == UInt8(ascii: "\\"), at + 1 < text.count, text[at + 1] == UInt8(ascii: "u") {
            at += 2
            let low = try hexadecimal()
            guard 0xdc00..<0xe000 ~= low else { throw error("half a surrogate pair") }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = UnicodeScalar(code) else { throw error("half a surrogate pair") }
        guard code != 0 else { throw error("NUL in a string") }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let byte = next
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw error("expected four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            at += 1
        }
        return code
    }
}
