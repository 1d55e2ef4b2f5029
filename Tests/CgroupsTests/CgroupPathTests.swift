import Testing

@testable import Cgroups

struct CgroupPathTests {
    @Test("no path leads out of the tree", arguments: ["", "/", "a//b", "../a", "a/./b", "a/..", "a/", "a\nb", "a\0b"])
    func refused(text: String) {
        #expect(throws: CgroupError.self) { _ = try CgroupPath(text) }
    }

    @Test("names and paths that are too long are refused")
    func long() {
        #expect(throws: CgroupError.self) { _ = try CgroupPath(String(repeating: "x", count: 256)) }
        #expect(throws: CgroupError.self) { _ = try CgroupPath(String(repeating: "x/", count: 1200) + "x") }
    }

    @Test("a leading slash is the tree's root, and the groups above come from the outermost on")
    func ancestors() throws {
        let path = try CgroupPath("/perigee/7f/web")
        #expect(path.text == "perigee/7f/web")
        #expect(path.ancestors.map(\.text) == ["perigee", "perigee/7f"])
    }
}
