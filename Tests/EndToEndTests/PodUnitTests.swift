import Foundation
import Testing

/// `perigee pod unit`: a task file as a service of systemd.
@Suite(.serialized) struct PodUnitTests {
    private static let task = """
        - id: A
          type: dphi.space.cg2.pod.run
          pod_name: unit
          image: {name: demo-host, tag: latest}
          volume: data
          command: sleep 1000
        """

    /// Writes the task file under a name, and prints its unit.
    private func unit(_ name: String, _ options: String...) throws -> (outcome: Perigee.Outcome, directory: String) {
        let directory = Perigee.shared.directory + "/unit-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/" + name
        try Data((Self.task + "\n").utf8).write(to: URL(fileURLWithPath: path))
        return (Perigee.shared.run(["pod", "unit", "--tenant", "unit"] + options + [path]), directory)
    }

    private func commands(_ text: String, _ name: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    @Test(
        "systemd takes it, whatever the file is called",
        arguments: ["plain.yaml", "a b%n$HOME.yaml", "q\"'\\;#.yaml", "line\n[Install].yaml", "ü\u{1}\t.yaml"])
    func verify(name: String) throws {
        let (outcome, directory) = try unit(name)
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        let path = directory + "/perigee-test.service"
        try Data(outcome.output.utf8).write(to: URL(fileURLWithPath: path))
        // Where it is not installed, the golden file of PodsTests has to do.
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze") else { return }
        let verified = Perigee.execute(["systemd-analyze", "verify", "--man=no", path])
        let own = verified.errors.split(separator: "\n").filter { $0.contains("perigee-test") }
        #expect(verified.status == 0 && own.isEmpty, "\(verified)")
    }

    @Test("Its command runs the pods; TERM to it ends them; what a killed one has left, the one behind it ends")
    func commands() throws {
        let (outcome, _) = try unit("pods.yaml")
        let start = try #require(commands(outcome.output, "ExecStart"))
        let stop = try #require(commands(outcome.output, "ExecStopPost"))
        let tenant = TestTenant("unit")
        defer { tenant.clean() }
        let wait =
            "timeout 20 \(Perigee.shared.command(["pod", "status", "--tenant", "unit", "unit"]).joined(separator: " "))"
        let ready = "until \(wait) 2>/dev/null | grep -q '\"running\"'; do sleep 0.05; done"
        let asked = Perigee.shell("\(start) >/dev/null 2>&1 & p=$!; \(ready); kill -TERM $p; wait $p; echo $?")
        #expect(asked.output == "143\n", "\(asked)")
        #expect(try tenant.status("unit").reason == "Stopped")
        let killed = Perigee.shell("\(start) >/dev/null 2>&1 & p=$!; \(ready); kill -KILL $p; wait $p; echo $?")
        #expect(killed.output == "137\n", "\(killed)")
        #expect(try tenant.status("unit").phase == "Running")
        #expect(stop.hasPrefix("-"))
        #expect(Perigee.shell(String(stop.dropFirst())).status == 0)
        #expect(try tenant.status("unit").reason == "Stopped")
        tenant.clean()
        // Nothing is there any more, and that is no error.
        #expect(Perigee.shell(String(stop.dropFirst())).status == 0)
        #expect(tenant.pod("stop", "unit").status == 4)
    }

    @Test("What is no task file, and options that are none, are refused; the rest of the command line is in the unit")
    func options() throws {
        #expect(try unit("x.yaml", "--restart", "sometimes").outcome.status == 2)
        #expect(Perigee.shared.run(["pod", "unit"]).status == 2)
        #expect(Perigee.shared.run(["pod", "unit", "/nosuch.yaml"]).status == 4)
        #expect(Perigee.shared.run(["pod", "unit", "/dev/null"]).status == 2)
        let (outcome, directory) = try unit("x.yaml", "--restart", "always", "--allow-sequential-reuse")
        #expect(outcome.output.contains("Restart=always\n"))
        let start = try #require(commands(outcome.output, "ExecStart"))
        #expect(
            start.hasSuffix(
                "--store \(Perigee.shared.store) --root \(Perigee.shared.root) pod run --tenant unit --allow-sequential-reuse "
                    + "\(directory)/x.yaml"), "\(start)")
        let path = directory + "/made.service"
        let written = Perigee.shared.run(["pod", "unit", "--tenant", "unit", "-o", path, directory + "/x.yaml"])
        #expect(written.status == 0 && written.output.isEmpty)
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains("KillMode=mixed\n"))
    }
}
