import Foundation
import Testing

/// The verbs of containers with a workspace: REQUIREMENTS C13, C17 to C19, C21 to C23, C26 to C30, C32.
@Suite(.serialized) struct ContainerVerbTests {
    @Test("Deployed in the background it runs when that returns, and goes on after its caller's end")
    func background() throws {
        let projects = try TestProjects("background")
        defer { projects.clean() }
        // A session of its own, whose leader ends; then whoever listens to that is told.
        let caller = projects.shell(
            "setsid sh -c \"$perigee container-deploy $tenant --image demo-host --background w; kill -HUP 0\"; true")
        #expect(caller.output == "background-w\n", "\(caller)")
        #expect(try projects.state("w")["status"] as? String == "running")
        #expect(projects.inside("w", "sleep 0.5; echo there") == "there\n")
        let supervisor = try #require(projects.tenant.supervisor(of: "w"))
        #expect(Perigee.shell("ps -o sid= -p \(supervisor)").output.contains("\(supervisor)"))
    }

    @Test("With the image in the store a launch takes no seconds")
    func quick() throws {
        let projects = try TestProjects("quick")
        defer { projects.clean() }
        let start = Date()
        #expect(projects.deploy("w").status == 0)
        #expect(Date().timeIntervalSince(start) < 20)
    }

    @Test("A shell by --open and by attach: leaving it lets the container go on; what does not run has none")
    func shells() throws {
        let projects = try TestProjects("shells")
        defer { projects.clean() }
        let opened = projects.shell("echo 'pwd; exit 3' | $perigee container deploy $tenant --image demo-host --open w")
        #expect(opened.output == "/workspace\n" && opened.status == 3, "\(opened)")
        let attached = projects.shell("echo 'hostname; exit 0' | $perigee container-attach $tenant w")
        #expect(attached.output == "shells-w\n" && attached.status == 0, "\(attached)")
        #expect(try projects.state("w")["status"] as? String == "running")
        let script = Perigee.package.appending(path: "Tests/terminal.py").path
        let words = projects.tenant.perigee.command([
            "--config-file", projects.configuration, "container", "attach", "--tenant", "shells", "w",
        ])
        let seen = Perigee.execute(
            ["python3", script, "at", "30x100", "raw", "type:stty size; exit\n", "expect:30 100", "end", "--"] + words)
        #expect(seen.output.hasSuffix("status 0\n"), "\(seen)")
        // Somebody at a terminal need say neither --open nor --background.
        let typed = projects.tenant.perigee.command([
            "--config-file", projects.configuration, "container", "deploy", "--tenant", "shells", "--image",
            "demo-host", "t",
        ])
        let told = Perigee.execute(["python3", script, "at", "30x100", "end", "--"] + typed)
        #expect(
            told.output.contains("container attach t` opens a shell") && told.output.hasSuffix("status 0\n"), "\(told)")
        #expect(projects.container("pause", "w").status == 0)
        #expect(try projects.state("w")["status"] as? String == "paused")
        let paused = projects.container("attach", "w")
        #expect(paused.status == 1)
        #expect(paused.errors == "perigee: pod 'w' is paused\n  hint: `perigee pod unpause w` lets it go on\n")
        #expect(projects.container("unpause", "w").status == 0)
        #expect(projects.container("unpause", "w").status == 1)
        #expect(projects.container("stop", "w").status == 0)
        let stopped = projects.container("attach", "w")
        #expect(stopped.status == 1 && stopped.errors.hasPrefix("perigee: pod 'w' does not run\n"), "\(stopped)")
        #expect(projects.container("attach", "none").status == 4)
        #expect(projects.container("pause", "w").status == 1)
    }

    @Test("A project's container: of its own image, or a message how to get one")
    func launch() throws {
        let projects = try TestProjects("launch")
        defer { projects.clean() }
        func launch(_ words: String...) -> Perigee.Outcome {
            projects.tenant.run(["project", "launch", "--tenant", "launch"] + words)
        }
        let none = launch("thesis", "--background")
        #expect(none.status == 4)
        #expect(
            none.errors == """
                perigee: project 'thesis' has no image: there is none of the name launch/thesis or thesis
                  hint: `perigee image load --name thesis PATH` loads one, or --image names another; perigee builds none

                """)
        #expect(launch("thesis", "--background", "--image", "nosuch").status == 4)
        #expect(!FileManager.default.fileExists(atPath: projects.workspace("thesis")))
        let archive = "\(Perigee.images)/demo-host.oci.tar"
        #expect(projects.tenant.run(["image", "load", "--name", "launch/thesis", archive]).status == 0)
        #expect(projects.tenant.run(["project-launch", "--tenant", "launch", "thesis", "--background"]).status == 0)
        #expect(try projects.state("thesis")["image"] as? String == "launch/thesis")
        // Images stay until they are deleted, and that is refused while something is made of them.
        let used = projects.tenant.run(["image-delete", "--tenant", "launch", "launch/thesis"])
        #expect(used.status == 3)
        #expect(
            used.errors.hasPrefix(
                "perigee: Cannot delete image launch/thesis:latest while containers exist: launch-thesis\n"), "\(used)")
        projects.container("stop", "thesis")
        #expect(projects.tenant.run(["image", "delete", "--tenant", "launch", "launch/thesis"]).status == 3)
        let stranger = projects.tenant.run(["image", "delete", "--tenant", "other", "--force", "launch/thesis"])
        #expect(stranger.status == 5, "\(stranger)")
        #expect(projects.container("retire", "thesis").status == 0)
        #expect(launch("thesis", "--background").status == 0)
        let forced = projects.tenant.run(["image", "delete", "--tenant", "launch", "--force", "launch/thesis"])
        #expect(forced.status == 0 && forced.output == "deleted launch/thesis:latest\n", "\(forced)")
        #expect(projects.tenant.leftovers() == [])
        #expect(projects.tenant.run(["image", "delete", "launch/thesis"]).status == 4)
        // Retire with its image.
        #expect(projects.tenant.run(["image", "load", "--name", "launch/thesis", archive]).status == 0)
        #expect(launch("thesis", "--background").status == 0)
        #expect(
            projects.container("retire", "--images", "thesis").output
                == "thesis: retired\ndeleted launch/thesis:latest\n")
        #expect(projects.tenant.run(["image", "inspect", "demo-host"]).status == 0)
    }

    @Test("What is there: one's own that run, with --all those that have stopped, of all tenants for root")
    func list() throws {
        let members = #", "nodes": {"gpu": {"gpu_slots": ["a"]}}"#
        let projects = try TestProjects("lista", members: members)
        let other = try TestProjects("listb", beside: projects)
        defer {
            projects.clean()
            other.clean()
        }
        #expect(
            projects.tenant.run(["container", "list", "--tenant", "lista"]).output == "NAME  STATUS  GPU  UPTIME\n")
        projects.deploy("one", "--node", "gpu")
        projects.deploy("two")
        other.deploy("three")
        projects.tenant.submit("pod", "sleep 1000")
        projects.container("stop", "two")
        func lines(_ words: String...) -> [String] {
            let outcome = projects.tenant.run(words + ["--tenant", "lista"])
            return outcome.output.split(separator: "\n").map {
                $0.split(separator: " ").prefix(4).joined(separator: " ")
            }
        }
        let running = lines("container-list")
        #expect(running.count == 2 && running[1].hasPrefix("one running gpu:a "), "\(running)")
        #expect(lines("container", "list", "-a").last == "two stopped - -")
        #expect(lines("container", "list", "--format", "simple", "-a") == ["one", "two"])
        #expect(lines("container", "list", "--all-tenants").contains { $0.hasPrefix("listb three running") })
        let state = try projects.state("two")
        #expect(state["status"] as? String == "stopped" && state["reason"] as? String == "Stopped")
        #expect(state["workspace"] as? String == projects.workspace("two") && state["gpu"] == nil)
        #expect(projects.tenant.run(["container", "list", "--format", "yaml"]).status == 2)
    }

    @Test("No pod and no other container takes a container's place, and no housekeeping ends it")
    func lasting() throws {
        let projects = try TestProjects("lasting")
        defer { projects.clean() }
        projects.deploy("w")
        let before = try projects.state("w")["startedAt"] as? String
        projects.tenant.submit("p", "sleep 1000")
        try projects.tenant.await("p") { $0.phase == "Running" }
        projects.tenant.submit("q", "true")
        #expect(projects.tenant.pod("wait", "q").status == 0)
        projects.deploy("v")
        for words in [
            ["image", "prune"], ["image", "list"], ["volume", "list"], ["container", "list"], ["pod", "list"],
        ] {
            #expect(projects.tenant.run(words).status == 0)
        }
        let same = projects.deploy("w")
        #expect(same.status == 3 && same.errors.hasPrefix("perigee: container 'w' is there already\n"), "\(same)")
        let pod = projects.tenant.submit("w", "true")
        #expect(pod.status == 3, "\(pod)")
        #expect(try projects.state("w")["startedAt"] as? String == before)
        // No deadline, and no limit that could set one.
        let text = projects.tenant.pod("inspect", "w").output
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let kept = object?["record"] as? [String: [String: Any]]
        #expect(kept?["status"]?["phase"] as? String == "Running" && kept?["status"]?["deadline"] == nil)
        #expect((kept?["pod"]?["request"] as? [String: Any])?["timeout"] == nil && kept?["pod"]?["logSize"] != nil)
    }

    @Test("Each tenant's max_runtime ends its containers, and no other's; the limits are read anew each time")
    func runtime() throws {
        let members = """
            , "groups": {"short": {"max_runtime_h": 0.0006}}, \
            "tenants": {"rta": {"group": "short"}, "rtb": {"max_runtime_h": 0.003}}
            """
        let first = try TestProjects("rta", members: members)
        let second = try TestProjects("rtb", beside: first), third = try TestProjects("rtc", beside: first)
        let all = [first, second, third]
        defer { for one in all { one.clean() } }
        let start = Date()
        for one in all { #expect(one.deploy("w").status == 0) }
        try first.await("w", "stopped")
        #expect(Date().timeIntervalSince(start) > 2.1)
        let other = try second.state("w")["status"] as? String
        // Its own end may come before the look at it where the host stands still.
        #expect(other == "running" || Date().timeIntervalSince(start) > 10.7)
        try second.await("w", "stopped")
        #expect(Date().timeIntervalSince(start) > 10.7)
        #expect(try first.state("w")["reason"] as? String == "MaxRuntimeExceeded")
        #expect(try third.state("w")["status"] as? String == "running")
        let table = first.tenant.run(["check-limits", "--tenant", "rta"])
        #expect(table.status == 0 && table.output.contains("max_runtime_h              0.0006"), "\(table)")
        #expect(table.output.contains("group short"))
        // The edit of a configuration holds from the next command on.
        func deploy() -> Perigee.Outcome { third.deploy("v") }
        try first.configure(
            #", "max_pods": 1"#.replacing(", \"max_pods\": 1", with: ""), #", "tenants": {"rtc": {"max_pods": 1}}"#)
        let refused = deploy()
        #expect(refused.status == 3 && refused.errors.hasPrefix("perigee: Maximum pods reached (1/1)"), "\(refused)")
        try first.configure("", #", "tenants": {"rtc": {"max_pods": 2}}"#)
        #expect(deploy().status == 0)
    }
}
