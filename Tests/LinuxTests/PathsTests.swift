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
}
