import Foundation
import Testing

/// The end of a container, whatever state it is in: REQUIREMENTS C03, C04, C09, C14, C16, C20.
@Suite(.serialized) struct ContainerRetireTests {
    private func processes(_ words: String) -> String {
        Perigee.shell("pgrep -f '^\(words)$' | wc -l").output
    }

    @Test("After retire nothing of it is there, whatever it has begun; the name can be used at once")
    func gone() throws {
        let projects = try TestProjects("gone")
        defer { projects.clean() }
        let script = """
            trap "" TERM HUP; (setsid sh -c 'trap "" TERM; exec sleep 7351241' &); sleep 7351242 & sleep 0.3; kill -STOP $!
            sleep 7351243
            """
        #expect(projects.deploy("w", "--", "sh", "-c", script).status == 0)
        let all = (1...3).map { "sleep 735124\($0)" }
        #expect(eventually { all.map(processes) == ["1\n", "1\n", "1\n"] })
        let start = Date()
        #expect(projects.container("retire", "-t", "1", "w").output == "w: retired\n")
        #expect(Date().timeIntervalSince(start) < 30)
        #expect(all.map(processes) == ["0\n", "0\n", "0\n"])
        #expect(projects.tenant.leftovers() == [])
        let second = projects.container("retire", "w")
        #expect(second.status == 4)
        #expect(second.errors == "perigee: no such container: w\n  hint: see `perigee container list --all`\n")
        #expect(projects.deploy("w").status == 0)
    }

    /// A container that something is wrong with, and how that comes about.
    struct Broken: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var options: [String] = []
        var command = "sleep 1000"
        var harm: @Sendable (TestProjects) throws -> Void = { _ in }
    }

    static let broken: [Broken] = [
        Broken(testDescription: "ignores TERM", command: "trap '' TERM; echo up; while :; do sleep 1; done"),
        Broken(testDescription: "hung: stopped by a signal", command: "kill -STOP $$"),
        Broken(testDescription: "frozen") { #expect($0.container("pause", "b").status == 0) },
        Broken(
            testDescription: "out of memory", options: ["--memory", "16m"],
            command: "x=$(head -c 64000000 /dev/zero | tr '\\0' a); sleep 1000"),
        Broken(
            testDescription: "a full disk", options: ["--rootfs-size", "4m"],
            command: "dd if=/dev/zero of=/full bs=65536; sleep 1000"),
        Broken(testDescription: "its supervisor is dead") { $0.tenant.killSupervisor(of: "b") },
        Broken(testDescription: "frozen, and its supervisor is dead") {
            #expect($0.container("pause", "b").status == 0)
            $0.tenant.killSupervisor(of: "b")
        },
        Broken(testDescription: "it has stopped", command: "true") { try $0.await("b", "stopped") },
        Broken(testDescription: "its workspace is gone") {
            try FileManager.default.removeItem(atPath: $0.workspace("b"))
        },
    ]

    @Test("Retire works on what is broken, in bounded time, and the next one is as good as new", arguments: broken)
    func retire(_ broken: Broken) throws {
        let projects = try TestProjects("broken")
        defer { projects.clean() }
        let words = ["container", "deploy", "--tenant", "broken", "--image", "demo-host", "--background"]
        let deployed = projects.tenant.run(words + broken.options + ["b", "--", "sh", "-c", broken.command])
        #expect(deployed.status == 0, "\(deployed)")
        Thread.sleep(forTimeInterval: 0.2)
        try broken.harm(projects)
        let start = Date()
        let retired = projects.container("retire", "-t", "1", "b")
        #expect(retired.status == 0 && retired.output == "b: retired\n", "\(retired)")
        #expect(Date().timeIntervalSince(start) < 30)
        #expect(projects.tenant.leftovers() == [])
        #expect(projects.deploy("b").status == 0)
        #expect(projects.inside("b", "echo fresh") == "fresh\n")
    }

    @Test("Deploy killed at any time: what there is of a container can be retired, or there is none")
    func half() throws {
        let projects = try TestProjects("half")
        defer { projects.clean() }
        for milliseconds in stride(from: 1, through: 60, by: 3) {
            let words = projects.tenant.perigee.command([
                "--config-file", projects.configuration, "container", "deploy", "--tenant", "half", "--image",
                "demo-host", "--background", "h",
            ])
            _ = Perigee.execute(["timeout", "-s", "KILL", "0.\(String(format: "%03d", milliseconds))"] + words)
            let retired = projects.container("retire", "-t", "1", "h")
            #expect(retired.status == 0 || retired.status == 4, "\(milliseconds) ms: \(retired)")
        }
        #expect(projects.deploy("h").status == 0)
        #expect(projects.container("retire", "h").status == 0)
        // A pod's directory that nobody has finished is somebody's who may be slow, until it is a minute old.
        #expect(projects.tenant.leftovers().filter { !$0.contains("/.half-h-") } == [])
    }

    @Test(
        "What a killed stop or retire has left is taken up by the next one: a request that nobody heard of, half a removal"
    )
    func takenUp() throws {
        let projects = try TestProjects("takenup")
        defer { projects.clean() }
        projects.deploy("w")
        let pods = projects.tenant.perigee.store + "/pods"
        let directory = String(Perigee.shell("ls -d \(pods)/*/takenup-w-*").output.dropLast())
        let request = #"{"reason": "Stopped", "message": "stopped by a command", "grace": 1000}"#
        try Data(request.utf8).write(to: URL(fileURLWithPath: directory + "/stop"))
        #expect(projects.container("stop", "w").output == "w: stopped by its stop signal\n")
        let gone = directory.replacing("/takenup-w-", with: "/@takenup-w-")
        try FileManager.default.moveItem(atPath: directory, toPath: gone)
        #expect(projects.container("retire", "w").status == 4)
        #expect(!FileManager.default.fileExists(atPath: gone))
        #expect(projects.tenant.leftovers() == [])
    }

    @Test("A slot is free as soon as its container is retired, and so is all else of the tenant's")
    func slot() throws {
        let members = #", "nodes": {"gpu": {"gpu_slots": ["0"]}}"#
        let first = try TestProjects("slota", members: members)
        let second = try TestProjects("slotb", beside: first)
        defer {
            first.clean()
            second.clean()
        }
        func use() throws -> [Int] {
            let text = first.tenant.run(["check", "limits", "--tenant", "slota", "--json"]).output
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            let limits = try #require(object?["limits"] as? [String: [String: Any]], "\(text)")
            return ["memory", "pids", "max_pods"].compactMap { limits[$0]?["use"] as? Int }
        }
        #expect(try use() == [0, 0, 0])
        #expect(first.deploy("w", "--node", "gpu").status == 0)
        #expect(try first.state("w")["gpu"] as? String == "gpu:0")
        #expect(try use()[0] > 0 && use()[1] == 2 && use()[2] == 1)
        let refused = second.deploy("w", "--node", "gpu")
        #expect(refused.status == 3, "\(refused)")
        #expect(
            refused.errors
                == "perigee: container 'w' did not start: Unschedulable: node gpu: no slot is free: slot 0 is used by "
                + "pod slota-w\n", "\(refused.errors)")
        #expect(second.tenant.leftovers() == [])
        let told = first.container("retire", "--dry-run", "--images", "w").output
        #expect(
            told
                == "w: would be ended and removed, slot 0 of node gpu freed, image demo-host removed if nothing else uses it; "
                + "\(first.workspace("w")) stays\n")
        #expect(try first.state("w")["status"] as? String == "running")
        let start = Date()
        #expect(first.container("retire", "w").status == 0)
        #expect(second.deploy("w", "--node", "gpu").status == 0)
        #expect(Date().timeIntervalSince(start) < 30)
        #expect(try use() == [0, 0, 0])
        // Stopped it has no slot either.
        #expect(second.container("stop", "w").status == 0)
        #expect(first.deploy("w", "--node", "gpu").status == 0)
    }

    @Test("Stop tells whether KILL was needed; twice is no error")
    func stop() throws {
        let projects = try TestProjects("stop")
        defer { projects.clean() }
        projects.deploy("good")
        projects.deploy("bad", "--", "sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done")
        projects.deploy("worse", "--", "sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done")
        for name in ["bad", "worse"] { #expect(projects.tenant.awaitOutput(name, "up\n")) }
        #expect(projects.container("stop", "good").output == "good: stopped by its stop signal\n")
        #expect(
            projects.container("stop", "-t", "1", "bad").output
                == "bad: killed: it did not end within 1 s of its stop signal\n")
        #expect(projects.container("stop", "--force", "--all").output == "worse: killed\n")
        #expect(projects.container("stop", "good", "bad").output == "good: stopped already\nbad: stopped already\n")
        #expect(projects.container("stop", "none").status == 4)
        #expect(projects.container("stop").status == 2)
        #expect(projects.container("stop", "-t", "soon", "good").status == 2)
        #expect(projects.container("list").output == "NAME  STATUS  GPU  UPTIME\n")
        #expect(projects.container("retire", "good", "bad", "worse").status == 0)
        #expect(projects.tenant.leftovers() == [])
    }
}
