import Testing

@testable import Pods

struct YAMLReaderTests {
    private func read(_ text: String, _ limits: YAMLReader.Limits = .init()) -> YAMLReader.Text {
        YAMLReader.read(Array(text.utf8), limits: limits)
    }

    private func problem(_ text: String, _ limits: YAMLReader.Limits = .init()) -> String {
        let text = read(text, limits)
        #expect(text.documents.isEmpty)
        return text.problems.last.map { String($0.text(of: "").dropFirst()) } ?? ""
    }

    /// Values without their places.
    private func shown(_ value: YAML) -> String {
        switch value.content {
        case .scalar(let text, .plain): text
        case .scalar(let text, .quoted): "'\(text)'"
        case .scalar(let text, .block): "|\(text)|"
        case .list(let items): "[" + items.map(shown).joined(separator: ", ") + "]"
        case .mapping(let members): "{" + members.map { "\($0.key): \(shown($0.value))" }.joined(separator: ", ") + "}"
        }
    }

    @Test("a scalar is its source text, and keeps how it was written")
    func scalars() {
        let text = """
            tag: 3.10
            number: 007
            no: no
            single: 'it''s'
            double: "a\\tb\\u00e9"
            literal: |
              one
                two
            folded: >-
              one
              two
            string: !!str 5
            empty:
            flow: [ /bin/sh, -c, "x" ]
            """
        #expect(
            read(text).documents.map(shown) == [
                "{tag: 3.10, number: 007, no: no, single: 'it's', double: 'a\tb\u{e9}', literal: |one\n  two\n|, "
                    + "folded: |one two|, string: '5', empty: , flow: [/bin/sh, -c, 'x']}"
            ])
        #expect(read(text).problems.isEmpty)
    }

    @Test("null is what stands for nothing in plain, and nothing else")
    func nulls() {
        let text = read("[~, null, , Null, '', 'null', NULL, none]")
        #expect(text.documents.isEmpty)  // an empty item of a flow list is none
        guard case .list(let items)? = read("- ~\n- null\n-\n- NULL\n- ''\n- 'null'\n- none").documents.first?.content
        else {
            Issue.record("no list")
            return
        }
        #expect(items.map(\.isNull) == [true, true, true, true, false, false, false])
    }

    @Test("lines and columns count from 1, and a column is a character")
    func positions() throws {
        let document = try #require(
            read("\u{feff}# comment\r\na: x\r\n\u{e9}\u{1f680}: [1,\r\n  {b: 2}]\r\n").documents.first)
        guard case .mapping(let members) = document.content, case .list(let items) = members[1].value.content,
            case .mapping(let inner) = items[1].content
        else {
            Issue.record("another shape")
            return
        }
        #expect(members[0].value.position == TextPosition(line: 2, column: 4))
        #expect(members[1].keyPosition == TextPosition(line: 3, column: 1))
        #expect(items[0].position == TextPosition(line: 3, column: 6))
        #expect(inner[0].value.position == TextPosition(line: 4, column: 7))
    }

    @Test("several documents, those that are empty left out")
    func documents() {
        #expect(read("---\na\n...\n---\n# nothing\n---\n- b\n---\n").documents.map(shown) == ["a", "[b]"])
        #expect(read("").documents.isEmpty && read("").problems.isEmpty)
        #expect(read("# x\n").documents.isEmpty)
    }

    @Test("a key that stands twice is told with its place, and all others are read")
    func duplicates() {
        let text = read("a: 1\nb: {c: 2, c: 3}\n\"a\": 4\nd: 5\n")
        #expect(text.documents.map(shown) == ["{a: 1, b: {c: 2}, d: 5}"])
        #expect(
            text.problems.map { $0.text(of: "f") } == [
                "f:2:11: the key c stands twice; it is in line 2 already",
                "f:3:1: the key a stands twice; it is in line 1 already",
            ])
        // By their bytes: for Unicode the two are one.
        #expect(read("e\u{301}: 1\n\u{e9}: 2").problems.isEmpty)
    }

    @Test(
        "what is not read",
        arguments: [
            ("a: &x [1]\nb: *x", "1:4: anchors are not read\n  hint: write the value out where it is needed"),
            ("a: *x", "1:4: aliases are not read\n  hint: write the value out"),
            ("? [a]\n: b", "1:3: a key must be a text, and not a list or a mapping"),
            ("a: [", "2:1: while parsing a flow node: did not find expected node content"),
            ("a: b: c", "1:5: mapping values are not allowed in this context"),
            (
                "a:\n  - b\n\t- c",
                "3:1: while scanning a plain scalar from line 2 on: found a tab character that violates indentation\n"
                    + "  hint: YAML is indented with spaces, and here is a tab"
            ),
            (
                "- id: x\ntype: y",
                "2:1: while parsing a block collection from line 1 on: did not find expected '-' indicator\n"
                    + "  hint: the keys of an item stand below each other, as far to the right as its first"
            ),
            ("a: \"\\ud800\"", "1:7: while parsing a quoted scalar: found invalid Unicode character escape code"),
            ("a: \u{7}", "1:4: control characters are not allowed: 0x7\n  hint: the text must be UTF-8"),
            ("%YAML 2.0\n---\na", "1:1: found incompatible YAML document"),
        ])
    func refused(text: String, problem: String) {
        #expect(self.problem(text) == problem)
    }

    @Test("bytes that are no UTF-8, in a line and a column of characters; other encodings too")
    func encoding() {
        let text = YAMLReader.read(Array("a: b\n\u{e9}: '".utf8) + [0xff])
        #expect(
            text.problems.map { $0.text(of: "f") } == [
                "f:2:5: invalid leading UTF-8 octet: 0xff\n  hint: the text must be UTF-8"
            ])
        #expect(YAMLReader.read([0xff, 0xfe, 0x61, 0]).documents.isEmpty)
        #expect(
            YAMLReader.read([0x61, 0xc3]).problems.first?.text.hasPrefix("incomplete UTF-8 octet sequence") == true)
    }

    @Test("a NUL by its escape, and tags that would make a text something else, are told and the rest is read")
    func strange() {
        let text = read("a: \"x\\0y\"\nb: !!int 5\nc: !foo {}\nd: !!binary aGk=")
        #expect(text.documents.count == 1)
        #expect(
            text.problems.map { $0.text(of: "f") } == [
                "f:1:4: a NUL byte", "f:2:4: the tag tag:yaml.org,2002:int is not read",
                "f:3:4: the tag !foo is not read", "f:4:4: the tag tag:yaml.org,2002:binary is not read",
            ])
    }

    @Test("levels, values and bytes have bounds")
    func bounds() {
        #expect(problem(String(repeating: "[", count: 1_000_000)) == "1:33: more than 32 levels")
        #expect(problem(String(repeating: "a: [", count: 250_000)) == "1:65: more than 32 levels")
        #expect(problem(String(repeating: "- ", count: 500_000)) == "1:65: more than 32 levels")
        #expect(problem(String(repeating: "- a\n", count: 70_000)) == "65536:3: more than 65536 values")
        #expect(problem(String(repeating: " ", count: 1 << 20 | 1)) == "1:1: more than 1048576 bytes")
        var limits = YAMLReader.Limits()
        limits.depth = 2
        #expect(read("[[a]]", limits).problems.isEmpty)
        #expect(problem("[[[a]]]", limits) == "1:3: more than 2 levels")
    }

    @Test("a mebibyte of what libyaml is slow at takes no longer than a second")
    func quick() {
        let size = 1 << 20
        let texts = [
            String(repeating: "a,", count: 32_000), String(repeating: "a: b\n", count: 30_000),
            "a: \"" + String(repeating: "\\n", count: size / 2 - 10) + "\"",
            "a: >\n" + String(repeating: "  x\n", count: size / 4 - 10), String(repeating: "#\n", count: size / 2),
            "? " + String(repeating: "k", count: size - 10),
            "{" + String(repeating: "? a ,", count: 100_000),
        ]
        for text in texts {
            let clock = ContinuousClock()
            #expect(clock.measure { _ = read(text) } < .seconds(5), "\(text.prefix(10))")
        }
    }
}
