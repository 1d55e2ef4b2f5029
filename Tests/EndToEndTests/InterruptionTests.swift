import Foundation
import Glibc
import Testing

/// Signals and rivals at any moment of a launch.
@Suite(.serialized) struct InterruptionTests {
    static let scene = Scene("interruption")

    /// Ends at once when it is asked to, if it has come so far as to say how.
    static let patient = "trap 'exit 9' INT TERM HUP; while :; do sleep 0.02; done"

    /// The row of the documentation.
    static let rivals = "an ID that is in use"

    /// Starts `words`, sends `signal` after `delay` microseconds and again each 200 ms, and returns how it ended; nil
    /// if it did not within 15 seconds.
    private func end(_ words: [String], _ signal: Int32, after delay: UInt32) throws -> Process? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        usleep(delay)
        for _ in 0..<75 {
            kill(process.processIdentifier, signal)
            for _ in 0..<100 where process.isRunning { usleep(2000) }
            if !process.isRunning { return process }
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return nil
    }

    @Test("Ctrl-C at any moment of a launch ends a pod, and nothing is left", arguments: [SIGINT, SIGTERM])
    func pod(signal: Int32) throws {
        let words = Self.scene.perigee.command(["pod", "run", "--image", "demo-host", Self.patient])
        for delay in stride(from: UInt32(0), through: 20000, by: 2000) {
            let process = try #require(try end(words, signal, after: delay), "after \(delay) µs it did not end")
            // By the signal before it held any back; called off; killed before its trap; by its trap.
            let known: Set<Int32> =
                process.terminationReason == .uncaughtSignal ? [signal] : [125, 128 + signal, 137, 143, 9]
            #expect(known.contains(process.terminationStatus), "after \(delay) µs: \(process.terminationStatus)")
            #expect(Self.scene.leftovers() == [], "after \(delay) µs")
        }
    }

    @Test("Ctrl-C at any moment of a launch ends a bundle's container, and nothing is left")
    func bundle() throws {
        let command = try Self.scene.bundle([("process/args", ["/bin/sh", "-c", Self.patient])])
        for delay in stride(from: UInt32(0), through: 20000, by: 2000) {
            let words = Self.scene.perigee.command(command.words)
            let process = try #require(try end(words, SIGTERM, after: delay), "after \(delay) µs it did not end")
            let known: Set<Int32> = process.terminationReason == .uncaughtSignal ? [SIGTERM] : [1, 9, 143]
            #expect(known.contains(process.terminationStatus), "after \(delay) µs: \(process.terminationStatus)")
            #expect(Self.scene.leftovers() == [], "after \(delay) µs")
        }
    }

    @Test("A command that takes no notice of Ctrl-C is killed by the second one, and why is told")
    func stubborn() {
        let words = Self.scene.perigee.command(["pod", "run", "--image", "demo-host", "--", "sleep", "1000"])
        let out = Self.scene.perigee.directory + "/stubborn"
        let script = """
            \(words.joined(separator: " ")) 2>\(out) & p=$!
            until grep -qs sleep /proc/$(pgrep -P $p)/comm; do sleep 0.01; done
            kill -TERM $p; sleep 0.2; kill -TERM $p; wait $p; echo $?; cat \(out)
            """
        let outcome = Perigee.shell(script)
        #expect(
            outcome.output.hasPrefix("137\nperigee: the container did not end when it was asked to, and was killed\n"),
            "\(outcome)")
        #expect(Self.scene.leftovers() == [])
    }

    @Test("of eight containers with one ID at a time each runs alone or is refused")
    func identifiers() throws {
        let command = try Self.scene.bundle([
            ("process/args", ["/bin/sh", "-c", "mkdir /data/alone && sleep 0.2 && rmdir /data/alone"]),
            (
                "mounts",
                try Scene.mounts([
                    [
                        "destination": "/data", "type": "bind", "source": Self.scene.perigee.directory,
                        "options": ["bind"],
                    ]
                ])
            ), ("root/readonly", false),
        ])
        let words = Self.scene.perigee.command(command.words).joined(separator: " ")
        let script = "for i in 1 2 3 4 5 6 7 8; do { \(words) 2>&1; echo \"ended $?\"; } & done; wait"
        let outcome = Perigee.shell(script)
        let lines = outcome.output.split(separator: "\n").map(String.init)
        let ran = lines.filter { $0 == "ended 0" }.count
        let refused = lines.filter { $0 == "ended 1" }.count
        #expect(ran >= 1 && ran + refused == 8, "\(outcome.output)")
        let message = Self.scene.generalized(
            lines.filter { !$0.hasPrefix("ended") }.prefix(2).joined(separator: "\n"), [])
        #expect(lines.filter { $0 == "perigee: container id 'web' is in use" }.count == refused, "\(outcome.output)")
        let row = BadInputDocument.Row(input: Self.rivals, status: 1, message: message)
        try BadInputDocument.compare(row, section: "The command line, and who calls")
        #expect(Self.scene.leftovers() == [])
    }
}
