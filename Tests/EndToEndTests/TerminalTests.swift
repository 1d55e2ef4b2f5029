import Foundation
import Testing

/// Terminals of containers, and what engines hand over: Launching.md, "Terminals". Who sits at them is `terminal.py`.
@Suite(.serialized) struct TerminalTests {
    /// A bundle with a terminal, and a root of its own.
    private final class Room {
        var bundle: TestBundle
        let own: Perigee

        /// `script` is the command of the container.
        init(_ script: String = "sleep 100", terminal: Bool = true) throws {
            bundle = try TestBundle()
            own = Perigee(directory: Perigee.shared.directory + "/terminal-\(UUID().uuidString)")
            bundle.set("process/terminal", terminal)
            try runs(script)
        }

        deinit { try? FileManager.default.removeItem(atPath: own.directory) }

        func runs(_ script: String) throws {
            bundle.set("process/args", ["/bin/sh", "-c", script])
            try bundle.write()
        }

        /// A name for a socket that is there for one command.
        func socket() -> String { Perigee.shared.directory + "/s-\(UUID().uuidString.prefix(8))" }

        func line(_ words: [String]) -> String {
            own.command(words).map { "'\($0.replacing("'", with: "'\\''"))'" }.joined(separator: " ")
        }

        /// Somebody at a terminal of 30 rows and 100 columns, who runs `words`.
        func sits(_ actions: String..., running words: [String]) -> Perigee.Outcome {
            play(["at", "30x100"] + actions, words)
        }

        /// Somebody who takes the terminal of what `words` begin, over a socket.
        func takes(_ actions: String..., running words: [String]) -> Perigee.Outcome {
            let path = socket()
            defer { try? FileManager.default.removeItem(atPath: path) }
            return play(["socket", path] + actions, [words[0], "--console-socket", path] + words.dropFirst())
        }

        private func play(_ actions: [String], _ words: [String]) -> Perigee.Outcome {
            let script = Perigee.package.appending(path: "Tests/terminal.py").path
            return Perigee.execute(["python3", script] + actions + ["--"] + own.command(words))
        }

        /// State directories, and groups of this root.
        func left() throws -> [String] {
            let states = try FileManager.default.contentsOfDirectory(atPath: own.root).filter { !$0.hasPrefix("@") }
            let groups = Perigee.shell("find /sys/fs/cgroup -type d -name '\(own.identifier).*' 2>/dev/null").output
            return states + groups.split(separator: "\n").map(String.init)
        }
    }

    private static let look = """
        tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all; stat -c '%F %t:%T' /dev/console
        stat -c '%u %g %a %t:%T' /dev/pts/0; echo controlled > /dev/tty; ls -1 /proc/self/fd | wc -l
        """
    private static let seen = "/dev/pts/0\n30 100\nall\ncharacter special file 88:0\n0 5 620 88:0\ncontrolled\n4\n"

    // MARK: run

    @Test("run at a terminal: a terminal of the same size, which is the console, and nothing else open")
    func run() throws {
        let room = try Room(Self.look + "; sleep 0.5")
        let outcome = room.sits("raw", "end", "cooked", running: ["run", "-b", room.bundle.path, "c"])
        #expect(outcome.output == Self.seen + "status 0\n", "\(outcome)")
        #expect(try room.left() == [])
    }

    @Test("it is the user's, with a read-only root and in a user namespace too")
    func owner() throws {
        let room = try Room("id -u; stat -c '%u %g %a' /dev/pts/0 /dev/console; echo x > /dev/console")
        room.bundle.set("process/user", ["uid": 1000, "gid": 1000])
        room.bundle.set("root/readonly", true)
        try room.bundle.write()
        let words = ["run", "-b", room.bundle.path, "c"]
        let expected = "1000\n1000 5 620\n1000 5 620\nx\nstatus 0\n"
        #expect(room.sits("end", running: words).output == expected)
        let map = [["containerID": 0, "hostID": 100000, "size": 65536]]
        room.bundle.set("linux/uidMappings", map)
        room.bundle.set("linux/gidMappings", map)
        let linux = room.bundle.config["linux"] as? [String: Any]
        let namespaces = linux?["namespaces"] as? [[String: Any]] ?? []
        room.bundle.set("linux/namespaces", namespaces + [["type": "user"]])
        room.bundle.set("root/readonly", false)
        try room.bundle.write()
        _ = Perigee.shell("chmod 755 \(Perigee.shared.directory) \(room.bundle.path)")
        let outcome = room.sits("end", running: words)
        #expect(outcome.output == expected, "\(outcome)")
        #expect(try room.left() == [])
    }

    @Test("keys go through, Ctrl-C among them, and a change of the size")
    func keys() throws {
        let room = try Room(
            """
            trap 'stty size' WINCH; trap 'echo interrupted; exit 7' INT; echo ready
            while :; do read x && echo "got $x"; done
            """)
        let words = ["run", "-b", room.bundle.path, "c"]
        let outcome = room.sits(
            "expect:ready", "raw", "size:41x77", "expect:41 77", "type:a b\\n", "expect:got a b", "type:\\x03",
            "expect:interrupted", "end", "cooked", running: words)
        #expect(outcome.output.hasSuffix("status 7\n"), "\(outcome)")
        #expect(try room.left() == [])
    }

    @Test("a megabyte is shown to its last byte, and typed")
    func amount() throws {
        let room = try Room("stty -opost; head -c 1000000 /dev/zero | tr '\\0' x; echo; printf end")
        let words = ["run", "-b", room.bundle.path, "c"]
        let shown = room.sits("bytes:1000004", "cooked", running: words)
        #expect(shown.output.hasSuffix("x\nendstatus 0\n"), "\(shown.output.suffix(100))")
        // To a file, and to a pipe whose reader is slow.
        let line = room.line(words)
        #expect(
            Perigee.shell("\(line) > \(room.own.directory)/out; wc -c < \(room.own.directory)/out").output
                == "1000004\n")
        #expect(Perigee.shell("\(line) | (sleep 0.3; wc -c)").output == "1000004\n")
        try room.runs("stty raw -echo; echo ready; head -c 300000 | md5sum")
        let text = String(repeating: "0123456789", count: 30000)
        let sum = Perigee.shell("printf 0123456789%.0s $(seq 30000) | md5sum").output
        // An argument has its limit.
        let typed = stride(from: 0, to: text.count, by: 100_000).map { _ in "type:" + text.prefix(100_000) }
        let script = Perigee.package.appending(path: "Tests/terminal.py").path
        let outcome = Perigee.execute(
            ["python3", script, "at", "30x100", "expect:ready"] + typed + ["end", "--"] + room.own.command(words))
        #expect(outcome.output == "ready\n\(sum)status 0\n", "\(outcome.output.suffix(200))")
        #expect(try room.left() == [])
    }

    @Test("without a terminal of the caller's: a terminal all the same, which ends with the input")
    func pipes() throws {
        let room = try Room("test -t 0 && echo terminal; stty -echo; sed 's/^/got /'; echo; echo over")
        let line = room.line(["run", "-b", room.bundle.path, "c"])
        #expect(Perigee.shell("echo a | \(line)").output.replacing("\r\n", with: "\n").hasSuffix("got a\n\nover\n"))
        #expect(
            Perigee.shell("printf 'a\\nb' | \(line)").output.replacing("\r\n", with: "\n").hasSuffix("got b\nover\n"))
        #expect(Perigee.shell("\(line) < /dev/null").output.replacing("\r\n", with: "\n") == "terminal\n\nover\n")
        // A reader that goes does not end the container.
        try room.runs("for i in $(seq 20000); do echo $i; done; exit 3")
        #expect(Perigee.shell("{ \(line) < /dev/null; echo $? >&2; } | head -n 1").errors == "3\n")
        #expect(try room.left() == [])
    }

    @Test("the caller's terminal is given back, whatever ends the command", arguments: ["TERM", "INT", "HUP", "USR1"])
    func signals(name: String) throws {
        let room = try Room("trap 'exit 9' \(name); echo ready; while :; do sleep 0.05; done")
        let words = ["run", "-b", room.bundle.path, "c"]
        let outcome = room.sits("expect:ready", "raw", "signal:\(name)", "end", "cooked", running: words)
        #expect(outcome.output.hasSuffix("status 9\n"), "\(outcome)")
        #expect(try room.left() == [])
    }

    @Test("and whatever kills it", arguments: ["SEGV", "ABRT", "XCPU", "QUIT", "RTMIN"])
    func deadly(name: String) throws {
        let room = try Room("trap 'exit 3' QUIT; echo ready; while :; do sleep 0.05; done")
        let words = ["run", "-b", room.bundle.path, "c"]
        let outcome = room.sits("expect:ready", "raw", "signal:\(name)", "end", "cooked", running: words)
        #expect(outcome.status == 0, "\(outcome)")
        // The repair of the next command takes what is left.
        #expect(room.own.run(["image", "list"]).errors.isEmpty)
        #expect(try room.left() == [])
    }

    @Test("stopped, it gives the terminal back; continued, it takes it and its size")
    func jobControl() throws {
        let room = try Room("trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.05; done")
        let outcome = room.sits(
            "expect:ready", "raw", "signal:TSTP", "stopped", "cooked", "size:20x50", "signal:CONT", "raw",
            "expect:20 50", "end", "cooked", running: ["run", "-b", room.bundle.path, "c"])
        #expect(outcome.output.hasSuffix("status 5\n"), "\(outcome)")
    }

    @Test("a command that can't be executed leaves the terminal as it was, and says why")
    func noCommand() throws {
        let room = try Room()
        room.bundle.set("process/args", ["/nosuch"])
        try room.bundle.write()
        let outcome = room.sits("expect:no such file", "end", "cooked", running: ["run", "-b", room.bundle.path, "c"])
        #expect(outcome.output.contains("perigee: exec \"/nosuch\"") && outcome.output.hasSuffix("status 1\n"))
        #expect(try room.left() == [])
    }

    @Test("who gives up a terminal that nobody has open may open it again")
    func hungUp() throws {
        let room = try Room(
            "exec < /dev/null > /dev/null 2>&1; sleep 0.3; exec > /dev/console; echo again; sleep 0.1; echo end")
        let outcome = room.sits("expect:again", "end", running: ["run", "-b", room.bundle.path, "c"])
        #expect(outcome.output == "again\nend\nstatus 0\n", "\(outcome)")
    }

    // MARK: create and the console socket

    @Test("created, the terminal goes to the console socket, before the command is started")
    func create() throws {
        let room = try Room(Self.look + "; echo ready; read x; echo got $x; exit 4")
        room.bundle.set("process/consoleSize", ["height": 30, "width": 100])
        try room.bundle.write()
        let outcome = room.takes(
            "run:\(room.line(["start", "c"]))", "expect:ready", "type:abc\\n", "expect:got abc", "end",
            running: ["create", "-b", room.bundle.path, "c"])
        let expected = Self.seen + "ready\nabc\ngot abc\nname /dev/ptmx\nstatus 0\n"
        #expect(outcome.output == expected, "\(outcome)")
        #expect(room.own.run(["delete", "--force", "c"]).status == 0)
        #expect(try room.left() == [])
    }

    @Test("a path of any length, and one that a link leads to")
    func longSocket() throws {
        let room = try Room("echo hello")
        let directory = room.own.directory + "/" + String(repeating: "d", count: 150)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = room.socket()
        try FileManager.default.createSymbolicLink(atPath: directory + "/s", withDestinationPath: path)
        let script = Perigee.package.appending(path: "Tests/terminal.py").path
        let outcome = Perigee.execute(
            ["python3", script, "socket", path, "run:\(room.line(["start", "c"]))", "expect:hello", "end", "--"]
                + room.own.command(["create", "-b", room.bundle.path, "--console-socket", directory + "/s", "c"]))
        #expect(outcome.status == 0, "\(outcome)")
        #expect(room.own.run(["delete", "--force", "c"]).status == 0)
    }

    @Test("a parked container whose terminal's holder goes can be started, and deleted")
    func droppedSocket() throws {
        let room = try Room("echo lost; test -t 0 || exit 3")
        for isStarted in [true, false] {
            #expect(room.takes("drop", running: ["create", "-b", room.bundle.path, "c"]).status == 0)
            if isStarted { #expect(room.own.run(["start", "c"]).status == 0) }
            #expect(room.own.run(["delete", "--force", "c"]).status == 0)
            #expect(try room.left() == [])
        }
    }

    @Test("run --detach: created and started, with a terminal and without; what fails leaves nothing")
    func detach() throws {
        let room = try Room("echo hello; read x; exit")
        let pidFile = room.own.directory + "/pid"
        let words = ["run", "--detach", "--pid-file", pidFile, "-b", room.bundle.path, "c"]
        let outcome = room.takes(
            "expect:hello", "run:\(room.line(["state", "c"])) | grep running", "type:x\\n", "end", running: words)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(Int(try String(contentsOfFile: pidFile, encoding: .utf8)) != nil)
        #expect(room.own.run(["delete", "--force", "c"]).status == 0)
        #expect(room.own.run(words).errors.contains("--console-socket PATH"))
        room.bundle.set("process/terminal", false)
        try room.runs("sleep 100")
        #expect(room.own.run(words).status == 0)
        #expect(room.own.run(["exec", "c", "echo", "in"]).output == "in\n")
        #expect(room.own.run(["delete", "--force", "c"]).status == 0)
        room.bundle.set("process/args", ["./script"])
        try room.bundle.write()
        let script = room.bundle.path + "/rootfs/script"
        try "#!/nosuch/interpreter\n".write(toFile: script, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        let failed = room.own.run(words)
        #expect(failed.status == 1 && failed.errors.contains("/nosuch/interpreter"), "\(failed)")
        #expect(room.own.run(["run", "-d", "--json", "-b", room.bundle.path, "c"]).status == 2)
        #expect(try room.left() == [])
    }

    @Test("what does not go together is refused, and leaves nothing")
    func refused() throws {
        let room = try Room()
        func says(_ words: String, _ options: String...) {
            let outcome = room.own.run([options[0], "-b", room.bundle.path] + options.dropFirst() + ["c"])
            #expect(outcome.status == 1 && outcome.errors.contains(words), "\(outcome)")
        }
        says("nobody to take its other end", "create")
        says("nobody to take its other end", "run", "-d")
        says("--console-socket /nosuch: openat(2) /nosuch: ENOENT", "create", "--console-socket", "/nosuch")
        says("--console-socket /etc/passwd: connect(2)", "create", "--console-socket", "/etc/passwd")
        says("--pidfd-socket /etc/passwd: connect(2)", "run", "--pidfd-socket", "/etc/passwd")
        room.bundle.set("process/terminal", false)
        try room.bundle.write()
        says("the process has no terminal", "create", "--console-socket", "/nosuch")
        says("the process has no terminal", "run", "--console-socket", "/nosuch")
        #expect(try room.left() == [])
    }

    // MARK: exec

    @Test("exec -t: at a terminal, and over a socket; the container's own process has none")
    func exec() throws {
        let room = try Room(terminal: false)
        #expect(room.own.run(["run", "-d", "-b", room.bundle.path, "c"]).status == 0)
        let look = "tty; stty size; echo $TERM; echo controlled > /dev/tty; test -e /dev/console || echo no console"
        var outcome = room.sits(
            "raw", "end", "cooked", running: ["exec", "-t", "c", "sh", "-c", look + "; sleep 0.5; exit 6"])
        #expect(outcome.output == "/dev/pts/0\n30 100\nxterm\ncontrolled\nno console\nstatus 6\n", "\(outcome)")
        outcome = room.sits("end", running: ["exec", "-t", "-e", "TERM=vt100", "c", "sh", "-c", "echo $TERM; id -u"])
        #expect(outcome.output == "vt100\n0\nstatus 0\n", "\(outcome)")
        outcome = room.sits(
            "end",
            running: ["exec", "-t", "-u", "1000:1000", "c", "sh", "-c", "stat -c '%u %g' $(tty); echo x > $(tty)"])
        #expect(outcome.output == "1000 5\nx\nstatus 0\n", "\(outcome)")
        // Without -t it has what the caller has.
        #expect(room.own.run(["exec", "c", "tty"]).output == "not a tty\n")
        for words in [["exec", "-d", "-t"], ["exec", "-t"]] {
            let taken = room.takes(
                "expect:hello", "end", running: words + ["c", "sh", "-c", "stty -opost; sleep 0.2; echo hello"])
            #expect(taken.output == "hello\nname /dev/ptmx\nstatus 0\n", "\(taken)")
        }
        let file = room.own.directory + "/process.json"
        try
            #"{"cwd": "/", "args": ["stty", "size"], "terminal": true, "env": ["PATH=/bin"], "consoleSize": {"height": 9, "width": 8}}"#
            .write(toFile: file, atomically: false, encoding: .utf8)
        let taken = room.takes("expect:9 8", "end", running: ["exec", "-d", "--process", file, "c"])
        #expect(taken.status == 0, "\(taken)")
        #expect(room.own.run(["exec", "-d", "-t", "c", "true"]).errors.contains("--console-socket PATH"))
        #expect(room.own.run(["exec", "--console-socket", "/x", "c", "true"]).errors.contains("no terminal"))
        // What stays behind does not keep the command.
        outcome = room.sits("end", running: ["exec", "-t", "c", "sh", "-c", "trap '' HUP; sleep 50 & echo done"])
        #expect(outcome.output == "done\nstatus 0\n", "\(outcome)")
        #expect(room.own.run(["delete", "--force", "c"]).status == 0)
        #expect(try room.left() == [])
    }

    // MARK: hostile images and containers

    @Test("where a terminal must be, a link or another device is not followed")
    func hostileImage() throws {
        let outside = Perigee.shared.directory + "/outside"
        try "untouched".write(toFile: outside, atomically: false, encoding: .utf8)
        func refuses(_ make: String, _ words: String, keeping mounts: Set<String>) throws {
            let room = try Room("echo ran")
            let all = room.bundle.config["mounts"] as? [[String: Any]] ?? []
            room.bundle.set("mounts", all.filter { mounts.contains($0["destination"] as? String ?? "") })
            try room.bundle.write()
            let made = Perigee.shell("cd \(room.bundle.path)/rootfs && mkdir -p dev && cd dev && \(make)")
            try #require(made.status == 0, "\(made)")
            let outcome = room.own.run(["run", "-b", room.bundle.path, "c"])
            #expect(outcome.status == 1 && outcome.errors.contains(words), "\(make): \(outcome)")
            #expect(!outcome.output.contains("ran"))
            #expect(try room.left() == [])
        }
        // The image's own /dev: with a devpts and without.
        try refuses("rm -f console && ln -s ../../outside console", "ELOOP", keeping: ["/proc", "/dev/pts"])
        try refuses("rm -f console && ln -s /etc/passwd console", "ELOOP", keeping: ["/proc", "/dev/pts"])
        try refuses("rm -rf console && mkdir console", "move_mount(2) /dev/console", keeping: ["/proc", "/dev/pts"])
        try refuses("rm -rf pts && mkdir pts && mkfifo pts/ptmx", "ENODEV", keeping: ["/proc"])
        try refuses("rm -rf pts && mkdir pts && mknod pts/ptmx c 5 2", "ENODEV", keeping: ["/proc"])
        try refuses("rm -rf pts && ln -s /dev pts", "ELOOP", keeping: ["/proc"])
        try refuses("rm -rf pts", "ENOENT", keeping: ["/proc"])
        #expect(try String(contentsOfFile: outside, encoding: .utf8) == "untouched")
    }

    @Test("a container that covers its ptmx gets no exec -t, and nobody else's")
    func hostileContainer() throws {
        let room = try Room(terminal: false)
        let all = ["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_DAC_OVERRIDE"]
        room.bundle.set(
            "process/capabilities", ["bounding": all, "effective": all, "permitted": all, "inheritable": []])
        room.bundle.set("linux/seccomp", nil)
        try room.bundle.write()
        #expect(room.own.run(["run", "-d", "-b", room.bundle.path, "c"]).status == 0)
        func inside(_ script: String) -> Perigee.Outcome { room.own.run(["exec", "c", "sh", "-c", script]) }
        #expect(room.own.run(["exec", "-t", "c", "tty"]).output == "/dev/pts/0\r\n")
        let cover = inside("mkfifo /dev/fifo && mount -o bind /dev/fifo /dev/pts/ptmx")
        try #require(cover.status == 0, "\(cover)")
        var outcome = room.own.run(["exec", "-t", "c", "echo", "ran"])
        #expect(outcome.status == 255 && outcome.errors.contains("EXDEV"), "\(outcome)")
        #expect(inside("umount /dev/pts/ptmx && umount /dev/pts && mkfifo /dev/pts/ptmx").status == 0)
        outcome = room.own.run(["exec", "-t", "c", "echo", "ran"])
        #expect(outcome.status == 255 && outcome.errors.contains("ENODEV"), "\(outcome)")
        #expect(inside("rm -r /dev/pts && ln -s /proc/1/fd /dev/pts").status == 0)
        outcome = room.own.run(["exec", "-t", "c", "echo", "ran"])
        #expect(outcome.status == 255 && outcome.errors.contains("ELOOP"), "\(outcome)")
        #expect(room.own.run(["delete", "--force", "c"]).status == 0)
        #expect(try room.left() == [])
    }

    // MARK: descriptors, the pidfd, the keyring

    @Test("--preserve-fds: so many and no others, also to a parked command and to exec; LISTEN_FDS comes before")
    func descriptors() throws {
        let room = try Room("ls -1 /proc/self/fd; cat <&3 <&4; echo $LISTEN_FDS $LISTEN_PID", terminal: false)
        let files = [3, 4, 5].map { number -> String in
            let path = room.own.directory + "/file-\(number)"
            try? "\(number)\n".write(toFile: path, atomically: false, encoding: .utf8)
            return "\(number)<\(path)"
        }.joined(separator: " ")
        func run(_ words: [String], _ before: String = "") -> Perigee.Outcome {
            Perigee.shell("exec \(files); \(before) exec \(room.line(words))")
        }
        let bundle = ["-b", room.bundle.path]
        let list = "0\n1\n2\n3\n4\n5\n4\n"  // 5 is that of ls itself; the last input counts
        #expect(run(["run", "--preserve-fds", "2"] + bundle + ["c"]).output == list + "\n")
        #expect(
            run(["run", "--preserve-fds=1"] + bundle + ["c"], "export LISTEN_FDS=1 LISTEN_PID=$$;").output
                == list + "1 1\n")
        // Of another process's.
        #expect(
            run(["run", "--preserve-fds=2"] + bundle + ["c"], "export LISTEN_FDS=1 LISTEN_PID=1;").output
                == list + "\n")
        let missing = run(["run", "--preserve-fds", "4"] + bundle + ["c"])
        #expect(missing.status == 1 && missing.errors.contains("descriptor 6 is not open"), "\(missing)")
        #expect(run(["run", "--preserve-fds", "x"] + bundle + ["c"]).status == 2)
        let out = room.own.directory + "/out"
        let created = Perigee.shell(
            "exec \(files); \(room.line(["create", "--preserve-fds", "2"] + bundle + ["c"])) > \(out)")
        #expect(created.status == 0, "\(created)")
        #expect(room.own.run(["start", "c"]).status == 0)
        #expect(eventually { (try? String(contentsOfFile: out, encoding: .utf8)) == list + "\n" })
        #expect(room.own.run(["delete", "--force", "c"]).status == 0)
        try room.runs("sleep 100")
        #expect(room.own.run(["run", "-d"] + bundle + ["c"]).status == 0)
        let script = "ls -1 /proc/self/fd; cat <&3"
        #expect(run(["exec", "--preserve-fds", "1", "c", "sh", "-c", script]).output == "0\n1\n2\n3\n4\n3\n")
        #expect(room.own.run(["delete", "--force", "c"]).status == 0)
        #expect(try room.left() == [])
    }

    @Test("--pidfd-socket has the pidfd of the container's process", arguments: ["create", "run", "exec"])
    func pidfd(verb: String) throws {
        let room = try Room("sleep 100", terminal: false)
        let path = room.socket()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var words = [verb, "--pidfd-socket", path]
        if verb == "exec" {
            #expect(room.own.run(["run", "-d", "-b", room.bundle.path, "c"]).status == 0)
            words += ["c", "sleep", "100"]
        } else {
            words += ["-b", room.bundle.path, "c"]
        }
        let script = """
            import array, signal, socket, subprocess, sys
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1])
            listener.listen(1)
            command = subprocess.Popen(sys.argv[2:])
            message, control, _, _ = listener.accept()[0].recvmsg(100, 100)
            pidfd = array.array("i", control[0][2])[0]
            if sys.argv[2:][-2:] != ["sleep", "100"] and "create" in sys.argv: command.wait()
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            print(message.decode(), command.wait())
            """
        let outcome = Perigee.execute(["python3", "-c", script, path] + room.own.command(words))
        #expect(outcome.output == "pidfd \(verb == "create" ? 0 : 137)\n", "\(outcome)")
        _ = room.own.run(["delete", "--force", "c"])
        #expect(try room.left() == [])
    }

    @Test("--no-new-keyring leaves the caller's keyring, to what is executed later too")
    func keyring() throws {
        let room = try Room("sleep 100", terminal: false)
        let trace = room.own.directory + "/trace"
        func joins(_ words: [String]) -> Int {
            let line = ["strace", "-f", "-qq", "-e", "trace=keyctl", "-o", trace] + room.own.command(words)
            #expect(Perigee.execute(line).status == 0)
            let text = (try? String(contentsOfFile: trace, encoding: .utf8)) ?? ""
            return text.components(separatedBy: "KEYCTL_JOIN_SESSION_KEYRING").count - 1
        }
        for (options, count) in [([], 1), (["--no-new-keyring"], 0)] as [([String], Int)] {
            try room.runs("true")
            #expect(joins(["run"] + options + ["-b", room.bundle.path, "c"]) == count)
            try room.runs("sleep 100")
            #expect(room.own.run(["create"] + options + ["-b", room.bundle.path, "c"]).status == 0)
            #expect(room.own.run(["start", "c"]).status == 0)
            #expect(joins(["exec", "c", "true"]) == count)
            #expect(room.own.run(["delete", "--force", "c"]).status == 0)
        }
        #expect(try room.left() == [])
    }
}
