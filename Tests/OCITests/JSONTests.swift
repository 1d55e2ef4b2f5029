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
        ])
    func refusals(text: String) {
        #expect(throws: JSONError.self) { _ = try JSON(parsing: Array(text.utf8)) }
    }

    @Test("nesting has an end")
    func depth() {
        #expect(throws: JSONError.self) {
            _ = try JSON(parsing: [UInt8](repeating: UInt8(ascii: "["), count: 100_000))
        }
    }
}
