import Glibc
import Testing

@testable import Linux

struct PathsTests {
    /// A directory of the test's own, removed when the test ends.
    struct Scratch: ~Copyable {
        let path: String
        let directory: OwnedDescriptor

        init() throws {
            path = "/tmp/perigee-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            try Descriptor.workingDirectory.makeDirectory(path, mode: 0o700)
            directory = try Descriptor.workingDirectory.open(path, O_RDONLY | O_DIRECTORY)
        }

        deinit { try? Descriptor.workingDirectory.removeTree(path) }
    }

    @Test("a path resolved in a root stays in it, whatever its links say")
    func resolution() throws {
        let scratch = try Scratch()
        let root = scratch.directory.view
        try root.makeDirectory("etc", mode: 0o755)
        try root.replaceFile("etc/passwd", with: Array("inside".utf8))
        try root.makeSymlink("up", to: "../../../../../../etc/passwd")
        try root.makeSymlink("absolute", to: "/etc/passwd")
        for path in ["up", "absolute", "/../../etc/passwd"] {
            let file = try root.openInRoot(path, O_RDONLY)
            #expect(try file.view.readAll(limit: 100) == Array("inside".utf8))
        }
    }

    @Test("a link is not followed by open, and a FIFO is not waited for")
    func refusals() throws {
        let scratch = try Scratch()
        let root = scratch.directory.view
        try root.makeSymlink("link", to: "/etc/passwd")
        try root.makeNode("fifo", mode: S_IFIFO | 0o600, device: 0)
        #expect(throws: SystemError("openat", "link", .ELOOP)) { _ = try root.readFile("link", limit: 10) }
        #expect(throws: SystemError.self) { _ = try root.readFile("fifo", limit: 10) }
    }

    @Test("a file longer than the limit is refused, not cut")
    func limit() throws {
        let scratch = try Scratch()
        try scratch.directory.view.replaceFile("big", with: [UInt8](repeating: 7, count: 101))
        #expect(try scratch.directory.view.readFile("big", limit: 101).count == 101)
        #expect(throws: SystemError.self) { _ = try scratch.directory.view.readFile("big", limit: 100) }
    }

    @Test("a tree goes with its odd names, and what its links point to stays")
    func removal() throws {
        let scratch = try Scratch()
        let root = scratch.directory.view
        try root.makeDirectories("tree/a/b", mode: 0o700)
        try root.replaceFile("kept", with: [1])
        try root.makeSymlink("tree/a/link", to: "../../kept")
        let odd: [CChar] = [116, 114, 101, 101, 47, -1, -2, 0]
        try root.makeDirectory(odd, mode: 0o700)
        try root.removeTree("tree")
        #expect(try !root.exists("tree"))
        #expect(try root.exists("kept"))
    }

    /// Makes directories in each other, `depth` of them, and returns the deepest.
    private func nest(_ name: [CChar], depth: Int, in directory: Descriptor) throws -> OwnedDescriptor {
        var here = try directory.open(".", O_RDONLY | O_DIRECTORY)
        for _ in 0..<depth {
            try here.view.makeDirectory(name, mode: 0o700)
            here = try here.view.open(name, O_RDONLY | O_DIRECTORY)
        }
        return here
    }

    @Test("a tree goes that is deeper than a process usually has descriptors, or bytes for a path")
    func deepRemoval() throws {
        let scratch = try Scratch()
        let root = scratch.directory.view
        try root.makeDirectory("kept", mode: 0o700)
        try root.replaceFile("kept/file", with: [1])
        try root.makeDirectory("tree", mode: 0o700)
        let tree = try root.open("tree", O_RDONLY | O_DIRECTORY)
        // Not UTF-8. Two branches from a level that is closed while the first is emptied, and more from the way down.
        let odd: [CChar] = [-1, -2, 10, 0]
        let middle = try nest(odd, depth: 100, in: tree.view)
        let deepest = try nest(odd, depth: 4_000, in: middle.view)
        let other = try nest([98, 0], depth: 40, in: middle.view)
        _ = try nest([99, 0], depth: 3, in: deepest.view)
        for directory in [tree.view, middle.view, deepest.view, other.view] {
            try directory.makeSymlink("relative", to: "../kept")
            try directory.makeSymlink("absolute", to: "\(scratch.path)/kept")
            try directory.makeNode("fifo", mode: S_IFIFO, device: 0)
            try directory.replaceFile("file", with: [1])
        }
        try root.removeTree("tree")
        #expect(try !root.exists("tree"))
        #expect(try root.exists("kept/file"))
    }

    @Test("a link that is itself removed does not take what it points to, and what is not there is no error")
    func linkRemoval() throws {
        let scratch = try Scratch()
        let root = scratch.directory.view
        try root.makeDirectories("kept/inner", mode: 0o700)
        try root.makeSymlink("link", to: "kept")
        try root.removeTree("link")
        try root.removeTree("link")
        #expect(try !root.exists("link"))
        #expect(try root.exists("kept/inner"))
    }

    @Test("directories that nobody may enter go too", .enabled(if: geteuid() == 0))
    func closedRemoval() throws {
        let scratch = try Scratch()
        let root = scratch.directory.view
        try root.makeDirectories("tree/closed/inner", mode: 0o700)
        for path in ["tree/closed/inner", "tree/closed"] {
            let directory = try root.open(path, O_RDONLY | O_DIRECTORY)
            try directory.view.setMode(0)
        }
        try root.removeTree("tree")
        #expect(try !root.exists("tree"))
    }

    @Test("a directory that is moved out while its inside is removed does not lead out of the tree")
    func movedRemoval() async throws {
        let scratch = try Scratch()
        let root = scratch.directory.view
        try root.makeDirectories("outside/a", mode: 0o700)
        try root.replaceFile("outside/a/file", with: [1])
        try root.makeDirectories("tree/a", mode: 0o700)
        let inner = try root.open("tree/a", O_RDONLY | O_DIRECTORY)
        _ = try nest([97, 0], depth: 1_000, in: inner.view)
        let mover = Task.detached {
            // Whichever of the two it meets: the removal may be done with it already.
            for _ in 0..<2_000 {
                try? root.rename("tree/a/a", to: "outside/moved", in: root)
                try? root.rename("outside/moved", to: "tree/a/a", in: root)
            }
        }
        do throws(SystemError) { try root.removeTree("tree") } catch { #expect(error.code == .ENOTEMPTY) }
        await mover.value
        try root.removeTree("tree")
        #expect(try root.exists("outside/a/file"))
    }

    @Test(
        "A path is plain that can be written in one way",
        arguments: [
            ("/run/perigee", true), ("/a", true), ("/a./.b/...", true), ("/", false), ("", false), ("run", false),
            ("/a/", false), ("//a", false), ("/a//b", false), ("/./a", false), ("/a/..", false), ("/a/../b", false),
            ("/a/.", false),
        ])
    func plain(path: String, isPlain: Bool) {
        #expect(AbsolutePath.isPlain(path) == isPlain)
    }
}
