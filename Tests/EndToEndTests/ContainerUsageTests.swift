import Foundation
import Testing

/// What the verbs of containers refuse, and what `stats` tells.
@Suite(.serialized) struct ContainerUsageTests {
    @Test("A command line that can't be carried out is refused, with nothing made")
    func usage() throws {
        let projects = try TestProjects("usage")
        defer { projects.clean() }
        func deploy(_ words: String...) -> Perigee.Outcome {
            projects.tenant.run(["container", "deploy", "--tenant", "usage", "--image", "demo-host"] + words)
        }
        let neither = deploy("w")
        #expect(neither.status == 2)
        #expect(neither.errors == "perigee: container deploy: without a terminal it needs --open or --background\n")
        #expect(deploy("w", "--open", "--background").status == 2)
        #expect(deploy("--background").status == 2)
        #expect(deploy("--background", "W_1").status == 2)
        #expect(deploy("--background", "w", "--").status == 2)
        #expect(deploy("--background", "--image-command", "w", "--", "true").status == 2)
        #expect(deploy("--background", "--memory", "lots", "w").status == 2)
        #expect(deploy("--background", "--node", "tpu", "w").status == 2)
        let missing = deploy("--background", "w", "--", "/nosuch")
        #expect(missing.status == 1)
        #expect(
            missing.errors
                == "perigee: container 'w' did not start: StartError: exec \"/nosuch\": no such file or directory\n")
        #expect(deploy("--background", "--image-command", "w").status == 0)
        #expect(
            projects.tenant.run(["help", "container-deploy"]).output.hasPrefix(
                "usage: perigee [GLOBAL OPTIONS] container deploy"))
        for verb in ["container", "check", "project", "image"] {
            #expect(projects.tenant.run([verb]).status == 2)
        }
        #expect(projects.tenant.run(["container-nosuch"]).status == 2)
        #expect(projects.tenant.run(["container", "stats", "--tenant", "usage", "nosuch"]).status == 4)
    }

    @Test("Who does nothing is stopped where idle_timeout_h says so; who works, or asks not to be, is not")
    func idle() throws {
        let projects = try TestProjects("idle", limits: #", "idle_timeout_h": 0.001"#)
        defer { projects.clean() }
        projects.deploy("lazy")
        projects.deploy("busy", "--", "sh", "-c", "while :; do :; done")
        projects.deploy("kept")
        _ = projects.inside("kept", "touch .keep-alive")
        projects.deploy("linked")
        _ = projects.inside("linked", "ln -s /dev/null .keep-alive")
        try projects.await("lazy", "stopped")
        try projects.await("linked", "stopped")
        let state = try projects.state("lazy")
        #expect(state["reason"] as? String == "IdleTimeout", "\(state)")
        let status = projects.tenant.pod("status", "lazy").output
        #expect(status.contains("it did nothing for 3600 ms, the tenant's idle_timeout_h"), "\(status)")
        #expect(try projects.state("busy")["status"] as? String == "running")
        #expect(try projects.state("kept")["status"] as? String == "running")
        // Another supervisor begins to count anew.
        projects.tenant.killSupervisor(of: "kept")
        _ = projects.inside("kept", "rm .keep-alive")
        try projects.await("kept", "stopped")
        #expect(try projects.state("kept")["reason"] as? String == "IdleTimeout")
    }

    @Test("What it uses grows with what it does, for containers and for pods")
    func stats() throws {
        let projects = try TestProjects("stats")
        defer { projects.clean() }
        projects.deploy("w", "--", "sh", "-c", "while :; do :; done")
        func time(_ outcome: Perigee.Outcome) throws -> Int {
            let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
            let usage = (object?["cpu"] as? [String: Any])?["usage"] as? [String: Any]
            return try #require(usage?["total"] as? Int, "\(outcome)")
        }
        let first = try time(projects.container("stats", "w"))
        #expect(try eventually { try time(projects.tenant.pod("stats", "w")) > first + 50_000_000 })
        #expect(projects.tenant.pod("pause", "w").status == 0)
        let paused = try time(projects.container("stats", "w"))
        Thread.sleep(forTimeInterval: 0.3)
        #expect(try time(projects.container("stats", "w")) - paused < 20_000_000)
        #expect(projects.tenant.pod("unpause", "w").status == 0)
    }
}
