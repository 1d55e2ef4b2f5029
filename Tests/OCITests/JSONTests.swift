import Testing

@testable import OCI

struct JSONTests {
    @Test("a text comes back as it was written")
    func roundTrip() throws {
        let text = #"{"a":[1,-9223372036854775808,true,null,"q\"\\\n\u0001é"],"b":{},"c":[]}"#
        #expect(try JSON(parsing: Array(text.utf8)).value.text() == text)
    }

    @Test("an error names the place as a JSON pointer")
    func pointer() throws {
        let json = try JSON(parsing: Array(#"{"a":{"x/y":[0,"s"]}}"#.utf8))
        #expect(throws: JSONError("/a/x~1y/1", "expected an integer, found a string")) {
            _ = try json.required("a").required("x/y").items()[1].integer(Int.self)
        }
        #expect(throws: JSONError("/a/z", "missing")) { _ = try json.required("a").required("z") }
    }

    @Test(
        "what is not JSON, or says a thing twice, is refused",
        arguments: [
            "", "{", #"{"a":1,"a":2}"#, "[1", "\u{0}", #"{"a":"\u0000"}"#, "99999999999999999999", "[1] 2",
            "[1,]", "{\"a\":1,}", "{a:1}", "01", "-", "1.", "1e", ".5", "+1", "1e999", "nul", "tru", "[\"\u{1}\"]",
            #"["\x"]"#, #"["\u12"]"#, #"["\ud800"]"#, #"["\ud800\u0041"]"#, #"["\udc00"]"#, "\"", "[1}", "{\"a\" 1}",
            "\u{feff}1",
        ])
    func refusals(text: String) {
        #expect(throws: JSONError.self) { _ = try JSON(parsing: Array(text.utf8)) }
    }

    @Test("a byte that is no UTF-8 is refused, in a name, in a string and beside an escape")
    func encoding() {
        for text: [UInt8] in [
            [0x22, 0xff, 0x22], Array(#"["\n"#.utf8) + [0xc3, 0x22, 0x5d], [0x7b, 0x22, 0x80, 0x22],
        ] {
            #expect(throws: JSONError.self) { _ = try JSON(parsing: text) }
        }
    }

    @Test("escapes, pairs of surrogates, numbers of every form")
    func forms() throws {
        func read(_ text: String) throws -> JSON.Value { try JSON(parsing: Array(text.utf8)).value }
        #expect(try read(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude80""#) == .string("\"\\/\u{8}\u{c}\n\r\té🚀"))
        #expect(try read(" [ 0 , -0.5e+1 , 1E2 ]\r\n\t") == .array([.integer(0), .real(-5), .real(100)]))
        #expect(try read("18446744073709551615") == .unsigned(.max))
        #expect(try JSON(parsing: Array("18446744073709551615".utf8)).integer(UInt64.self) == .max)
        #expect(throws: JSONError.self) { _ = try JSON(parsing: Array("9223372036854775808".utf8)).integer(Int.self) }
    }

    @Test("a name that stands twice is found among many too")
    func manyNames() throws {
        let members = (0..<100).map { "\"n\($0)\":\($0)" }.joined(separator: ",")
        #expect(try JSON(parsing: Array("{\(members)}".utf8)).members().count == 100)
        for name in ["n0", "n15", "n16", "n99"] {
            #expect(throws: JSONError.self) { _ = try JSON(parsing: Array("{\(members),\"\(name)\":1}".utf8)) }
        }
    }

    @Test("names are bytes: composed and decomposed letters are two")
    func equivalentNames() throws {
        #expect(try JSON(parsing: Array("{\"\u{e9}\":1,\"e\u{301}\":2}".utf8)).members().count == 2)
    }

    @Test("an error of the text names its line and column")
    func place() {
        #expect(throws: JSONError("", "line 2, column 9: expected ',' or '}'")) {
            _ = try JSON(parsing: Array("{\n  \"a\":1 2}".utf8))
        }
    }

    @Test("a member that is left out is passed over by its brackets, and its place is told")
    func leavingOut() throws {
        func read(_ text: String) throws -> (value: String, part: String?) {
            let bytes = Array(text.utf8)
            var range: Range<Int>?
            let json = try JSON(parsing: bytes, leavingOut: JSON.Member("linux", "seccomp"), &range)
            return (json.value.text(), range.map { String(decoding: bytes[$0], as: UTF8.self) })
        }
        let part = #"{"a":["}\"]\\",{}],"b":{"seccomp":{}}}"#
        var found = try read(#"{"linux": {"x": 1, "seccomp" :"# + part + #" , "y": {"seccomp": {}}}}"#)
        #expect(found.part == part)
        #expect(found.value == #"{"linux":{"x":1,"seccomp":null,"y":{"seccomp":{}}}}"#)
        // Elsewhere, or no object, it is a member as any other.
        for text in [
            #"{"other":{"seccomp":{"a":1}}}"#, #"{"seccomp":{"linux":{}}}"#, #"{"linux":{"seccomp":[{}]}}"#,
            #"{"linux":[{"seccomp":{}}]}"#, #"[{"linux":{"seccomp":{}}}]"#,
        ] {
            found = try read(text)
            #expect(found.part == nil && found.value == text)
        }
        for text in [
            #"{"linux":{"seccomp":{"a":"b\"#, #"{"linux":{"seccomp":{"#, #"{"linux":{"seccomp":{}"#,
            #"{"linux":{"seccomp":{},"seccomp":{}}}"#,
        ] {
            #expect(throws: JSONError.self) { try read(text) }
        }
    }

    @Test("nesting has an end")
    func depth() {
        #expect(throws: JSONError.self) {
            _ = try JSON(parsing: [UInt8](repeating: UInt8(ascii: "["), count: 100_000))
        }
    }
}
