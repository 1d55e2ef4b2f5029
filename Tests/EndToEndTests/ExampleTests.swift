import Foundation
import Testing

/// The example of the task files as it is documented: an uplink of two scripts, a server and a client in Python, merged; of an
/// arm64 image. REQUIREMENTS B31 to B36, 4-10, 4-11.
@Suite(.serialized) struct ExampleTests {
    private static let scripts = ["tcp_server.py", "tcp_client.py"]

    /// A host with the image by the name that the example has for it, and a directory with the example's files.
    private func example(_ name: String) throws -> (host: TestHost, tenant: TestTenant, file: String) {
        let host = try TestHost(name)
        let loaded = host.perigee.run(["image", "load", "--name", "python:3.10", "\(Perigee.images)/python.oci.tar"])
        try #require(loaded.status == 0, "\(loaded.errors)")
        let directory = host.perigee.directory + "/example"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for script in Self.scripts {
            let source = Perigee.package.appending(path: "Tests/example/\(script)").path
            try FileManager.default.copyItem(atPath: source, toPath: "\(directory)/\(script)")
        }
        let golden = Perigee.package.appending(path: "Tests/PodsTests/Golden/tcp.yaml").path
        try FileManager.default.copyItem(atPath: golden, toPath: directory + "/tcp.yaml")
        return (host, host.tenant("client1"), directory + "/tcp.yaml")
    }

    private func run(_ tenant: TestTenant, _ file: String) throws -> (status: Int32, result: [String: Any]) {
        let outcome = tenant.run(["pod", "run", "--tenant", tenant.name, "--json", file])
        let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return (outcome.status, try #require(object, "\(outcome)"))
    }

    private func steps(_ result: [String: Any]) -> [[String: Any]] { result["steps"] as? [[String: Any]] ?? [] }

    /// What is in the tenant's volume, as `volume get` brings it.
    private func data(_ tenant: TestTenant, _ name: String) -> String {
        let place = tenant.perigee.directory + "/got-\(name)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let got = tenant.run(["volume", "get", "--tenant", tenant.name, "payload:" + name, place])
        guard got.status == 0 else { return "\(got)" }
        return String(decoding: FileManager.default.contents(atPath: "\(place)/\(name)") ?? Data(), as: UTF8.self)
    }

    @Test("The documented example runs as it stands, in one command, to status: true (B31)")
    func documented() throws {
        let (host, tenant, file) = try example("example")
        let before = try host.state()
        let (status, result) = try run(tenant, file)
        #expect(status == 0 && result["status"] as? Bool == true && result["message"] == nil, "\(result)")
        #expect(
            steps(result).map { "\($0["id"] ?? "") \($0["status"] as? Bool == true)" }
                == ["UPLINK true", "POD_RUN_TCP_SERVER true", "POD_RUN_TCP_CLIENT true"])
        // The message's backslash goes through the file and the shell as it is written (B36).
        #expect(data(tenant, "tcp.txt") == #"hello from tcp client\n"#)
        let client = data(tenant, "tcp-client-log.txt")
        #expect(client.hasPrefix("connected to client1-tcp-server at 10."), "\(client)")
        #expect(client.hasSuffix("\nanswer: received 23 bytes\n"), "\(client)")
        let server = data(tenant, "tcp-server-log.txt")
        #expect(server.hasPrefix("listening on 0.0.0.0:23456\n23 bytes from 10."), "\(server)")
        #expect(server.hasSuffix("\ndone\n"), "\(server)")
        #expect(tenant.clean() == [])
        try host.checkUnchanged(since: before)
    }

    @Test(
        "A server that never ends is cut off: its step has failed, its client's has not, and what comes after is skipped"
    )
    func endless() throws {
        let (host, tenant, file) = try example("endless")
        // The least that leaves an emulated client its time on a busy machine.
        let text = try String(contentsOfFile: file, encoding: .utf8)
            .replacing("--out /data", with: "--forever --out /data").replacing(
                "max_duration: 1", with: "max_duration: 0.25")
        let after = TestTask.pod("AFTER", "touch /data/after")
        try Data((text + "\n" + after).utf8).write(to: URL(fileURLWithPath: file))
        let (status, result) = try run(tenant, file)
        #expect(status == 1 && result["status"] as? Bool == false, "\(result)")
        let steps = steps(result)
        #expect(steps.map { $0["status"] as? Bool } == [true, false, true, false], "\(steps)")
        let message = try #require(steps[1]["message"] as? String)
        #expect(
            message.hasPrefix(
                "Sequence execution fails. (step POD_RUN_TCP_SERVER, pod client1-tcp-server: DeadlineExceeded"))
        #expect(result["message"] as? String == message)
        #expect(steps[3]["message"] as? String == "skipped: step POD_RUN_TCP_SERVER failed")
        let server = try tenant.status("tcp-server")
        #expect(
            server.phase == "Failed" && server.reason == "DeadlineExceeded" && server.exitCode == 143, "\(server.data)")
        let client = try tenant.status("tcp-client")
        #expect(client.phase == "Succeeded", "\(client.data)")
        #expect(data(tenant, "tcp.txt") == #"hello from tcp client\n"#)
        #expect(tenant.clean() == [])
        withExtendedLifetime(host) {}
    }

    @Test("With `on_timeout: success` a server that is cut off is no failure, and what comes after is begun")
    func cutOff() throws {
        let tenant = TestTenant("cut-off")
        defer { tenant.clean() }
        let server = TestTask.pod(
            "SERVER", "sleep 1000", "max_duration: 0.005\n  on_timeout: success\n  merge: true")
        let client = TestTask.pod("CLIENT", "true", "merge: true")
        let path = try TestTask.file(tenant, server + client + TestTask.pod("AFTER", "touch /data/after"))
        let (status, result) = try run(tenant, path)
        #expect(status == 0 && result["status"] as? Bool == true, "\(result)")
        #expect(steps(result).map { $0["status"] as? Bool } == [true, true, true], "\(result)")
        #expect(tenant.clean() == [])
    }
}
