import Foundation
import Testing

/// `pod validate` and `pod bundle` of task files that are right.
@Suite(.serialized) struct PodBundleTests {
    private let directory: String
    private var file: String { directory + "/tcp.yaml" }

    init() throws {
        directory = Perigee.shared.directory + "/bundle-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let golden = Perigee.package.appending(path: "Tests/PodsTests/Golden/tcp.yaml").path
        try FileManager.default.copyItem(atPath: golden, toPath: file)
        for name in ["tcp_server.py", "tcp_client.py"] { try write("print('\(name)')\n", name) }
    }

    private func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory + "/" + name))
    }

    private func bundle(_ options: String..., to output: String = "out") -> Perigee.Outcome {
        Perigee.shared.run(["pod", "bundle", file, "-o", directory + "/" + output, "--tenant", "client1"] + options)
    }

    /// The names in the directory besides those of the task file and its sources.
    private func made() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).filter { !$0.hasPrefix("tcp") && $0 != "big" }
            .sorted()
    }

    private func hash(_ path: String) -> String {
        Perigee.shell(
            "cd \(directory)/\(path) && find . -type f | sort | xargs sha256sum; find . -printf '%P %y\\n' | sort"
        )
        .output
    }

    @Test("validate shows the steps")
    func validate() throws {
        let outcome = Perigee.execute(
            [Perigee.binary, "pod", "validate", "--tenant", "client1", "tcp.yaml"], in: directory)
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        #expect(
            outcome.output == """
                tcp.yaml: valid for tenant client1
                STEP                TYPE     WHAT                  GROUP               TIMEOUT  ON FAILURE
                UPLINK              uplink   2 files to payload:/  -                   -        stop
                POD_RUN_TCP_SERVER  pod_run  client1-tcp-server    POD_RUN_TCP_SERVER  360 s    stop
                POD_RUN_TCP_CLIENT  pod_run  client1-tcp-client    POD_RUN_TCP_SERVER  420 s    stop

                """)
    }

    @Test("a destination's name can do nothing to a terminal")
    func terminal() throws {
        #expect(Perigee.shell("sed -i 's/destination: .*/destination: \"\\\\e[31m\"/' \(file)").status == 0)
        let outcome = Perigee.shared.run(["pod", "validate", file])
        #expect(outcome.output.contains("payload:/\\u{1b}[31m"), "\(outcome.output)\(outcome.errors)")
    }

    @Test("validate --json, of a file that is right and of one that is not")
    func json() throws {
        func object(_ outcome: Perigee.Outcome) throws -> [String: Any] {
            #expect(outcome.errors.isEmpty)
            return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        }
        let right = try object(Perigee.shared.run(["pod", "validate", "--json", file]))
        #expect(right["valid"] as? Bool == true && right["tenant"] as? String == "default")
        #expect((right["steps"] as? [[String: Any]])?.count == 3)
        try write("- id: A\n  type: dphi.space.cg2.uplink\n  merge: true\n", "tcp-bad.yaml")
        let outcome = Perigee.shared.run(["pod", "validate", "--json", directory + "/tcp-bad.yaml"])
        #expect(outcome.status == 2)
        let wrong = try object(outcome)
        #expect(wrong["valid"] as? Bool == false)
        let problems = try #require(wrong["problems"] as? [[String: Any]])
        #expect(problems.count == 3 && problems[0]["line"] as? Int == 1 && problems[0]["column"] as? Int == 3)
        #expect((wrong["warnings"] as? [[String: Any]])?.count == 1)
    }

    @Test("validate needs no root, no store, and nothing that an operation needs")
    func anyone() throws {
        let words = [
            Perigee.binary, "--store", "/nonexistent", "--root", "/nonexistent", "pod", "validate", "tcp.yaml",
        ]
        let outcome = Perigee.execute(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + words, in: directory)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test("a bundle is what the golden file of the same operation says, and the sources")
    func content() throws {
        #expect(Perigee.shell("chmod +x \(directory)/tcp_client.py").status == 0)
        let outcome = bundle()
        #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome.errors)")
        func text(_ path: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: directory + "/out/" + path)), as: UTF8.self)
        }
        let paths = ["sequence.json", "manifests/POD_RUN_TCP_SERVER.yaml"]
        let made = try paths.map { "==> \($0)\n" + (try text($0)) }.joined()
        let golden = Perigee.package.appending(path: "Tests/PodsTests/Golden/tcp.bundle")
        #expect(String(decoding: try Data(contentsOf: golden), as: UTF8.self).hasPrefix(made))
        #expect(try text("files/UPLINK/tcp_server.py") == "print('tcp_server.py')\n")
        #expect(
            Perigee.shell("cd \(directory)/out && find . -type f -printf '%P %m\\n' | sort").output == """
                files/UPLINK/tcp_client.py 755
                files/UPLINK/tcp_server.py 644
                manifests/POD_RUN_TCP_SERVER.yaml 644
                sequence.json 644

                """)
        #expect(bundle(to: "again").status == 0)
        #expect(hash("out") == hash("again"))
        #expect(try self.made() == ["again", "out"])
    }

    @Test("the directory may be named in other ways")
    func names() throws {
        for output in ["plain", "slash/", "./dot", "one//two"] {
            try? FileManager.default.createDirectory(atPath: directory + "/one", withIntermediateDirectories: true)
            #expect(bundle(to: output).status == 0, "\(output)")
        }
        for output in [".", "..", "plain", "plain/"] {
            let outcome = bundle(to: output)
            #expect(outcome.status == 1 && outcome.errors.contains("it exists already"), "\(output): \(outcome.errors)")
        }
    }

    @Test("a full disk leaves nothing")
    func fullDisk() throws {
        try write(String(repeating: "x", count: 200_000), "tcp_server.py")
        let mounted = directory + "/small"
        try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: true)
        let script = """
            mount -t tmpfs -o size=64k none \(mounted) && cd \(mounted) || exit 99
            \(Perigee.binary) pod bundle \(file) -o out; status=$?
            ls -A; exit $status
            """
        let outcome = Perigee.execute(["unshare", "-m", "/bin/sh", "-c", script])
        #expect(outcome.status == 1 && outcome.output.isEmpty, "\(outcome.output)")
        #expect(
            outcome.errors.contains("bundle out: write(2)") && outcome.errors.contains("ENOSPC"), "\(outcome.errors)")
    }

    @Test("Ctrl-C leaves nothing", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        try bigSource()
        let process = try start()
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationStatus == 128 + signal)
        #expect(try made() == [])
    }

    @Test("what a killed bundle has left is removed by the next; while one is made another is refused")
    func killed() throws {
        try bigSource()
        let process = try start()
        let rival = bundle()
        #expect(rival.status == 3 && rival.errors.contains("another command is making it"), "\(rival.errors)")
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(try made() == [".out.perigee-bundle"])
        try write("small\n", "big")
        #expect(bundle().status == 0)
        #expect(try made() == ["out"])
    }

    /// A source that takes a while to copy, and no disk.
    private func bigSource() throws {
        #expect(
            Perigee.shell("truncate -s 1900M \(directory)/big && sed -i 's/tcp_server.py$/big/' \(file)").status == 0)
    }

    /// Begins a bundle, and returns when it has begun to write.
    private func start() throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Perigee.binary)
        process.arguments = ["pod", "bundle", file, "-o", directory + "/out"]
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<5000
        where !FileManager.default.fileExists(atPath: directory + "/.out.perigee-bundle/files/UPLINK/big") {
            usleep(1000)
        }
        return process
    }
}
