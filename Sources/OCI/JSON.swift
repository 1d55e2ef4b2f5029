/// Why a JSON text is not what it should be, and where: a JSON pointer (RFC 6901) into the text.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `/process/args/0`; empty: the whole text.
    package let pointer: String
    /// Lower case, no full stop: `expected a string`.
    package let problem: String

    /// Makes the error of the value at `pointer`.
    package init(_ pointer: String, _ problem: String) {
        self.pointer = pointer
        self.problem = problem
    }

    package var description: String { pointer.isEmpty ? problem : "\(pointer): \(problem)" }
}

/// A value read from a JSON text, which knows its place in it. Numbers keep what was written: an integer is never
/// rounded through a double.
package struct JSON: Sendable {
    /// The value itself.
    package enum Value: Hashable, Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        /// One that is too large for the other.
        case unsigned(UInt64)
        case real(Double)
        case string(String)
        case array([Value])
        /// Members in the order of the text.
        case object([(name: String, value: Value)])
    }

    package let value: Value
    private let place: Place?

    /// Where in the text it stands, a JSON pointer.
    package var pointer: String { place?.pointer ?? "" }

    /// A value that was made here and not read, at the root.
    package init(_ value: Value) { self.init(value, nil) }

    private init(_ value: Value, _ place: Place?) {
        self.value = value
        self.place = place
    }

    /// A step of the way from the root. The text of a pointer is made when an error needs it, and not for each value
    /// that is read.
    private final class Place: Sendable {
        enum Step: Sendable {
            case member(String)
            case item(Int)
        }

        private let above: Place?
        private let step: Step

        init(_ above: Place?, _ step: Step) {
            self.above = above
            self.step = step
        }

        var pointer: String {
            let token =
                switch step {
                case .member(let name): JSON.escaped(name)
                case .item(let index): String(index)
                }
            return (above?.pointer ?? "") + "/" + token
        }
    }

    /// Reads a text in UTF-8. Refused: a member that stands twice, an integer beyond 64 bits, NUL in a string, more
    /// than 2048 levels.
    package init(parsing bytes: [UInt8]) throws(JSONError) {
        var range: Range<Int>?
        try self.init(parsing: bytes, leavingOut: nil, &range)
    }

    /// A member of an object that is a member of the text's object.
    package struct Member: Sendable {
        let outer: String
        let inner: String

        package init(_ outer: String, _ inner: String) {
            self.outer = outer
            self.inner = inner
        }
    }

    /// The same without `member`, where that is an object: null stands in its place, and where it is in the text is told by
    /// `range`. What is in it may be no JSON at all; it is passed over by its brackets.
    package init(parsing bytes: [UInt8], leavingOut member: Member?, _ range: inout Range<Int>?) throws(JSONError) {
        let result: Result<(Value, Range<Int>?), JSONError> = bytes.withUnsafeBufferPointer { text in
            do throws(JSONError) {
                var found: Range<Int>?
                return .success((try JSONReader.value(of: text, leavingOut: member, &found), found))
            } catch { return .failure(error) }
        }
        let (value, found) = try result.get()
        range = found
        self.init(value)
    }
}

// MARK: - Looking inside

extension JSON {
    /// The member `name` of an object; nil where there is none or it is null.
    package subscript(name: String) -> JSON? {
        guard case .object(let members) = value else { return nil }
        guard let member = members.first(where: { $0.name == name }) else { return nil }
        if case .null = member.value { return nil }
        return JSON(member.value, Place(place, .member(name)))
    }

    /// The member `name`, which must be there.
    package func required(_ name: String) throws(JSONError) -> JSON {
        guard case .object = value else { throw expected("an object") }
        guard let member = self[name] else { throw JSONError("\(pointer)/\(JSON.escaped(name))", "missing") }
        return member
    }

    /// The members of an object, each with its place.
    package func members() throws(JSONError) -> [(name: String, value: JSON)] {
        guard case .object(let members) = value else { throw expected("an object") }
        return members.map { ($0.name, JSON($0.value, Place(place, .member($0.name)))) }
    }

    /// The items of an array, each with its place.
    package func items() throws(JSONError) -> [JSON] {
        guard case .array(let items) = value else { throw expected("an array") }
        return items.enumerated().map { JSON($0.element, Place(place, .item($0.offset))) }
    }

    /// The text of a string.
    package func string() throws(JSONError) -> String {
        guard case .string(let text) = value else { throw expected("a string") }
        return text
    }

    /// The items of an array of strings.
    package func strings() throws(JSONError) -> [String] {
        // Not by ``items()``: a list may be long, and the place of a text is wanted by an error alone.
        guard case .array(let items) = value else { throw expected("an array") }
        var texts: [String] = []
        texts.reserveCapacity(items.count)
        for (i, item) in items.enumerated() {
            guard case .string(let text) = item else {
                throw JSON(item, Place(place, .item(i))).expected("a string")
            }
            texts.append(text)
        }
        return texts
    }

    /// The members of an object whose values are strings.
    package func stringMap() throws(JSONError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for (name, member) in try members() { pairs.append((name, try member.string())) }
        return pairs
    }

    /// true or false.
    package func bool() throws(JSONError) -> Bool {
        guard case .bool(let answer) = value else { throw expected("true or false") }
        return answer
    }

    /// An integer that fits `Number`.
    package func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(JSONError) -> Number {
        let number: Number?, written: String
        switch value {
        case .integer(let wide): (number, written) = (Number(exactly: wide), "\(wide)")
        case .unsigned(let wide): (number, written) = (Number(exactly: wide), "\(wide)")
        default: throw expected("an integer")
        }
        guard let number else { throw JSONError(pointer, "\(written) is not from \(Number.min) to \(Number.max)") }
        return number
    }

    /// An integer of 64 bits. The generic one is not specialised for other modules, and a launch would pay for that.
    package func integer() throws(JSONError) -> Int64 { try integer(Int64.self) }

    /// The error that this value is not `what`.
    package func expected(_ what: String) -> JSONError {
        let kind =
            switch value {
            case .null: "null"
            case .bool: "a boolean"
            case .integer, .unsigned, .real: "a number"
            case .string: "a string"
            case .array: "an array"
            case .object: "an object"
            }
        return JSONError(pointer, "expected \(what), found \(kind)")
    }

    private static func escaped(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return name }
        return name.reduce(into: "") { $0 += $1 == "~" ? "~0" : $1 == "/" ? "~1" : String($1) }
    }
}

// MARK: - Writing

extension JSON.Value {
    package static func == (a: JSON.Value, b: JSON.Value) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.integer(let x), .integer(let y)): x == y
        case (.unsigned(let x), .unsigned(let y)): x == y
        case (.real(let x), .real(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        case (.array(let x), .array(let y)): x == y
        case (.object(let x), .object(let y)):
            x.count == y.count && zip(x, y).allSatisfy { $0.name == $1.name && $0.value == $1.value }
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(text()) }

    /// An object of those `members` that have a value.
    package static func members(_ members: [(String, JSON.Value?)]) -> JSON.Value {
        .object(members.compactMap { name, value in value.map { (name, $0) } })
    }

    /// An array of strings.
    package static func strings(_ texts: [String]) -> JSON.Value { .array(texts.map { .string($0) }) }

    /// This value as JSON text: on one line, or with `indent` spaces a level and a line a member.
    package func text(indent: Int = 0) -> String { String(decoding: bytes(indent: indent), as: UTF8.self) }

    /// The UTF-8 of ``text(indent:)``.
    package func bytes(indent: Int = 0) -> [UInt8] {
        var out: [UInt8] = []
        write(to: &out, indent: indent, level: 0)
        return out
    }

    private func write(to out: inout [UInt8], indent: Int, level: Int) {
        func newLine(_ level: Int) {
            guard indent > 0 else { return }
            out.append(UInt8(ascii: "\n"))
            for _ in 0..<indent * level { out.append(UInt8(ascii: " ")) }
        }
        func list(_ count: Int, _ ends: (open: Unicode.Scalar, close: Unicode.Scalar), _ writeItem: (Int) -> Void) {
            out.append(UInt8(ascii: ends.open))
            for i in 0..<count {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                newLine(level + 1)
                writeItem(i)
            }
            if count > 0 { newLine(level) }
            out.append(UInt8(ascii: ends.close))
        }
        switch self {
        case .null: out += "null".utf8
        case .bool(let answer): out += (answer ? "true" : "false").utf8
        case .integer(let number): out += String(number).utf8
        case .unsigned(let number): out += String(number).utf8
        case .real(let number): out += (number.isFinite ? String(number) : "null").utf8
        case .string(let text): JSON.Value.quote(text, to: &out)
        case .array(let items):
            list(items.count, ("[", "]")) { items[$0].write(to: &out, indent: indent, level: level + 1) }
        case .object(let members):
            list(members.count, ("{", "}")) { i in
                JSON.Value.quote(members[i].name, to: &out)
                out += (indent > 0 ? ": " : ":").utf8
                members[i].value.write(to: &out, indent: indent, level: level + 1)
            }
        }
    }

    private static func quote(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): out += "\\n".utf8
            case UInt8(ascii: "\t"): out += "\\t".utf8
            case UInt8(ascii: "\r"): out += "\\r".utf8
            case 0..<0x20, 0x7f:
                let digits = Array("0123456789abcdef".utf8)
                out += "\\u00".utf8
                out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
