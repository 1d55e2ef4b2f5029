import Foundation
import Testing

/// Task files that are wrong: all is said before anything is done.
@Suite(.serialized) struct BadTaskTests {
    static let section = "Task files"
    static let scene = Scene("tasks")

    private static let pod = """
        - id: A
          type: dphi.space.cg2.pod.run
          pod_name: a
          image: {name: python, tag: "3.10"}
          volume: payload

        """
    private static let uplink = """
        - id: U
          type: dphi.space.cg2.uplink
          source: [a.py]
          destination: /
          volume: payload

        """

    /// `pod validate` of a file in a directory of its own, which `make` writes or adds to.
    private static func validate(
        _ input: String, _ status: Int32 = 2, options: [String] = [], verb: String = "validate",
        _ make: @escaping @Sendable (Scene, String) throws -> Void
    ) -> BadInput {
        BadInput(input, status) { scene in
            let directory = scene.perigee.directory + "/task-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try make(scene, directory)
            var words = ["pod", verb, directory + "/tasks.yaml"] + options
            if verb == "bundle" { words += ["-o", directory + "/out"] }
            return .init(words: words, placeholders: [(directory + "/", "")])
        }
    }

    private static func text(_ input: String, _ text: String, options: [String] = []) -> BadInput {
        bytes(input, Data(text.utf8), options: options)
    }

    private static func bytes(_ input: String, _ data: Data, options: [String] = []) -> BadInput {
        validate(input, options: options) { _, directory in
            try data.write(to: URL(fileURLWithPath: directory + "/tasks.yaml"))
        }
    }

    /// An uplink whose source `make` puts beside the file.
    private static func source(
        _ input: String, _ source: String = "a.py", _ make: @escaping @Sendable (Scene, String) throws -> Void
    ) -> BadInput {
        validate(input) { scene, directory in
            let text = uplink.replacing("[a.py]", with: "[\(source)]")
            try Data(text.utf8).write(to: URL(fileURLWithPath: directory + "/tasks.yaml"))
            try make(scene, directory)
        }
    }

    private static func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    static let cases: [BadInput] = [
        text("an empty file", ""), text("a text that is no list of tasks", "hello"),
        text("a task alone", String(pod.dropFirst(2)).replacing("\n  ", with: "\n")),
        text("the indentation is lost", pod.replacing("  ", with: "")),
        text("a tab in the indentation", pod.replacing("  pod_name", with: "\tpod_name")),
        bytes("bytes that are no UTF-8", Data(pod.utf8) + Data([0x23, 0xff])),
        text("a key that stands twice", pod + "  pod_name: b\n"),
        text("a YAML bomb: aliases", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
        text("a YAML bomb: a million brackets", String(repeating: "[", count: 1_000_000)),
        text("a YAML bomb: 100,000 values", "[" + String(repeating: "x,", count: 100_000) + "]"),
        bytes("a file of 10 MB", Data(repeating: UInt8(ascii: "#"), count: 10_000_000)),
        validate("a task file that is not there", 4) { _, _ in },
        validate("a task file that is a directory") { _, directory in
            try FileManager.default.createDirectory(
                atPath: directory + "/tasks.yaml", withIntermediateDirectories: false)
        },
        validate("a task file that is a FIFO") { _, directory in mkfifo(directory + "/tasks.yaml", 0o600) },
        text(
            "several things at once",
            pod.replacing("payload", with: "../x") + pod.replacing("  volume", with: "  volme")),
        text("an unknown type", pod.replacing("pod.run", with: "pod.stop")),
        text("the image's tag is missing (E01)", pod.replacing(", tag: \"3.10\"", with: "")),
        text("an unknown node (E02)", pod + "  node: tpu\n"),
        text("no volume (E03)", pod.replacing("  volume: payload\n", with: "")),
        text("an image reference that is none (E04)", pod.replacing("python", with: "A B")),
        text(
            "a host port twice in a group (E10)",
            (pod + pod.replacing("A", with: "B").replacing("pod_name: a", with: "pod_name: b"))
                .replacing("payload\n", with: "payload\n  merge: true\n  ports: [{container: 80, host: 8080}]\n")),
        text(
            "a host name of 64 bytes (E12)",
            pod.replacing("pod_name: a", with: "pod_name: " + String(repeating: "p", count: 56)),
            options: ["--tenant", "client1"]),
        text("a host name in capitals (E12)", pod.replacing("pod_name: a", with: "pod_name: Hey-there")),
        text("a pod_name that climbs", pod.replacing("pod_name: a", with: "pod_name: ../a")),
        text("a pod_name twice", pod + pod.replacing("A", with: "B")),
        text("a quoted boolean", pod + "  merge: \"true\"\n"),
        text("seconds for minutes", pod + "  max_duration_seconds: 600\n"),
        text("a time of nothing", pod + "  max_duration: 0\n"), text("a port beyond 65535", pod + "  ports: [65536]\n"),
        text("a text that would write to the terminal", pod + "  node: \"\\e[2J\"\n"),
        text("a source that climbs", uplink.replacing("a.py", with: "../../etc/passwd")),
        text("a source from the root on", uplink.replacing("a.py", with: "/etc/passwd")),
        text("a destination that climbs", uplink.replacing("destination: /", with: "destination: ../../x")),
        source("a source that is not there") { _, _ in },
        source("a source that is a link to a file of the host") { scene, directory in
            try link(directory + "/a.py", to: scene.canary + "/secret")
        },
        source("a source behind a link to a directory of the host", "d/secret") { scene, directory in
            try link(directory + "/d", to: scene.canary)
        },
        source("a source that is a FIFO") { _, directory in mkfifo(directory + "/a.py", 0o600) },
        source("a source that is a device") { _, directory in mknod(directory + "/a.py", S_IFCHR | 0o600, 0x103) },
        source("a source that is a directory") { _, directory in
            try FileManager.default.createDirectory(atPath: directory + "/a.py", withIntermediateDirectories: false)
        },
        BadInput("pod validate without a file", 2, ["pod", "validate"]),
        BadInput("pod bundle without a directory", 2, ["pod", "bundle", "tasks.yaml"]),
        text("a tenant's name that is none, of a task file", pod, options: ["--tenant", "../x"]),
        validate("a bundle's directory that exists", 1, verb: "bundle") { _, directory in
            try Data(pod.utf8).write(to: URL(fileURLWithPath: directory + "/tasks.yaml"))
            try FileManager.default.createDirectory(atPath: directory + "/out", withIntermediateDirectories: false)
        },
        validate("a bundle's directory that is a link to nowhere", 1, verb: "bundle") { _, directory in
            try Data(pod.utf8).write(to: URL(fileURLWithPath: directory + "/tasks.yaml"))
            try link(directory + "/out", to: "nowhere")
        },
        validate("a bundle's directory in one that is not there", 4, options: ["-o", "/nonexistent/out"]) {
            _, directory in
            try Data(pod.utf8).write(to: URL(fileURLWithPath: directory + "/tasks.yaml"))
        }.bundle,
        validate("more to uplink than --max-size", 3, options: ["--max-size", "1k"], verb: "bundle") { _, directory in
            try Data(uplink.utf8).write(to: URL(fileURLWithPath: directory + "/tasks.yaml"))
            try Data(count: 1025).write(to: URL(fileURLWithPath: directory + "/a.py"))
        },
    ]

    @Test("a task file that is wrong is refused, with what, where and why", arguments: cases)
    func refused(_ bad: BadInput) throws { try bad.check(in: Self.scene, section: Self.section) }
}

extension BadInput {
    /// The same task file and options for `pod bundle`.
    fileprivate var bundle: BadInput {
        let make = command
        return BadInput(input, status) { scene in
            var command = try make(scene)
            command.words[1] = "bundle"
            return command
        }
    }
}
