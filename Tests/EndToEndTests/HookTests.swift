import Foundation
import Testing

/// A bundle with hooks, a root of its own, and a directory that the host knows by its path and the container as /log.
final class HookScene {
    var bundle: TestBundle
    let own: Perigee
    let log: String
    private var hooks: [String: [[String: Any]]] = [:]

    init(_ arguments: String...) throws {
        bundle = try TestBundle()
        own = Perigee(directory: Perigee.shared.directory + "/hooks-\(UUID().uuidString)")
        log = own.directory + "/log"
        try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: true)
        bundle.set("process/args", arguments)
        let mounts = bundle.config["mounts"] as? [[String: Any]] ?? []
        bundle.set(
            "mounts", mounts + [["destination": "/log", "type": "bind", "source": log, "options": ["bind", "rw"]]])
        bundle.set("root/readonly", false)
    }

    deinit { try? FileManager.default.removeItem(atPath: own.directory) }

    /// Adds a hook that is this script, in the container with `startContainer`. It is given `$LOG`.
    func add(_ kind: String, _ script: String, timeout: Int? = nil, env: [String] = []) throws {
        let place = kind == "startContainer" ? "/log" : log
        var hook: [String: Any] = [
            "path": kind == "startContainer" ? "/bin/busybox" : "/bin/sh",
            "args": ["sh", "-c", "LOG=\(place)/out\n" + script, kind], "env": env,
        ]
        if let timeout { hook["timeout"] = timeout }
        hooks[kind, default: []].append(hook)
        bundle.set("hooks", hooks)
    }

    /// The script that writes its kind, and the status and the process of the state.
    static let tell = """
        state=$(cat)
        field() { echo "$state" | sed -n "s/.*\\"$1\\":\\"*\\([a-zA-Z0-9]*\\).*/\\1/p"; }
        echo "$0 $(field status) $(field pid)" >> $LOG
        """

    static let kinds = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]

    func perigee(_ words: String...) -> Perigee.Outcome { own.run(words) }

    func create() throws -> Perigee.Outcome {
        try bundle.write()
        return own.run(["create", "-b", bundle.path, "c"])
    }

    func run() throws -> Perigee.Outcome {
        try bundle.write()
        return own.run(["run", "-b", bundle.path, "c"])
    }

    /// `run` beside us.
    func start() throws -> Process {
        try bundle.write()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Perigee.binary)
        process.arguments = Array(own.command(["run", "-b", bundle.path, "c"]).dropFirst())
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// What has been written, and nothing of it stays.
    func told() -> [String] {
        defer { try? FileManager.default.removeItem(atPath: log + "/out") }
        let text = (try? String(contentsOfFile: log + "/out", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    func state(_ member: String) -> Any? {
        let outcome = own.run(["state", "c"])
        let object = (try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))) as? [String: Any]
        return object?[member]
    }

    func wait(until condition: () -> Bool) -> Bool {
        for _ in 0..<500 {
            if condition() { return true }
            Thread.sleep(forTimeInterval: 0.02)
        }
        return false
    }

    /// What of containers there is: states and groups.
    func left() throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: own.root).filter { !$0.hasPrefix("@") }
        let hash = own.root.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let mine = String(format: "%08x.c", hash)
        let groups = Perigee.shell("find /sys/fs/cgroup -type d -name '\(mine)' 2>/dev/null").output
        return names + groups.split(separator: "\n").map(String.init)
    }
}

/// Hooks: config.md, "POSIX-platform Hooks", and runtime.md, "Lifecycle".
@Suite(.serialized) struct HookTests {
    @Test("all six, each at its time, with the status and the process of then")
    func order() throws {
        let scene = try HookScene("/bin/sh", "-c", "echo command >> /log/out; sleep 100")
        for kind in HookScene.kinds { try scene.add(kind, HookScene.tell) }
        try scene.add("createRuntime", "echo second >> $LOG")
        let created = try scene.create()
        #expect(created.status == 0 && created.errors.isEmpty, "\(created)")
        let pid = try #require(scene.state("pid") as? Int)
        #expect(
            scene.told() == [
                "prestart created \(pid)", "createRuntime creating \(pid)", "second", "createContainer creating 1",
            ])
        #expect(scene.state("status") as? String == "created")
        let started = scene.perigee("start", "c")
        #expect(started.status == 0 && started.errors.isEmpty, "\(started)")
        // The command runs beside the last of them.
        #expect(scene.wait { FileManager.default.contents(atPath: scene.log + "/out")?.contains(0x6d) == true })
        Thread.sleep(forTimeInterval: 0.1)
        let told = scene.told()
        #expect(told.first == "startContainer created 1", "\(told)")
        #expect(Set(told.dropFirst()) == ["command", "poststart running \(pid)"], "\(told)")
        let deleted = scene.perigee("delete", "--force", "c")
        #expect(deleted.status == 0 && deleted.errors.isEmpty, "\(deleted)")
        #expect(scene.told() == ["poststop stopped "])
        #expect(try scene.left() == [])
        // The same by one command.
        scene.bundle.set("process/args", ["/bin/sh", "-c", "sleep 0.3; echo command >> /log/out"])
        let ran = try scene.run()
        #expect(ran.status == 0 && ran.errors.isEmpty, "\(ran)")
        #expect(
            scene.told().map { $0.split(separator: " ")[0] } == [
                "prestart", "createRuntime", "second", "createContainer", "startContainer", "poststart", "command",
                "poststop",
            ])
        #expect(try scene.left() == [])
    }

    @Test("a hook has the environment and the arguments of the configuration, the bundle, and nothing of ours")
    func surroundings() throws {
        let scene = try HookScene("/bin/true")
        let look = """
            cat > /dev/null
            { echo "$0"; pwd; umask; tr '\\0' ' ' < /proc/self/environ; echo; grep -E '^Sig(Blk|Ign)' /proc/self/status
            ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> \\(.*\\)/\\1 \\2/p' | grep -v /proc/ ; } >> $LOG
            """
        for kind in ["createRuntime", "createContainer", "startContainer", "poststop"] {
            try scene.add(kind, look, env: ["A=b c", "D="])
        }
        try scene.bundle.write()
        let words = scene.own.command(["run", "-b", scene.bundle.path, "c"]).joined(separator: " ")
        // The caller's open files, mask and ignored signals are the caller's.
        let outcome = Perigee.shell("umask 077; trap '' HUP USR2; exec 7< /etc/passwd; X=y exec \(words)")
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        let told = scene.told()
        try #require(told.count == 4 * 9, "\(told)")
        for (i, kind) in ["createRuntime", "createContainer", "startContainer", "poststop"].enumerated() {
            let lines = Array(told.dropFirst(9 * i).prefix(9))
            let directory = [scene.bundle.path, scene.bundle.path + "/rootfs", "/", scene.bundle.path][i]
            #expect(lines.prefix(2) == [kind, directory], "\(lines)")
            #expect(Int(lines[2], radix: 8) == 0o022, "\(lines)")
            #expect(Set(lines[3].split(separator: " ")) == ["A=b", "c", "D="], "\(lines)")
            #expect(lines[4...5].allSatisfy { $0.hasSuffix("\t0000000000000000") }, "\(lines)")
            // A file, and the script's own redirection.
            #expect(lines[6].hasPrefix("0 /memfd:state") && lines[8].hasPrefix("2 pipe:"), "\(lines)")
        }
    }

    @Test("createContainer has the container's mounts at the host's paths; startContainer its root and its rights")
    func places() throws {
        let scene = try HookScene("/bin/cat", "/made")
        let rootfs = scene.bundle.path + "/rootfs"
        try scene.add(
            "createContainer",
            """
            grep -c ' \(rootfs)/proc proc ' /proc/self/mounts >> $LOG
            test -e \(rootfs)/log/out && hostname >> $LOG
            echo made > \(rootfs)/made
            """)
        try scene.add(
            "startContainer",
            "echo $$ $(ls / | grep -c log) $(grep CapEff /proc/self/status | cut -f2) $(id -u) >> $LOG")
        scene.bundle.set("hostname", "inside")
        scene.bundle.set("process/capabilities", ["bounding": ["CAP_KILL"]])
        scene.bundle.set("process/user/uid", 1234)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: scene.log)
        #expect(Perigee.shell("touch \(scene.log)/out; chmod 666 \(scene.log)/out").status == 0)
        let outcome = try scene.run()
        #expect(outcome.status == 0 && outcome.output == "made\n", "\(outcome)")
        let told = scene.told()
        #expect(told.count == 3 && told[0] == "1" && told[1] == "inside", "\(told)")
        #expect(told.last?.hasSuffix(" 1 0000000000000000 1234") == true, "\(told)")
        // Nothing of it was mounted on the host.
        #expect(!Perigee.shell("cat /proc/self/mounts").output.contains(rootfs))
        #expect(try scene.left() == [])
    }

    @Test("in a user namespace the container's hooks are its root's")
    func userNamespace() throws {
        let scene = try HookScene("/bin/true")
        var namespaces = (scene.bundle.config["linux"] as? [String: Any])?["namespaces"] as? [[String: Any]] ?? []
        namespaces.append(["type": "user"])
        scene.bundle.set("linux/namespaces", namespaces)
        let map: [[String: Any]] = [["containerID": 0, "hostID": 100_000, "size": 65536]]
        scene.bundle.set("linux/uidMappings", map)
        scene.bundle.set("linux/gidMappings", map)
        try FileManager.default.setAttributes([.ownerAccountID: 100_000], ofItemAtPath: scene.bundle.path + "/rootfs")
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: scene.log)
        for kind in ["createRuntime", "createContainer", "startContainer"] {
            try scene.add(kind, "echo $0 $(id -u) $(awk '{print $2; exit}' /proc/self/uid_map) >> $LOG.$0")
        }
        let outcome = try scene.run()
        #expect(outcome.status == 0, "\(outcome)")
        let told = Perigee.shell("cat \(scene.log)/out.*").output.split(separator: "\n")
        #expect(told == ["createContainer 0 100000", "createRuntime 0 0", "startContainer 0 100000"], "\(told)")
    }

    @Test("who fails is named with code and words, the container ends, and poststop is run", arguments: HookScene.kinds)
    func failure(kind: String) throws {
        let scene = try HookScene("/bin/sleep", "100")
        try scene.add(kind, "echo because >&2; sleep 7659 & exit 3")
        if kind != "poststop" { try scene.add(kind, "echo too far >> $LOG") }
        try scene.add("poststop", "echo end >> $LOG")
        let words = "\(kind) hook 0, '\(kind == "startContainer" ? "/bin/busybox" : "/bin/sh")': exit code 3"
        let atCreation = ["prestart", "createRuntime", "createContainer"].contains(kind)
        let created = try scene.create()
        if atCreation {
            #expect(created.status == 1 && created.errors.contains(words), "\(created)")
            #expect(created.errors.contains("it wrote: because"), "\(created)")
        } else {
            #expect(created.status == 0, "\(created)")
            let started = scene.perigee("start", "c")
            if kind != "poststop" {
                #expect(started.status == 1 && started.errors.contains(words), "\(started)")
                #expect(scene.wait { scene.state("status") as? String == "stopped" })
                #expect(scene.told() == [])
            }
            let deleted = scene.perigee("delete", "--force", "c")
            #expect(deleted.status == 0, "\(deleted)")
            #expect(deleted.errors.contains("warning: " + words) == (kind == "poststop"), "\(deleted)")
        }
        #expect(scene.told() == ["end"])
        #expect(try scene.left() == [])
        // By one command.
        if kind == "poststop" { scene.bundle.set("process/args", ["/bin/true"]) }
        let ran = try scene.run()
        #expect(ran.status == (kind == "poststop" ? 0 : 1) && ran.errors.contains(words), "\(ran)")
        #expect(scene.told() == ["end"])
        #expect(try scene.left() == [])
        #expect(Perigee.shell("pgrep -f '^sleep 7659$'").output.isEmpty)
    }

    @Test("after its timeout a hook is killed with its process group", arguments: HookScene.kinds)
    func timeout(kind: String) throws {
        let scene = try HookScene("/bin/sleep", kind == "poststop" ? "0" : "100")
        try scene.add(kind, "sleep 7661 & wait", timeout: 1)
        let began = Date()
        let outcome = try scene.run()
        #expect(outcome.errors.contains("\(kind) hook 0"), "\(outcome)")
        #expect(outcome.errors.contains("killed after its timeout, 1 second"), "\(outcome)")
        #expect(outcome.status == (kind == "poststop" ? 0 : 1))
        #expect((1...8).contains(Date().timeIntervalSince(began)))
        #expect(Perigee.shell("pgrep -f '^sleep 7661$'").output.isEmpty)
        #expect(try scene.left() == [])
    }

    @Test("a hook that is not there is an error that says so", arguments: HookScene.kinds)
    func missing(kind: String) throws {
        let scene = try HookScene("/bin/true")
        scene.bundle.set("hooks", [kind: [["path": "/no/such/hook"]]])
        let outcome = try scene.run()
        #expect(outcome.errors.contains("\(kind) hook 0, '/no/such/hook': "), "\(outcome)")
        #expect(outcome.errors.contains("no such file or directory"), "\(outcome)")
        #expect(outcome.status == (kind == "poststop" ? 0 : 1))
        #expect(try scene.left() == [])
    }

    @Test("a hook may write much, read nothing, and leave a daemon with its streams: none of it holds the container up")
    func streams() throws {
        let scene = try HookScene("/bin/true")
        scene.bundle.set("annotations", ["large": String(repeating: "x", count: 300_000)])
        try scene.add("createRuntime", "head -c 3000000 /dev/zero; head -c 300000 /dev/zero >&2; sleep 3 &")
        try scene.add("poststart", "test $(wc -c) -gt 300000 && setsid sleep 3 &\nexit 0")
        let began = Date()
        let outcome = try scene.run()
        #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.isEmpty, "\(outcome)")
        #expect(Date().timeIntervalSince(began) < 2.5)
    }

    @Test("during a hook the container is creating, with its process, and can be killed")
    func creating() throws {
        let scene = try HookScene("/bin/true")
        try scene.add("createContainer", "echo here >> $LOG; sleep 7662")
        try scene.add("poststop", "echo end >> $LOG")
        let run = try scene.start()
        #expect(scene.wait { FileManager.default.fileExists(atPath: scene.log + "/out") })
        #expect(scene.state("status") as? String == "creating")
        let pid = try #require(scene.state("pid") as? Int)
        #expect(FileManager.default.fileExists(atPath: "/proc/\(pid)/ns/mnt"))
        #expect(scene.perigee("start", "c").errors.contains("it is creating"))
        #expect(scene.perigee("list").output.contains("creating"))
        #expect(scene.perigee("delete", "--force", "c").status == 0)
        run.waitUntilExit()
        #expect(run.terminationStatus == 1)
        #expect(scene.told() == ["here", "end"])
        #expect(try scene.left() == [])
    }

    @Test("a signal calls a container off that waits for a hook")
    func calledOff() throws {
        let scene = try HookScene("/bin/true")
        try scene.add("createRuntime", "echo here >> $LOG; sleep 7663")
        let run = try scene.start()
        #expect(scene.wait { FileManager.default.fileExists(atPath: scene.log + "/out") })
        run.terminate()
        run.waitUntilExit()
        #expect(run.terminationStatus == 1)
        #expect(try scene.left() == [])
        #expect(Perigee.shell("pgrep -f '^sleep 7663$'").output.isEmpty)
    }

    @Test("a runtime that is killed in a hook: the next command removes the container and runs poststop, once")
    func killed() throws {
        for kind in ["createRuntime", "createContainer", "startContainer", "poststart"] {
            let scene = try HookScene("/bin/sleep", "7664")
            try scene.add(kind, "echo here >> $LOG; exec sleep 7665")
            try scene.add("poststop", "echo end >> $LOG")
            let run = try scene.start()
            // What is there is not written yet.
            let out = scene.log + "/out"
            #expect(scene.wait { (try? String(contentsOfFile: out, encoding: .utf8)) == "here\n" }, "\(kind)")
            kill(run.processIdentifier, SIGKILL)
            run.waitUntilExit()
            for _ in 1...2 {
                let next = scene.perigee("image", "list")
                #expect(next.status == 0 && next.errors.isEmpty, "\(next)")
            }
            #expect(scene.told() == ["here", "end"], "\(kind)")
            #expect(try scene.left() == [], "\(kind)")
            #expect(Perigee.shell("pgrep -f '^(/bin/)?sleep 766[45]$'").output.isEmpty, "\(kind)")
        }
    }

    @Test("while a start waits for a hook others see the container, and kill ends both")
    func duringStart() throws {
        let scene = try HookScene("/bin/true")
        try scene.add("startContainer", "echo here >> $LOG; sleep 7666")
        #expect(try scene.create().status == 0)
        let start = Process()
        start.executableURL = URL(fileURLWithPath: Perigee.binary)
        start.arguments = Array(scene.own.command(["start", "c"]).dropFirst())
        start.standardError = FileHandle.nullDevice
        try start.run()
        #expect(scene.wait { FileManager.default.fileExists(atPath: scene.log + "/out") })
        #expect(scene.state("status") as? String == "created")
        #expect(scene.perigee("kill", "c", "KILL").status == 0)
        start.waitUntilExit()
        #expect(start.terminationStatus == 1)
        #expect(scene.perigee("delete", "c").status == 0)
        #expect(try scene.left() == [])
    }

    @Test("the plan and the timeline show hooks as steps")
    func shown() throws {
        let scene = try HookScene("/bin/true")
        for kind in HookScene.kinds { try scene.add(kind, ":", timeout: 5, env: ["A=b"]) }
        try scene.bundle.write()
        let plan = scene.perigee("run", "-b", scene.bundle.path, "--explain", "c").output
        let file = scene.log + "/timeline"
        #expect(scene.perigee("run", "-b", scene.bundle.path, "--timeline=\(file)", "c").status == 0)
        let timeline = try String(contentsOfFile: file, encoding: .utf8)
        for kind in HookScene.kinds {
            let line = plan.split(separator: "\n").first { $0.contains("\(kind) hook 0: ") }
            #expect(line?.contains("with A=b, 5 seconds at most") == true, "\(plan)")
            #expect(timeline.contains("\(kind) hook 0: ") == (kind != "poststop"), "\(timeline)")
        }
        let parked = scene.perigee("create", "-b", scene.bundle.path, "--explain", "c").output
        #expect(parked.contains("createContainer hook 0") && !parked.contains("startContainer hook"))
    }
}
