import Foundation
import Testing

/// Containers that one command creates and others start, ask about, signal and delete: runtime-spec, runtime.md.
@Suite(.serialized) struct LifecycleTests {
    /// A bundle, and a root of its own.
    final class Life {
        var bundle: TestBundle
        let own: Perigee

        init(_ arguments: String...) throws {
            bundle = try TestBundle()
            bundle.set("process/args", arguments)
            own = Perigee(directory: Perigee.shared.directory + "/life-\(UUID().uuidString)")
        }

        deinit { try? FileManager.default.removeItem(atPath: own.directory) }

        /// A namespace of another by its path.
        /// Joins the one at `path`; nil: shares ours.
        func namespace(_ type: String, path: String?) {
            let all = (bundle.config["linux"] as? [String: Any])?["namespaces"] as? [[String: Any]] ?? []
            let others = all.filter { $0["type"] as? String != type }
            bundle.set("linux/namespaces", others + (path.map { [["type": type, "path": $0]] } ?? []))
        }

        func create(_ id: String = "c", _ options: String...) throws -> Perigee.Outcome {
            try bundle.write()
            return own.run(["create", "-b", bundle.path] + options + [id])
        }

        func state(_ id: String = "c") -> [String: Any] {
            let outcome = own.run(["state", id])
            guard outcome.status == 0 else { return [:] }
            return (try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))) as? [String: Any] ?? [:]
        }

        func status(_ id: String = "c") -> String? { state(id)["status"] as? String }

        /// Waits until it has that status.
        func becomes(_ status: String, _ id: String = "c") -> Bool { eventually { self.status(id) == status } }

        /// What of containers there is: states and groups.
        func left() throws -> [String] {
            let names = try FileManager.default.contentsOfDirectory(atPath: own.root).filter { !$0.hasPrefix("@") }
            // Other suites have containers too.
            let mine = "-path '*/perigee/\(own.identifier).*'"
            let groups = Perigee.shell("find /sys/fs/cgroup -type d \(mine) 2>/dev/null").output
            return names + groups.split(separator: "\n").map(String.init)
        }
    }

    @Test("created, running, stopped, gone")
    func life() throws {
        let scene = try Life("/bin/sh", "-c", "echo it runs > /data/out; exec sleep 0.5")
        let data = scene.own.directory + "/data"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let mounts = scene.bundle.config["mounts"] as? [[String: Any]] ?? []
        scene.bundle.set(
            "mounts", mounts + [["destination": "/data", "type": "bind", "source": data, "options": ["bind"]]])
        scene.bundle.set("annotations", ["org.example.a": "b"])
        scene.bundle.set("root/readonly", false)
        let pidFile = scene.own.directory + "/pid"
        let created = try scene.create("c", "--pid-file", pidFile)
        #expect(created.status == 0 && created.errors.isEmpty, "\(created)")
        let state = scene.state()
        #expect(state["status"] as? String == "created")
        #expect(state["id"] as? String == "c")
        #expect(state["bundle"] as? String == scene.bundle.path)
        #expect(state["annotations"] as? [String: String] == ["org.example.a": "b"])
        let pid = try #require(state["pid"] as? Int)
        #expect(try String(contentsOfFile: pidFile, encoding: .utf8) == "\(pid)")
        #expect(!FileManager.default.fileExists(atPath: data + "/out"), "the command ran before its start")
        // Whatever else happens: the parked container is nobody's leftover.
        #expect(scene.own.run(["image", "list"]).errors.isEmpty)
        #expect(scene.status() == "created")
        #expect(scene.own.run(["delete", "c"]).errors.contains("not stopped: it is created"))
        let started = scene.own.run(["start", "c"])
        #expect(started.status == 0 && started.errors.isEmpty, "\(started)")
        #expect(scene.status() == "running")
        #expect(scene.state()["pid"] as? Int == pid)
        #expect(scene.own.run(["start", "c"]).errors.contains("it is running"))
        let refused = scene.own.run(["delete", "c"])
        #expect(refused.status == 1 && refused.errors.contains("not stopped: it is running"), "\(refused)")
        #expect(scene.becomes("stopped"))
        #expect(try String(contentsOfFile: data + "/out", encoding: .utf8) == "it runs\n")
        let killed = scene.own.run(["kill", "c"])
        #expect(killed.status == 1 && killed.errors.contains("container not running"), "\(killed)")
        #expect(scene.own.run(["delete", "c"]).status == 0)
        #expect(scene.own.run(["state", "c"]).errors.contains("does not exist"))
        #expect(try scene.left() == [])
    }

    @Test("a container without a process is created, and its start fails")
    func noProcess() throws {
        let scene = try Life("/bin/true")
        scene.bundle.set("process", nil)
        #expect(try scene.create().status == 0)
        #expect(scene.status() == "created")
        let outcome = scene.own.run(["start", "c"])
        #expect(outcome.status == 1 && outcome.errors.contains("the configuration has no process"), "\(outcome)")
        #expect(scene.becomes("stopped"))
        #expect(scene.own.run(["delete", "c"]).status == 0)
        #expect(try scene.left() == [])
    }

    @Test("a mount namespace is joined by its path, and never the host's")
    func joinsMounts() throws {
        let scene = try Life("/bin/sh", "-c", "ls /; readlink /proc/self/ns/mnt")
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        holder.arguments = ["-m", "--propagation", "private", "sleep", "60"]
        try holder.run()
        defer { holder.terminate() }
        let link = "/proc/\(holder.processIdentifier)/ns/mnt"
        let own = Perigee.shell("readlink /proc/self/ns/mnt").output
        var theirs = own
        for _ in 1...100 where theirs == own {
            theirs = Perigee.shell("sleep 0.02; readlink \(link)").output
        }
        scene.namespace("mount", path: link)
        try scene.bundle.write()
        var outcome = scene.own.run(["run", "-b", scene.bundle.path, "c"])
        #expect(outcome.status == 0 && outcome.output.hasSuffix(theirs), "\(outcome)")
        #expect(outcome.output.hasPrefix("bin\n"))
        for host in ["/proc/self/ns/mnt", "/proc/\(ProcessInfo.processInfo.processIdentifier)/ns/mnt"] {
            scene.namespace("mount", path: host)
            try scene.bundle.write()
            outcome = scene.own.run(["run", "-b", scene.bundle.path, "c"])
            #expect(outcome.status == 1 && outcome.errors.contains("the host's mount namespace"), "\(outcome)")
        }
        #expect(try scene.left() == [])
    }

    @Test("without a mount namespace it is in ours, below a root that nobody else sees")
    func sharesMounts() throws {
        let scene = try Life("/bin/sh", "-c", "ls /; cat /proc/self/comm; ls /proc/acpi /sys/firmware; exec sleep 60")
        scene.namespace("mount", path: nil)
        try scene.bundle.write()
        // Other tests mount things below the folder of temporary files meanwhile, and those of faults below /dev/shm.
        let others = [FileManager.default.temporaryDirectory.path, "/dev/shm"]
        func mounts() -> [Substring] {
            let lines = Perigee.shell("cat /proc/self/mountinfo").output.split(separator: "\n")
            return lines.filter { line in
                line.contains(scene.bundle.path) || !others.contains { line.contains(" \($0)/") }
            }
        }
        let before = mounts()
        let own = Perigee.shell("readlink /proc/self/ns/mnt").output
        #expect(try scene.create().status == 0)
        #expect(scene.own.run(["start", "c"]).status == 0)
        #expect(mounts() == before)
        let outcome = scene.own.run([
            "exec", "c", "/bin/sh", "-c", "readlink /proc/self/ns/mnt; ls /; cd ..; pwd; ls /dev/pts",
        ])
        #expect(outcome.status == 0 && outcome.output.hasPrefix(own + "bin\n"), "\(outcome)")
        #expect(outcome.output.hasSuffix("/\nptmx\n"), "\(outcome)")
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
        #expect(mounts() == before)
        #expect(try scene.left() == [])
    }

    @Test("of several starts at once one starts it")
    func startTogether() throws {
        let scene = try Life("/bin/sleep", "100")
        #expect(try scene.create().status == 0)
        let start = scene.own.command(["start", "c"]).joined(separator: " ")
        let outcome = Perigee.shell("for i in 1 2 3 4 5 6; do \(start) && echo done & done; wait")
        #expect(outcome.output == "done\n", "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 5)
        #expect(scene.status() == "running")
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
        #expect(try scene.left() == [])
    }

    @Test("a command that is not there is known at the creation, in the words that engines look for")
    func missingCommand() throws {
        for (command, words) in [
            ("nosuch", "executable file not found"), ("/nosuch", "no such file or directory"),
            ("/etc/passwd", "permission denied"), ("/bin", "permission denied"),
        ] {
            let scene = try Life(command)
            let outcome = try scene.create()
            #expect(outcome.status == 1 && outcome.errors.contains(words), "\(outcome)")
            #expect(try scene.left() == [])
        }
    }

    @Test("what fails after the start is the starter's error")
    func failsLater() throws {
        let scene = try Life("./script")
        let script = scene.bundle.path + "/rootfs/script"
        try "#!/nosuch/interpreter\n".write(toFile: script, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        #expect(try scene.create().status == 0)
        var outcome = scene.own.run(["start", "c"])
        #expect(outcome.status == 1 && outcome.errors.contains("/nosuch/interpreter"), "\(outcome)")
        #expect(scene.becomes("stopped"))
        #expect(scene.own.run(["delete", "c"]).status == 0)
        // A step between: the profile denies it.
        scene.bundle.set("process/args", ["/bin/true"])
        scene.bundle.set("process/noNewPrivileges", false)
        scene.bundle.set(
            "linux/seccomp",
            [
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [["names": ["capset"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1]],
            ] as [String: Any])
        #expect(try scene.create().status == 0)
        outcome = scene.own.run(["start", "c"])
        #expect(outcome.status == 1 && outcome.errors.contains("capset(2)"), "\(outcome)")
        #expect(scene.own.run(["delete", "c"]).status == 0)
        #expect(try scene.left() == [])
    }

    @Test("signals, by name and number, to one and to all")
    func signals() throws {
        let scene = try Life("/bin/sh", "-c", "trap 'exit 9' USR1; sleep 100 & while :; do wait; done")
        #expect(try scene.create().status == 0)
        #expect(scene.own.run(["kill", "c", "SIGMOON"]).status == 2)
        #expect(scene.own.run(["start", "c"]).status == 0)
        #expect(scene.own.run(["kill", "c", "WINCH"]).status == 0)
        #expect(scene.status() == "running")
        #expect(scene.own.run(["kill", "c", "SIGUSR1"]).status == 0)
        #expect(scene.becomes("stopped"))
        #expect(scene.own.run(["delete", "c"]).status == 0)
        for options in [["c", "9"], ["--all", "c", "KILL"]] {
            #expect(try scene.create().status == 0)
            #expect(scene.own.run(["start", "c"]).status == 0)
            #expect(scene.own.run(["kill"] + options).status == 0)
            #expect(scene.becomes("stopped"))
            #expect(scene.own.run(["delete", "c"]).status == 0)
        }
        #expect(try scene.left() == [])
    }

    @Test("paused and resumed; what is paused can be killed")
    func pause() throws {
        let scene = try Life("/bin/sh", "-c", "sleep 100 & while :; do sleep 0.01; done")
        #expect(try scene.create().status == 0)
        #expect(scene.own.run(["pause", "c"]).errors.contains("it is created"))
        #expect(scene.own.run(["start", "c"]).status == 0)
        #expect(scene.own.run(["resume", "c"]).errors.contains("it is running"))
        for _ in 1...3 {
            #expect(scene.own.run(["pause", "c"]).status == 0)
            #expect(scene.status() == "paused")
            #expect(scene.own.run(["resume", "c"]).status == 0)
            #expect(scene.status() == "running")
        }
        let pid = try #require(scene.state()["pid"] as? Int)
        let listed = scene.own.run(["ps", "--format", "json", "c"]).output
        let processes = try #require(try JSONSerialization.jsonObject(with: Data(listed.utf8)) as? [Int])
        #expect(processes.contains(pid) && processes.count >= 2)
        #expect(scene.own.run(["pause", "c"]).status == 0)
        #expect(scene.own.run(["kill", "c", "KILL"]).status == 0)
        #expect(scene.becomes("stopped"))
        #expect(scene.own.run(["delete", "c"]).status == 0)
        #expect(try scene.left() == [])
    }

    @Test("exec: in all namespaces and the group, with the configuration's rights, and nothing of the host open")
    func exec() throws {
        let scene = try Life("/bin/sleep", "100")
        scene.bundle.set("linux/seccomp", try BundleTests.profile([]))
        #expect(try scene.create().status == 0)
        // The configuration counts as it was.
        scene.bundle.set("process/capabilities", ["bounding": ["CAP_SYS_ADMIN"]])
        try scene.bundle.write()
        #expect(scene.own.run(["start", "c"]).status == 0)
        let pid = try #require(scene.state()["pid"] as? Int)
        func inside(_ words: String...) -> Perigee.Outcome { scene.own.run(["exec", "c"] + words) }
        let status = "grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status"
        let first = Perigee.shell(status.replacingOccurrences(of: "self", with: "\(pid)")).output
        #expect(first.contains("Seccomp:\t2"))
        #expect(inside("sh", "-c", status).output == first)
        let links = "for n in mnt pid net ipc uts cgroup user; do readlink /proc/PID/ns/$n; done"
        let own = Perigee.shell(links.replacingOccurrences(of: "PID", with: "\(pid)")).output
        #expect(inside("sh", "-c", links.replacingOccurrences(of: "PID", with: "self")).output == own)
        #expect(inside("cat", "/proc/self/cgroup").output.split(separator: "\n").last == "0::/")
        #expect(inside("ls", "/proc/self/fd").output == "0\n1\n2\n3\n", "3 is ls's own")
        #expect(inside("readlink", "/proc/self/exe").output == "/bin/busybox\n")
        let changed = scene.own.run([
            "exec", "--env", "A=b", "--cwd", "/usr", "--user", "5:6", "c", "sh", "-c",
            "echo $A $PWD $(id -u) $(id -g); exit 7",
        ])
        #expect(changed.output == "b /usr 5 6\n" && changed.status == 7, "\(changed)")
        #expect(inside("sh", "-c", "kill -9 $$").status == 137)
        for (command, words) in [("nosuch", "executable file not found"), ("/etc/passwd", "permission denied")] {
            let outcome = inside(command)
            #expect(outcome.status == 255 && outcome.errors.contains(words), "\(outcome)")
        }
        let file = scene.own.directory + "/process.json"
        try
            #"{"cwd": "/", "args": ["sh", "-c", "echo $X; id -u"], "env": ["X=y", "PATH=/bin"], "user": {"uid": 9, "gid": 9}}"#
            .write(toFile: file, atomically: false, encoding: .utf8)
        #expect(scene.own.run(["exec", "--process", file, "c"]).output == "y\n9\n")
        let pidFile = scene.own.directory + "/pid"
        #expect(scene.own.run(["exec", "-d", "--pid-file", pidFile, "c", "sleep", "100"]).status == 0)
        let text = try String(contentsOfFile: pidFile, encoding: .utf8)
        #expect(scene.own.run(["ps", "c"]).output == "PID\n\(pid)\n\(text)\n")
        #expect(scene.own.run(["pause", "c"]).status == 0)
        #expect(inside("true").errors.contains("it is paused"))
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
        #expect(inside("true").errors.contains("does not exist"))
        #expect(try scene.left() == [])
    }

    @Test("delete: of what was never started, which needs force, and of nothing")
    func delete() throws {
        let scene = try Life("/bin/sleep", "100")
        #expect(try scene.create().status == 0)
        #expect(try scene.create().errors.contains("is in use"))
        #expect(scene.own.run(["delete", "c"]).status == 1)
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
        #expect(scene.own.run(["delete", "c"]).status == 1)
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
        #expect(try scene.create().status == 0)
        #expect(scene.own.run(["start", "c"]).status == 0)
        #expect(scene.own.run(["delete", "-f", "c"]).status == 0)
        #expect(try scene.left() == [])
    }

    @Test("a pid file that can't be written ends the container")
    func pidFile() throws {
        let scene = try Life("/bin/sleep", "100")
        let outcome = try scene.create("c", "--pid-file", "/nosuch/directory/pid")
        #expect(outcome.status == 1 && outcome.errors.contains("--pid-file"), "\(outcome)")
        #expect(try scene.left() == [])
    }

    @Test("list, also of a container that runs in the foreground")
    func list() throws {
        let scene = try Life("/bin/sleep", "100")
        for id in ["c1", "c2"] { #expect(try scene.create(id).status == 0) }
        #expect(scene.own.run(["start", "c2"]).status == 0)
        #expect(scene.own.run(["list", "-q"]).output == "c1\nc2\n")
        let foreground = Process()
        foreground.executableURL = URL(fileURLWithPath: Perigee.binary)
        foreground.arguments = Array(scene.own.command(["run", "-b", scene.bundle.path, "c3"]).dropFirst())
        try foreground.run()
        #expect(scene.becomes("running", "c3"))
        let text = scene.own.run(["list", "--format", "json"]).output
        let list = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]], "\(text)")
        #expect(list.map { $0["status"] as? String } == ["created", "running", "running"])
        for id in ["c1", "c2", "c3"] { #expect(scene.own.run(["delete", "--force", id]).status == 0) }
        foreground.waitUntilExit()
        #expect(foreground.terminationStatus == 137)
        #expect(try scene.left() == [])
    }

    @Test("errors go to --log as engines read it, and what we don't do is refused by name")
    func engines() throws {
        let scene = try Life("/bin/true")
        let log = scene.own.directory + "/log"
        let outcome = scene.own.run(["--log", log, "--log-format=json", "state", "nosuch"])
        #expect(outcome.status == 1)
        let line = try String(contentsOfFile: log, encoding: .utf8)
        let entry = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(entry["level"] == "error")
        #expect(entry["msg"]?.hasPrefix("container 'nosuch' does not exist") == true)
        #expect(entry["time"]?.hasSuffix("Z") == true)
        for words in [["--systemd-cgroup", "state", "c"], ["--log-format", "xml", "state", "c"]] {
            #expect(scene.own.run(words).status == 2)
        }
        for option in ["--preserve-fds=-1", "--no-pivot"] {
            let refused = try scene.create("c", option)
            #expect(refused.status == 2 && refused.errors.contains(String(option.prefix(8))), "\(refused)")
        }
        #expect(try scene.create("c", "--preserve-fds", "0").status == 0)
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
    }

    @Test("a creation that is killed leaves nothing for long")
    func killedCreation() throws {
        let scene = try Life("/bin/sleep", "100")
        #expect(try scene.create("warm").status == 0)
        #expect(scene.own.run(["delete", "--force", "warm"]).status == 0)
        let create = scene.own.command(["create", "-b", scene.bundle.path, "c"]).joined(separator: " ")
        for delay in 0..<12 {
            _ = Perigee.shell(
                "\(create) & p=$!; sleep 0.00\(delay < 10 ? "0" : "")\(delay)5; kill -9 $p; wait 2>/dev/null")
            #expect(scene.own.run(["image", "list"]).errors.isEmpty)
            let status = scene.status()
            #expect(status == nil || status == "created", "\(status ?? "")")
            #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
            #expect(try scene.left() == [])
        }
    }

    @Test("exec, and what it is given beside the configuration, in a container that `run` stays with")
    func execBesideRun() throws {
        let scene = try Life("/bin/sleep", "100")
        try scene.bundle.write()
        let run = Process()
        let words = scene.own.command(["run", "-b", scene.bundle.path, "c"])
        run.executableURL = URL(fileURLWithPath: words[0])
        run.arguments = Array(words.dropFirst())
        try run.run()
        #expect(scene.becomes("running"))
        #expect(scene.state()["bundle"] as? String == scene.bundle.path)
        let look = ["sh", "-c", "cat /proc/1/comm; grep -E 'CapEff|CapAmb|NoNewPrivs|Groups' /proc/self/status"]
        let plain = scene.own.run(["exec", "c"] + look)
        #expect(plain.status == 0 && plain.output.hasPrefix("sleep\n"), "\(plain)")
        let more = scene.own.run(["exec", "--cap", "sys_time", "-g", "77", "--no-new-privs", "c"] + look)
        #expect(more.status == 0 && more.output.contains("Groups:\t77"), "\(more)")
        #expect(more.output.contains("NoNewPrivs:\t1"))
        func bits(_ text: String) -> UInt64 {
            let line = text.split(separator: "\n").first { $0.hasPrefix("CapEff") } ?? ""
            return UInt64(line.dropFirst(8), radix: 16) ?? 0
        }
        #expect(bits(more.output) == bits(plain.output) | 1 << 25)
        #expect(scene.own.run(["exec", "--cap", "moon", "c", "true"]).status == 2)
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
        run.waitUntilExit()
        #expect(try scene.left() == [])
    }

    @Test("a container with a long configuration can be asked about and removed")
    func longRecord() throws {
        let scene = try Life("/bin/sleep", "100")
        scene.bundle.set("annotations", ["a": String(repeating: "x\u{1}", count: 600_000)])
        #expect(try scene.create().status == 0)
        #expect(scene.status() == "created")
        #expect(scene.own.run(["image", "list"]).errors.isEmpty)
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
        #expect(try scene.left() == [])
    }

    @Test("several exec at once in a container that is short of the processor, and a deletion meanwhile")
    func busyExec() throws {
        let scene = try Life("/bin/sh", "-c", "while :; do :; done & while :; do :; done")
        scene.bundle.set("linux/resources/cpu", ["quota": 2000, "period": 100_000])
        #expect(try scene.create().status == 0)
        #expect(scene.own.run(["start", "c"]).status == 0)
        let exec = scene.own.command(["exec", "c", "/bin/true"]).joined(separator: " ")
        let outcome = Perigee.shell("for i in 1 2 3; do \(exec) && echo done & done; wait")
        #expect(outcome.output == "done\ndone\ndone\n", "\(outcome)")
        let delete = scene.own.command(["delete", "--force", "c"]).joined(separator: " ")
        let ended = Perigee.shell("\(exec) 2>/dev/null & sleep 0.05; \(delete); echo $?; wait")
        #expect(ended.output == "0\n", "\(ended)")
        #expect(try scene.left() == [])
    }
}
