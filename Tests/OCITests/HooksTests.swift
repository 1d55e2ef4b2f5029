import Testing

@testable import OCI

struct HooksTests {
    private func read(_ text: String) throws -> Hooks? { try Hooks.read(try JSON(parsing: Array(text.utf8))) }

    private func refusal(_ text: String) throws -> String {
        let json = try JSON(parsing: Array(text.utf8))
        do throws(SpecError) { _ = try Hooks.read(json) } catch { return "\(error)" }
        return "read"
    }

    @Test("all kinds, in the order of the configuration")
    func kinds() throws {
        let hooks = try #require(
            try read(
                """
                {"prestart": [{"path": "/a"}], "createRuntime": [{"path": "/b", "args": ["x", "y"]}, {"path": "/c"}],
                 "createContainer": [{"path": "/d", "env": ["A=b", "C="]}], "startContainer": [{"path": "/e"}],
                 "poststart": [{"path": "/f", "timeout": 3}], "poststop": [{"path": "/g"}], "other": 5}
                """))
        #expect(hooks[.prestart] == [.init(path: "/a")])
        #expect(hooks[.createRuntime] == [.init(path: "/b", args: ["x", "y"]), .init(path: "/c")])
        #expect(hooks[.createContainer][0].env == ["A=b", "C="])
        #expect(hooks[.poststart][0].timeout == 3)
        #expect(hooks[.createRuntime].map(\.arguments) == [["x", "y"], ["/c"]])
        #expect(try Hooks.read(JSON(hooks.json)) == hooks)
        let some = try #require(hooks.only([.poststop, .startContainer]))
        #expect(some[.poststop].count == 1 && some[.startContainer].count == 1 && some[.prestart].isEmpty)
        #expect(hooks.only([]) == nil)
    }

    @Test("none is none")
    func none() throws {
        #expect(try read("{}") == nil)
        #expect(try read(#"{"prestart": [], "poststop": null}"#) == nil)
    }

    @Test("what can't be a hook is named with its place")
    func refusals() throws {
        for (text, words) in [
            ("[]", "expected an object"), (#"{"prestart": {}}"#, "/prestart: expected an array"),
            (#"{"prestart": [{}]}"#, "/prestart/0/path: missing"),
            (#"{"poststop": [{"path": "/a"}, {"path": "b"}]}"#, "/poststop/1/path: 'b' is not absolute"),
            (#"{"poststop": [{"path": "/a", "args": [1]}]}"#, "/poststop/0/args/0: expected a string"),
            (#"{"poststop": [{"path": "/a", "env": ["b"]}]}"#, "/poststop/0/env/0: 'b' is not NAME=VALUE"),
            (#"{"poststop": [{"path": "/a", "timeout": 0}]}"#, "/poststop/0/timeout: 0 is not greater than zero"),
            (#"{"poststop": [{"path": "/a", "timeout": 1.5}]}"#, "/poststop/0/timeout: expected an integer"),
        ] { #expect(try refusal(text).contains(words), "\(text)") }
        let many = [String](repeating: #"{"path": "/a"}"#, count: Hooks.maximum + 1).joined(separator: ",")
        #expect(try refusal("{\"poststart\": [\(many)]}").contains("257 hooks are too many"))
    }

    @Test("a listener's metadata needs a listener")
    func listener() throws {
        let json = try JSON(parsing: Array(#"{"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}"#.utf8))
        #expect(throws: JSONError.self) { _ = try LinuxSeccomp(json) }
    }
}
