import Foundation
import Glibc
import Testing

/// Callers that close the standard streams, or give ones that take nothing.
@Suite(.serialized) struct StandardStreamTests {
    static let scene = Scene("streams")

    /// The row of the documentation.
    static let fullDisk = "the output of a verb goes to a full disk"

    private func shell(_ words: [String], _ redirections: String) -> Perigee.Outcome {
        let quoted = Self.scene.perigee.command(words).map { "'" + $0.replacing("'", with: "'\\''") + "'" }
        return Perigee.shell("exec \(quoted.joined(separator: " ")) \(redirections)")
    }

    @Test("a stream that the caller closed is /dev/null inside, and nothing of ours takes its place", arguments: 1...7)
    func closed(streams: Int) throws {
        let closing = (0...2).filter { streams >> $0 & 1 == 1 }
        let list = "for n in /proc/self/fd/*; do echo \"${n##*/} $(readlink $n)\"; done > /data/list"
        let outcome = shell(
            ["pod", "run", "--image", "demo-host", list],
            closing.map { $0 == 0 ? "0<&-" : "\($0)>&-" }.joined(separator: " "))
        #expect(outcome.status == 0, "\(outcome)")
        let path = Self.scene.perigee.store + "/volumes/default/default/list"
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        for number in closing where number != 1 {  // 1 is the list itself by now
            #expect(lines.contains("\(number) /dev/null"), "\(lines)")
        }
        let others = lines.filter { !["0", "1", "2"].contains($0.prefix { $0 != " " }) && !$0.contains("/proc/") }
        #expect(!others.contains { $0.contains(Self.scene.perigee.directory) || $0.contains("memfd") }, "\(lines)")
        #expect(Self.scene.leftovers() == [])
    }

    @Test("a file of the host's as standard input or output stays the host's")
    func owner() throws {
        var bundle = try TestBundle()
        bundle.set("process/user", ["uid": 1234, "gid": 1234])
        bundle.set("process/args", ["/bin/cat"])
        try bundle.write()
        let file = bundle.path + "/input"
        try "x\n".write(toFile: file, atomically: false, encoding: .utf8)
        let outcome = shell(["run", "-b", bundle.path, "owner-\(UUID().uuidString)"], "< \(file) > \(file).out")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(Perigee.shell("stat -c %u \(file) \(file).out; cat \(file).out").output == "0\n0\nx\n")
    }

    @Test(
        "an output that can't be written is an error",
        arguments: [["--help"], ["image", "list"], ["pod", "run", "--image", "demo-host", "--explain", "true"]])
    func full(words: [String]) throws {
        let outcome = shell(words, "> /dev/full")
        #expect(outcome.status == 1, "\(outcome)")
        let row = BadInputDocument.Row(
            input: Self.fullDisk, status: 1, message: Self.scene.generalized(outcome.errors, []))
        try BadInputDocument.compare(row, section: "The command line, and who calls")
        #expect(Self.scene.leftovers() == [])
    }

    @Test("so is that of a pod's log, of which it is no fault")
    func log() throws {
        let tenant = TestTenant("streams-log", in: Self.scene.perigee)
        defer { tenant.clean() }
        tenant.submit("p", "echo x")
        #expect(tenant.pod("wait", "p").status == 0)
        for words in [["pod", "logs", "--tenant", tenant.name, "p"], ["pod", "events", "--tenant", tenant.name]] {
            let outcome = shell(words, "> /dev/full")
            #expect(
                outcome.status == 1 && outcome.errors.hasPrefix("perigee: standard output: write(2) "), "\(outcome)")
        }
    }

    @Test("a help goes to the standard output, and what stands there for it to the standard error")
    func help() {
        for words in [["pod", "--help"], ["help", "image"], ["volume", "-h"], ["pod", "run", "--help"]] {
            let outcome = Self.scene.perigee.run(words)
            #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.hasPrefix("usage: "), "\(outcome)")
        }
        let bare = Self.scene.perigee.run(["volume"])
        #expect(bare.status == 2 && bare.output.isEmpty && bare.errors.contains("\n  volume rm "), "\(bare)")
    }

    @Test("the container's own output is its own matter, and a message that can't be written changes no exit code")
    func own() throws {
        #expect(shell(["pod", "run", "--image", "demo-host", "echo x || exit 7"], "> /dev/full").status == 7)
        #expect(shell(["pod", "run", "--image", "nosuch", "true"], "2> /dev/full").status == 125)
        #expect(shell(["run", "web"], "2>&-").status == 1)
        #expect(Self.scene.leftovers() == [])
    }

    @Test("--timeline writes to what is there, and does not replace it")
    func timeline() throws {
        let path = Self.scene.perigee.directory + "/timeline"
        symlink("timeline.text", path)
        let outcome = shell(["pod", "run", "--image", "demo-host", "--timeline=\(path)", "true"], "")
        #expect(outcome.status == 0)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "timeline.text")
        #expect(try String(contentsOfFile: path + ".text", encoding: .utf8).contains("overlay of"))
    }
}
