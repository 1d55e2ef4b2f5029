import Testing

@testable import perigee

struct ArgumentsTests {
    static let table = [
        Option("--bundle", short: "-b", value: "DIR", ""), Option("--json", ""), Option("--env", value: "K=V", ""),
        Option("--timeline", value: "FILE", isOptional: true, ""),
    ]

    private func read(_ words: String...) throws(UsageError) -> Arguments { try Arguments(words[...], Self.table) }

    @Test("an option's value is attached or follows")
    func values() throws {
        for words in [["--bundle=x=y"], ["--bundle", "x=y"], ["-b", "x=y"]] {
            #expect(try Arguments(words[...], Self.table)["--bundle"] == "x=y")
        }
        let several = try read(
            "--env", "A=1", "one", "--env=B=2", "--json", "-", "--timeline", "two", "--", "--json", "x")
        #expect(several.all("--env") == ["A=1", "B=2"] && several.operands == ["one", "-", "two"])
        #expect(several.command == ["--json", "x"] && several["--timeline"] == "" && several.has("--json"))
        #expect(try read("--timeline=f")["--timeline"] == "f")
    }

    @Test(
        "what can't be read is said",
        arguments: [
            (["--bundel", "x"], "unknown option '--bundel'; did you mean '--bundle'?"),
            (["--bundle"], "option '--bundle' needs a value: DIR"),
            (["--root", "x"], "option '--root' stands before the verb"), (["-v"], "unknown option '-v'"),
            (["--json=1"], "option '--json' takes no value"), (["-x"], "unknown option '-x'"),
        ])
    func mistakes(words: [String], message: String) {
        do throws(UsageError) {
            _ = try Arguments(words[...], Self.table)
            Issue.record("read")
        } catch { #expect(error.message == message) }
    }

    @Test("every verb's options have names of their own, and its help shows them")
    func verbs() {
        for name in Verb.Name.allCases {
            let verb = name.verb
            #expect(verb.name == name)
            #expect(Verb.named(by: (name.words.map(String.init) + ["x"])[...])?.verb.name == name)
            #expect(Set(verb.options.map(\.name)).count == verb.options.count)
            for option in verb.options { #expect(verb.help.contains(option.name)) }
        }
        #expect(Verb.named(by: ["pod run"]) == nil)
    }
}
