import Foundation
import Testing

/// `pod run FILE`: REQUIREMENTS B21, B25, B31 to B33, B39, B40, B42.
@Suite(.serialized) struct PodSequenceTests {
    private func run(_ tenant: TestTenant, _ steps: String) throws -> (
        status: Int32, result: [String: Any], told: String
    ) {
        let path = try TestTask.file(tenant, steps)
        let outcome = tenant.perigee.run(["pod", "run", "--tenant", tenant.name, "--json", path])
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return (outcome.status, try #require(object, "\(outcome)"), outcome.errors)
    }

    private func states(_ result: [String: Any]) -> [String] {
        (result["steps"] as? [[String: Any]] ?? []).map { "\($0["id"] ?? "") \($0["status"] as? Bool == true)" }
    }

    @Test("Files go up, pods come after them in the file's order, and the result says true")
    func order() throws {
        let tenant = TestTenant("order")
        defer { tenant.clean() }
        let (status, result, told) = try run(
            tenant,
            TestTask.uplink + TestTask.pod("FIRST", "cat /data/in/hello.txt > /data/a; sleep 0.2; touch /data/first")
                + TestTask.pod("SECOND", "[ -e /data/first ] && cat /data/a && hostname"))
        #expect(status == 0 && result["status"] as? Bool == true && result["message"] == nil, "\(result)")
        #expect(states(result) == ["UP true", "FIRST true", "SECOND true"])
        #expect(told.contains("step SECOND: pod order-second is Succeeded"), "\(told)")
        #expect(tenant.pod("logs", "second").output == "hello\norder-second\n")
        #expect(tenant.clean() == [])
    }

    @Test("A failure ends what comes after it, unless its task says continue")
    func failures() throws {
        let tenant = TestTenant("failing")
        defer { tenant.clean() }
        let (status, result, _) = try run(
            tenant,
            TestTask.pod("A", "exit 3", "on_failure: continue") + TestTask.pod("B", "exit 4")
                + TestTask.pod("C", "touch /data/never"))
        #expect(status == 1 && result["status"] as? Bool == false)
        #expect(states(result) == ["A false", "B false", "C false"])
        let steps = try #require(result["steps"] as? [[String: Any]])
        #expect(
            steps[1]["message"] as? String == "Sequence execution fails. (step B, pod failing-b: Error, exit code 4)")
        #expect(steps[2]["message"] as? String == "skipped: step B failed")
        #expect(!FileManager.default.fileExists(atPath: tenant.perigee.store + "/volumes/failing/v/never"))
        #expect(tenant.clean() == [])
    }

    @Test("Three that are merged run at the same time")
    func merged() throws {
        let tenant = TestTenant("merged")
        defer { tenant.clean() }
        // Each waits for the two others, or fails.
        let meet =
            "touch /data/$HOSTNAME.$(hostname); i=0; while [ $(ls /data | wc -l) -lt 3 ]; do "
            + "i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.05; done"
        let (status, result, told) = try run(
            tenant, ["A", "B", "C"].map { TestTask.pod($0, meet, "merge: true") }.joined())
        #expect(status == 0 && states(result) == ["A true", "B true", "C true"], "\(told)")
        #expect(tenant.clean() == [])
    }

    @Test("Interrupted: its pods end, and what comes after is not begun")
    func interrupted() throws {
        let tenant = TestTenant("sigint")
        defer { tenant.clean() }
        let path = try TestTask.file(
            tenant,
            TestTask.pod("A", "sleep 1000", "merge: true") + TestTask.pod("B", "sleep 1000", "merge: true")
                + TestTask.pod("C", "touch /data/never"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Perigee.binary)
        process.arguments = Array(
            tenant.perigee.command(["pod", "run", "--tenant", tenant.name, path]).dropFirst())
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for name in ["a", "b"] {
            #expect(eventually { tenant.pod("status", name).status == 0 })
            try tenant.await(name) { $0.phase == "Running" }
        }
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
        for name in ["a", "b"] {
            let status = try tenant.status(name)
            #expect(status.phase == "Failed" && status.reason == "Stopped" && status.exitCode == 143, "\(status.data)")
        }
        #expect(!FileManager.default.fileExists(atPath: tenant.perigee.store + "/volumes/sigint/v/never"))
        #expect(tenant.clean() == [])
    }

    @Test("A pod that somebody removes has failed, and the sequence goes on to tell so")
    func removed() throws {
        let tenant = TestTenant("taken")
        defer { tenant.clean() }
        let path = try TestTask.file(tenant, TestTask.pod("A", "sleep 1000"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Perigee.binary)
        process.arguments = Array(tenant.perigee.command(["pod", "run", "--tenant", "taken", path]).dropFirst())
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        #expect(eventually { tenant.pod("status", "a").status == 0 })
        try tenant.await("a") { $0.phase == "Running" }
        #expect(tenant.pod("rm", "--force", "a").status == 0)
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
    }

    @Test("Interrupted while a file goes up: that ends, the volume has no part of it, and no pod is touched")
    func interruptedUplink() throws {
        let tenant = TestTenant(
            "sigup", configuration: try configuration("large", #"{"defaults": {"transfer_size": "1t"}}"#))
        defer { tenant.clean() }
        tenant.submit("live", "sleep 1000")
        try tenant.await("live") { $0.phase == "Running" }
        let path = try TestTask.file(tenant, TestTask.uplink + TestTask.pod("A", "true"))
        // Sparse: it takes a while to read and none to make.
        let source = URL(fileURLWithPath: path).deletingLastPathComponent().path + "/hello.txt"
        #expect(truncate(source, 1 << 36) == 0)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Perigee.binary)
        let options = ["--config-file", tenant.configuration ?? ""]
        process.arguments = Array(
            tenant.perigee.command(options + ["pod", "run", "--tenant", tenant.name, path]).dropFirst())
        let (output, errors) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (output, errors)
        try process.run()
        let begun = try errors.fileHandleForReading.read(upToCount: 8)
        #expect(begun == Data("perigee:".utf8))
        Thread.sleep(forTimeInterval: 0.2)
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
        let told = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(told.contains("interrupted") && told.contains("skipped: interrupted"), "\(told)")
        #expect(try tenant.status("live").phase == "Running")
        #expect(Perigee.shell("find \(tenant.perigee.store)/volumes/sigup/v -type f").output.isEmpty)
        #expect(tenant.clean() == [])
    }

    @Test("A step whose image is not there has failed at once; one that is refused is a failed step like others")
    func refused() throws {
        let tenant = TestTenant(
            "refused",
            configuration: try configuration("parallel", #"{"defaults": {"mode": "parallel", "max_pods": 1}}"#))
        defer { tenant.clean() }
        let missing = TestTask.pod("A", "true", "on_failure: continue").replacing("demo-host", with: "not-there")
        let (status, result, _) = try run(tenant, missing + TestTask.uplink)
        #expect(status == 1 && states(result) == ["A false", "UP true"], "\(result)")
        let message = (result["steps"] as? [[String: Any]])?.first?["message"] as? String ?? ""
        #expect(message.contains("step A, pod refused-a: ErrImageNeverPull"), "\(message)")
        tenant.submit("live", "sleep 1000")
        try tenant.await("live") { $0.phase == "Running" }
        let file = try TestTask.file(tenant, TestTask.pod("B", "true", "on_failure: continue") + TestTask.uplink)
        let outcome = tenant.run(["pod", "run", "--tenant", tenant.name, "--json", file])
        let second = try #require(
            JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome)")
        #expect(outcome.status == 3 && states(second) == ["B false", "UP true"], "\(outcome)")
        #expect(outcome.output.contains("Maximum pods reached (1/1)"))
        #expect(tenant.clean() == [])
    }

    private func configuration(_ name: String, _ text: String) throws -> String {
        let path = Perigee.shared.directory + "/sequence-\(name).json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}
