import Testing

@testable import Pods

struct PathPatternTests {
    @Test(
        "patterns as glob(7) has them",
        arguments: [
            ("*", "a", true), ("*", "", true), ("*", ".a", false), (".*", ".a", true), ("?", ".", false),
            ("a*c", "abbc", true), ("a*c", "abcd", false), ("*.txt", "x.txt", true), ("*.txt", ".txt", false),
            ("a?c", "abc", true), ("a?c", "ac", false), ("[a-c]x", "bx", true), ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true), ("[!a-c]x", "ax", false), ("[]]", "]", true), ("[a", "[a", true),
            ("\\*", "*", true), ("\\*", "a", false), ("*a*b*c*", "xxaxxbxxcxx", true), ("a", "b", false),
            ("[-a]", "-", true), ("[a-]", "-", true), ("ä?", "äx", true),
        ])
    func matches(pattern: String, name: String, fits: Bool) {
        #expect(NamePattern(Array(pattern.utf8)[...]).matches(Array(name.utf8)) == fits)
    }

    @Test("a pattern that would take for ever, if each star were tried from the beginning", .timeLimit(.minutes(1)))
    func stars() {
        let pattern = String(repeating: "a*", count: 2000) + "b"
        #expect(!NamePattern(Array(pattern.utf8)[...]).matches(Array(repeating: UInt8(ascii: "a"), count: 255)))
    }

    @Test("paths in a volume", arguments: [("", 0), ("/", 0), ("a//b/./c/", 3), ("/a", 1)])
    func paths(text: String, count: Int) throws { #expect(try VolumePath.parts(text).count == count) }

    @Test("paths that lead out", arguments: ["..", "a/../..", "../x", "a/..", "a\0b"])
    func out(text: String) { #expect(throws: PodsError.self) { try VolumePath.parts(text) } }

    @Test(
        "links that can't lead out of the tree that they are in",
        arguments: [
            ("a", 0, true), ("a/b", 0, true), ("../a", 1, true), ("./../a", 1, true), ("../a", 0, false),
            ("../../a", 1, false), ("/etc/passwd", 3, false), ("a/../b", 2, false), ("", 0, false), (".", 0, true),
            ("a/..", 5, false), ("..", 1, true), ("..", 0, false),
        ])
    func links(text: String, depth: Int, stays: Bool) {
        #expect(LinkText.staysInside(text, depth: depth) == stays)
    }
}
