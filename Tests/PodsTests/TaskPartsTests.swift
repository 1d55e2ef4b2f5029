import Testing

@testable import Pods

/// Small rules of task files, each by itself.
struct TaskPartsTests {
    @Test(
        "minutes are milliseconds, exactly",
        arguments: [
            ("30", 1_800_000), ("1", 60_000), ("0.05", 3000), ("0.000001", 1), ("1.5", 90_000), ("0.0001", 6),
            ("525600", 31_536_000_000), ("2.000001", 120_001),
        ])
    func minutes(text: String, milliseconds: UInt64) {
        #expect(Minutes.milliseconds(text) == milliseconds)
    }

    @Test(
        "what is no time",
        arguments: [
            "", "0", "0.0", "-1", "+1", "1e3", ".5", "1.", "1.0000001", "01", "010", "0x10", "1_000", "525600.1",
            "525601", "99999999999999999999", "inf", ".inf", "NaN", "1 ", "\u{661}", "1.5.5", "30m",
        ])
    func noMinutes(text: String) {
        #expect(Minutes.milliseconds(text) == nil)
    }

    @Test("timeout_seconds is max_duration * 60 and the grace, rounded up (B28)")
    func timeouts() throws {
        func seconds(_ duration: String, grace: UInt64 = TaskFile.graceSeconds) throws -> UInt64? {
            try TaskText.onlyPod(TaskText.pod("A", "max_duration: \(duration)")).timeoutSeconds(grace: grace)
        }
        #expect(try seconds("30") == 2100)
        #expect(try seconds("1") == 360)
        #expect(try seconds("2") == 420)
        #expect(try seconds("1", grace: 60) == 120)
        #expect(try seconds("0.05") == 303)
        #expect(try seconds("0.0001") == 301)
        #expect(try TaskText.onlyPod(TaskText.pod()).timeoutSeconds(grace: 300) == nil)
    }

    @Test(
        "words as a shell splits them, and nothing expanded",
        arguments: [
            ("echo  hi\tthere\n", ["echo", "hi", "there"]), ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
            ("a''b \"\" ''", ["ab", "", ""]), ("\\a\\ b \\\\", ["a b", "\\"]), ("'\\n' \"\\n\"", ["\\n", "\\n"]),
            ("\"\\$HOME \\` \\\" \\\\\"", ["$HOME ` \" \\"]),
            ("$HOME $(date) *.c ~ #x", ["$HOME", "$(date)", "*.c", "~", "#x"]),
            ("a\\\nb \"c\\\nd\"", ["ab", "cd"]), ("'it'\\''s'", ["it's"]), ("  ", []),
        ])
    func words(text: String, words: [String]) {
        #expect(ShellWords.split(text) == words)
    }

    @Test(
        "a quote without its end, and a backslash at the end, are no words", arguments: ["'a", "\"a", "a\\", "\"a\\"])
    func noWords(text: String) {
        #expect(ShellWords.split(text) == nil)
    }

    @Test(
        "the rule table of command and args",
        arguments: [
            ("", ["entry", "e1", "cmd", "c1"]), ("args: [x, y]", ["entry", "e1", "x", "y"]),
            ("command: [a, b]", ["a", "b"]),
            ("command: [a]\nargs: [x]", ["a", "x"]),
            ("command: echo $HOME | cat", ["/bin/sh", "-c", "echo $HOME | cat"]),
            ("command: a 'b c'\nargs: [x]", ["a", "b c", "x"]), ("command: []\nargs: [x]", ["entry", "e1", "x"]),
            ("command: ''\nargs: []", ["entry", "e1", "cmd", "c1"]),
            ("command: null\nargs: ~", ["entry", "e1", "cmd", "c1"]),
            ("command: ' x '", ["/bin/sh", "-c", " x "]),
            ("command: [sh, -c, 3.10, true, '', '~']", ["sh", "-c", "3.10", "true", "", "~"]),
        ])
    func command(lines: String, words: [String]) throws {
        let pod = try TaskText.onlyPod(TaskText.pod("A", lines))
        #expect(pod.command.words(entrypoint: ["entry", "e1"], command: ["cmd", "c1"]) == words)
    }

    @Test("an image without entrypoint: args alone; without anything: nothing to execute")
    func noEntrypoint() {
        #expect(TaskCommand.entrypoint(arguments: ["x"]).words(entrypoint: [], command: ["c"]) == ["x"])
        #expect(TaskCommand.imageDefault.words(entrypoint: [], command: []).isEmpty)
    }

    @Test("a command string is verbatim, whatever is in it (A13)")
    func verbatim() throws {
        let long = String(repeating: "x", count: 100_000)
        for text in ["'$HOME' \"$(date)\" `id` \\n \t \u{e9}\u{1f680} ", "\n a\n", "$(VAR) $$(VAR) ${X}", long] {
            let quoted = YAMLWriter.scalar(text)
            #expect(try TaskText.onlyPod(TaskText.pod("A", "command: \(quoted)")).command == .shell(text))
        }
    }

    @Test("groups are runs of neighbours that all merge")
    func groups() {
        func ranges(_ text: String) -> [Range<Int>] { MergeGroups.ranges(text.map { $0 == "M" }) }
        #expect(ranges("") == [])
        #expect(ranges("M") == [0..<1])
        #expect(ranges("MM") == [0..<2])
        #expect(ranges("MPM") == [0..<1, 1..<2, 2..<3])
        #expect(ranges("MMPPMMM") == [0..<2, 2..<3, 3..<4, 4..<7])
    }

    @Test("paths lead down and nowhere else, also where Unicode takes a slash for a part of the next character")
    func paths() {
        func read(_ text: String, absolute: Bool = false) -> [String]? {
            try? RelativePath.read(text, mayBeAbsolute: absolute).get().parts
        }
        #expect(read("a//b/./c/") == ["a", "b", "c"])
        #expect(read("/a", absolute: true) == ["a"])
        #expect(read("/", absolute: true) == [])
        #expect(read("...") == ["..."])
        for text in ["..", "../a", "a/../b", "a/..", "/a", "../\u{301}a", "/\u{301}a", "a/\u{301}/../b"] {
            #expect(read(text) == nil, "\(text)")
        }
        #expect(read(String(repeating: "x", count: 256)) == nil)
        #expect(read(String(repeating: "x/", count: 2048)) == nil)
    }

    @Test("Kubernetes gives back what was written, by its own rule of variables")
    func literals() {
        #expect(PodManifest.literal("echo $(date) $HOME") == "echo $$(date) $HOME")
        let variables = ["VAR": "wrong", "": "wrong"]
        for text in [
            "$(VAR)", "$$(VAR)", "$$$(VAR)", "$VAR", "$$", "$", "a$", "$$$", "$(", "$$(", "$()", "x$(VAR",
            "echo $$ $(VAR) $$$$",
            "\u{e9}$(VAR)\u{e9}",
        ] {
            #expect(Self.expanded(PodManifest.literal(text), variables) == text, "\(text)")
        }
    }

    /// What a kubelet makes of it: `$(NAME)` is the variable's value if there is one, `$$` one dollar sign.
    private static func expanded(_ text: String, _ variables: [String: String]) -> String {
        var out = ""
        var rest = Substring(text)
        while let first = rest.first {
            rest.removeFirst()
            guard first == "$", let second = rest.first else {
                out.append(first)
                continue
            }
            if second == "$" {
                out.append("$")
                rest.removeFirst()
            } else if second == "(", let end = rest.firstIndex(of: ")") {
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                out += variables[name] ?? "$(\(name))"
                rest = rest[rest.index(after: end)...]
            } else {
                out.append("$")
            }
        }
        return out
    }

    @Test("what is written is read as the same text")
    func written() throws {
        for text in [
            "plain", "3.10", "no", "Yes", "null", "~", "", " x ", "a: b", "- a", "#c", "a\nb\n", "\t",
            "\u{85}\u{2028}\u{feff}",
            "\u{1}\u{7f}\u{9f}", "\"'\\", "\u{e9}\u{1f680}", "a/b-c.d_e", "/x", "1.5", "{}", "\u{fffe}",
            "\u{d7ff}\u{e000}",
        ] {
            let read = YAMLReader.read(Array("k: \(YAMLWriter.scalar(text))\n".utf8))
            guard case .mapping(let members)? = read.documents.first?.content,
                case .scalar(let again, let style) = members[0].value.content
            else {
                Issue.record("\(text): \(read.problems)")
                continue
            }
            #expect(again == text)
            #expect(style == .quoted || text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f })
        }
    }
}
