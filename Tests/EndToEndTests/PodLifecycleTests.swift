import Foundation
import Testing

/// A pod from its acceptance to its end: REQUIREMENTS A19 to A26, B14, B28, and the exit codes.
@Suite(.serialized) struct PodLifecycleTests {
    @Test("A submission is accepted before anything runs, and succeeds where the image is missing (A19, A20, A23, A24)")
    func missingImage() throws {
        let tenant = TestTenant("missing")
        defer { tenant.clean() }
        let outcome = tenant.submit("late", image: "nosuch-late:1", "echo here")
        #expect(outcome.status == 0 && outcome.output == "missing-late\n", "\(outcome)")
        try tenant.await("late") { $0.reason == "ErrImageNeverPull" }
        let status = try tenant.status("late")
        #expect(status.phase == "Pending")
        let text = "Container image \"nosuch-late:1\" is not present with pull policy of Never"
        #expect(status.state.keys.sorted() == ["waiting"])
        #expect(status.state["waiting"]?["reason"] as? String == "ErrImageNeverPull")
        #expect(status.state["waiting"]?["message"] as? String == text)
        let conditions = status.data["conditions"] as? [[String: String]]
        #expect(conditions == [["type": "PodScheduled", "status": "True"]])
        // The image comes, and with it the pod's turn.
        let loaded = tenant.perigee.run(
            ["image", "load", "--name", "nosuch-late:1", "\(Perigee.images)/demo-host.oci.tar"])
        #expect(loaded.status == 0, "\(loaded.errors)")
        #expect(tenant.pod("wait", "late").status == 0)
        #expect(tenant.pod("logs", "late").output == "here\n")
        #expect(tenant.clean() == [])
        #expect(tenant.perigee.run(["image", "remove", "nosuch-late:1"]).status == 0)
    }

    @Test("The status has the shape of Kubernetes' ContainerState while it runs and when it has ended (A21, A22)")
    func shapes() throws {
        let tenant = TestTenant("shapes")
        defer { tenant.clean() }
        tenant.submit("one", "sleep 1000")
        try tenant.await("one") { $0.phase == "Running" }
        let running = try tenant.status("one")
        #expect(running.state.keys.sorted() == ["running"])
        let started = try #require(running.state["running"]?["startedAt"] as? String)
        #expect(running.data["hostname"] as? String == "shapes-one" && running.data["tenant"] as? String == "shapes")
        #expect(tenant.pod("stop", "one").status == 0)
        let ended = try tenant.status("one")
        #expect(ended.phase == "Failed" && ended.reason == "Stopped")
        let terminated = try #require(ended.state["terminated"])
        #expect(ended.state.count == 1 && terminated["exitCode"] as? Int == 143 && terminated["signal"] as? Int == 15)
        #expect(terminated["startedAt"] as? String == started)
        let finished = try #require(terminated["finishedAt"] as? String)
        #expect(finished > started && terminated["reason"] as? String == "Error")
    }

    @Test("However short a command is, it has begun before it ended")
    func order() throws {
        let tenant = TestTenant("order")
        defer { tenant.clean() }
        for _ in 1...20 {
            tenant.submit("o", "exit 3")
            #expect(tenant.pod("wait", "o").status == 3)
            let end = try #require(try tenant.status("o").state["terminated"])
            let started = try #require(end["startedAt"] as? String)
            let finished = try #require(end["finishedAt"] as? String)
            #expect(started <= finished)
        }
    }

    /// A command, what it ends with, and what the pod's status then is.
    static let ends: [(String, Int32, String, String)] = [
        ("exit 0", 0, "Succeeded", "Completed"), ("exit 3", 3, "Failed", "Error"),
        ("kill -KILL $$", 137, "Failed", "Error"), ("kill -USR1 $$", 138, "Failed", "Error"),
        ("exec /nosuch", 127, "Failed", "Error"), ("exec /etc", 126, "Failed", "Error"),
    ]

    @Test("`pod wait` ends as the command did", arguments: 0..<6)
    func code(i: Int) throws {
        let (command, code, phase, reason) = Self.ends[i]
        let tenant = TestTenant("ends\(i)")
        defer { tenant.clean() }
        tenant.submit("e", command)
        #expect(tenant.pod("wait", "e").status == code)
        let status = try tenant.status("e")
        #expect(status.phase == phase && status.reason == reason && status.exitCode == Int(code), "\(status.data)")
    }

    @Test("A command that can't be executed: StartError, 127 and 126")
    func notExecutable() throws {
        let tenant = TestTenant("noexec")
        defer { tenant.clean() }
        for (word, code) in [("/nosuch", 127), ("/etc", 126)] {
            let submitted = tenant.perigee.run(
                ["pod", "run", "--image", "demo-host", "-d", "--tenant", tenant.name, "--name", "x", "--", word])
            #expect(submitted.status == 0)
            #expect(tenant.pod("wait", "x").status == Int32(code))
            let status = try tenant.status("x")
            #expect(status.phase == "Failed" && status.reason == "StartError" && status.exitCode == code)
            #expect(status.message.contains(word), "\(status.message)")
        }
        #expect(tenant.clean() == [])
    }

    @Test("Too much memory: OOMKilled, 137")
    func outOfMemory() throws {
        let tenant = TestTenant("oom")
        defer { tenant.clean() }
        tenant.submit("hog", "--memory", "16m", "exec tail /dev/zero")
        #expect(tenant.pod("wait", "hog").status == 137)
        let status = try tenant.status("hog")
        #expect(status.phase == "Failed" && status.reason == "OOMKilled", "\(status.data)")
        #expect(status.state["terminated"]?["reason"] as? String == "OOMKilled")
        #expect(status.message.hasPrefix("memory limit 16777216 bytes reached (oom_kill "))
    }

    // MARK: stopping

    @Test("`pod stop` ends what a shell has started at once, twice is no error, and `pod rm` waits for it")
    func stop() throws {
        let tenant = TestTenant("stopped")
        defer { tenant.clean() }
        tenant.submit("s", "sleep 1000; echo not here")
        try tenant.await("s") { $0.phase == "Running" }
        let live = tenant.pod("rm", "s")
        #expect(live.status == 3 && live.errors.hasPrefix("perigee: pod 's' is still there\n"), "\(live.errors)")
        let start = Date()
        #expect(tenant.pod("stop", "s").status == 0)
        #expect(Date().timeIntervalSince(start) < 9, "less than the grace")
        #expect(tenant.pod("stop", "s").status == 0)
        #expect(tenant.pod("wait", "s").status == 143)
        #expect(tenant.pod("logs", "s").output.isEmpty)
        #expect(tenant.pod("rm", "s").status == 0)
        #expect(tenant.pod("status", "s").output.contains("\"error\": \"POD_NOT_FOUND\""))
        for verb in ["rm", "stop", "wait", "status", "logs"] {
            let none = tenant.pod(verb, "s")
            #expect(none.status == 4 && none.errors.hasPrefix("perigee: "), "\(verb): \(none)")
        }
        #expect(tenant.leftovers() == [])
    }

    @Test("One that does not heed its signal is killed after the grace, or when somebody can't wait")
    func deaf() throws {
        let tenant = TestTenant("deaf")
        defer { tenant.clean() }
        tenant.submit("d", "trap '' TERM; echo up; while :; do sleep 1; done")
        #expect(tenant.awaitOutput("d", "up\n"))
        let start = Date()
        #expect(tenant.pod("stop", "--time", "500ms", "d").status == 0)
        #expect((0.5...9).contains(Date().timeIntervalSince(start)))
        let status = try tenant.status("d")
        #expect(status.exitCode == 137 && status.reason == "Stopped", "\(status.data)")
        tenant.submit("d", "trap '' TERM; echo up; while :; do sleep 1; done")
        #expect(tenant.awaitOutput("d", "up\n"))
        // Somebody waits for the end of a long grace, and somebody else ends that.
        let patient = Process()
        patient.executableURL = URL(fileURLWithPath: Perigee.binary)
        patient.arguments = Array(tenant.perigee.command(["pod", "stop", "--tenant", tenant.name, "d"]).dropFirst())
        try patient.run()
        Thread.sleep(forTimeInterval: 0.3)
        #expect(patient.isRunning)
        let again = Date()
        #expect(tenant.pod("rm", "--force", "d").status == 0)
        #expect(Date().timeIntervalSince(again) < 8)
        patient.waitUntilExit()
        #expect(tenant.leftovers() == [])
    }

    // MARK: deadlines

    @Test("At its deadline a command may still write down what it has (B14, B28)")
    func deadline() throws {
        let tenant = TestTenant("deadline")
        defer { tenant.clean() }
        tenant.submit(
            "t", "--timeout", "1s", "trap 'echo saved > /data/state; exit 0' TERM; while :; do sleep 0.1; done")
        let start = Date()
        #expect(tenant.pod("wait", "t").status == 124)
        #expect((0.8...9).contains(Date().timeIntervalSince(start)))
        let status = try tenant.status("t")
        #expect(status.phase == "Failed" && status.reason == "DeadlineExceeded" && status.exitCode == 0)
        #expect(
            status.message == "Pod was active on the node longer than the specified deadline (max_duration 1 s)"
                + "; exit code 0")
        let saved = tenant.perigee.pod("--tenant", tenant.name, "cat /data/state")
        #expect(saved.output == "saved\n", "\(saved)")
        #expect(tenant.clean() == [])
    }

    @Test("One that prints without end is stopped like any other, and at its deadline")
    func flood() throws {
        let tenant = TestTenant("flood")
        defer { tenant.clean() }
        tenant.submit("y", "--timeout", "500ms", "yes")
        let start = Date()
        #expect(tenant.pod("wait", "y").status == 124)
        #expect(Date().timeIntervalSince(start) < 9)
        tenant.submit("y", "yes")
        try tenant.await("y") { $0.phase == "Running" }
        let stopping = Date()
        #expect(tenant.pod("stop", "y").status == 0)
        #expect(Date().timeIntervalSince(stopping) < 9)
        // Two files of eight mebibytes are kept.
        let size = Perigee.shell("du -sm \(tenant.perigee.store)/pods/*/flood-y-* | cut -f1").output
        #expect((Int(size.dropLast()) ?? 99) <= 18, "\(size) MiB")
    }

    @Test("One that waits for its image sleeps, whatever else comes into the store; and a running one's image stays")
    func images() throws {
        let tenant = TestTenant("images")
        defer { tenant.clean() }
        tenant.submit("w", image: "not-there", "true")
        try tenant.await("w") { $0.reason == "ErrImageNeverPull" }
        let other = tenant.perigee.store + "/images/other.new"
        #expect(FileManager.default.createFile(atPath: other, contents: nil))
        try FileManager.default.removeItem(atPath: other)
        Thread.sleep(forTimeInterval: 0.5)
        let process = try #require(tenant.supervisor(of: "w"))
        // Fields 14 and 15 of proc_pid_stat(5): hundredths of a second.
        let ticks = Perigee.shell("cut -d ' ' -f 14,15 /proc/\(process)/stat").output.split { $0 == " " || $0 == "\n" }
        #expect(ticks.compactMap { Int($0) }.reduce(0, +) < 20, "\(ticks)")
        tenant.submit("r", "exec sleep 1000")
        try tenant.await("r") { $0.phase == "Running" }
        let removal = tenant.perigee.run(["image", "remove", "demo-host"])
        #expect(removal.status == 3, "\(removal)")
    }

    @Test("`pod inspect` shows a Pod of Kubernetes' with one container, and all that is kept (A01)") func inspect()
        throws
    {
        let tenant = TestTenant("shape")
        defer { tenant.clean() }
        tenant.submit("i", "--env", "A=$(B)", "--memory", "64m", "--timeout", "90s", "echo $HOSTNAME; exit 4")
        #expect(tenant.pod("wait", "i").status == 4)
        let text = tenant.pod("inspect", "i").output
        let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
        #expect(object["apiVersion"] as? String == "v1" && object["kind"] as? String == "Pod")
        let metadata = object["metadata"] as? [String: Any], spec = try #require(object["spec"] as? [String: Any])
        #expect(metadata?["name"] as? String == "shape-i" && metadata?["namespace"] as? String == "shape")
        #expect(spec["activeDeadlineSeconds"] as? Int == 90 && spec["hostname"] as? String == "shape-i")
        let containers = spec["containers"] as? [[String: Any]]
        #expect(containers?.count == 1)
        #expect(containers?.first?["command"] as? [String] == ["/bin/sh", "-c", "echo $HOSTNAME; exit 4"])
        #expect(containers?.first?["env"] as? [[String: String]] == [["name": "A", "value": "$$(B)"]])
        let status = object["status"] as? [String: Any]
        #expect(status?["phase"] as? String == "Failed")
        let states = (status?["containerStatuses"] as? [[String: Any]])?.map { $0["state"] as? [String: [String: Any]] }
        #expect(states?.count == 1 && states?.first??["terminated"]?["exitCode"] as? Int == 4)
        let kept = object["record"] as? [String: [String: Any]]
        #expect(kept?["pod"]?["id"] as? String == metadata?["uid"] as? String)
        #expect(tenant.clean() == [])
    }
}
