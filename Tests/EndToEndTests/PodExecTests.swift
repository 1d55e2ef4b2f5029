import Foundation
import Testing

/// `pod exec` and `pod attach`: C19 and C28.
@Suite(.serialized) struct PodExecTests {
    /// A tenant with a pod `p` that runs.
    private func running(_ name: String, _ words: String...) throws -> TestTenant {
        let tenant = TestTenant(name)
        let submitted = tenant.perigee.run(
            ["pod", "run", "--image", "demo-host", "-d", "--tenant", name, "--name", "p"] + words)
        try #require(submitted.status == 0, "\(submitted.errors)")
        try tenant.await("p") { $0.phase == "Running" }
        return tenant
    }

    /// `pod VERB p` as somebody does it at a terminal, with what `terminal.py` has him do.
    private func sits(_ tenant: TestTenant, _ actions: [String], _ verb: String, _ words: [String]) -> Perigee.Outcome {
        let script = Perigee.package.appending(path: "Tests/terminal.py").path
        let command = tenant.perigee.command(["pod", verb, "--tenant", tenant.name, "p"] + words)
        return Perigee.execute(["python3", script, "at", "30x100"] + actions + ["--"] + command)
    }

    // MARK: exec

    /// What is the same of the pod's command, which the script writes to /data, and of one that is executed.
    private static let look = """
        id; hostname; pwd; env | sort | grep -v SHLVL; cat /proc/self/cgroup; grep -E '^(Cap|Secc|NoNew|Uid|Gid|Groups)' \
        /proc/self/status; for n in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$n; done; \
        unshare -U true 2>&1; stat -f -c %T /
        """

    @Test("It has the namespaces, cgroup, rights, user, filter and variables of the pod's command")
    func sameRights() throws {
        let tenant = try running(
            "exec-same", "-e", "LOOK=" + Self.look, "-e", "X=a b", "--memory", "64m",
            "sh -c \"$LOOK\" > /data/new; mv /data/new /data/s; exec sleep 8765")
        defer { tenant.clean() }
        let wait = "until test -e /data/s; do sleep 0.1; done"
        #expect(tenant.pod("exec", "p", "--", "sh", "-c", wait).status == 0)
        let executed = tenant.pod("exec", "p", "--", "sh", "-c", Self.look)
        #expect(executed.status == 0 && executed.errors.isEmpty, "\(executed.errors)")
        let own = tenant.pod("exec", "p", "--", "cat", "/data/s")
        #expect(own.output == executed.output && own.output.contains("Operation not permitted"), "\(own.output)")
        #expect(own.output.contains("X=a b\n") && own.output.contains("\nSeccomp:\t2\n"))
        // In the groups of the host, too.
        let first = Perigee.shell(
            "pgrep -f '^sleep 8765' | xargs -I{} cat /proc/{}/cgroup | grep \(tenant.perigee.identifier)")
        let child = tenant.perigee.command(["pod", "exec", "--tenant", tenant.name, "p", "--", "sleep", "7654"])
        let begun = Process()
        begun.executableURL = URL(fileURLWithPath: child[0])
        begun.arguments = Array(child.dropFirst())
        try begun.run()
        var second = ""
        let isThere = eventually {
            second =
                Perigee.shell(
                    "pgrep -f '^sleep 7654' | xargs -I{} cat /proc/{}/cgroup | grep \(tenant.perigee.identifier)"
                ).output
            return !second.isEmpty
        }
        #expect(isThere && first.output.contains(second), "\(first.output)\(second)")
        // It ends with the pod.
        #expect(tenant.pod("stop", "p").status == 0)
        begun.waitUntilExit()
        #expect(begun.terminationStatus == 137)
        #expect(tenant.clean() == [])
    }

    @Test("The exit code is the command's, 128 + n, 126 and 127; the standard streams are ours, input with -i")
    func codes() throws {
        let tenant = try running("exec-codes", "sleep 1000")
        defer { tenant.clean() }
        for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -USR1 $$", 138)] {
            #expect(tenant.pod("exec", "p", "--", "sh", "-c", script).status == Int32(code), "\(script)")
        }
        for (word, code) in [("/nosuch", 127), ("nosuch", 127), ("/etc", 126)] {
            let outcome = tenant.pod("exec", "p", "--", word)
            #expect(
                outcome.status == Int32(code) && outcome.errors.hasPrefix("perigee: exec \"\(word)\": "), "\(outcome)")
        }
        let both = tenant.pod("exec", "p", "--", "sh", "-c", "echo out; echo err >&2; test -t 0 || echo none")
        #expect(both.output == "out\nnone\n" && both.errors == "err\n")
        let line = tenant.perigee.command(["pod", "exec", "--tenant", tenant.name, "p"]).joined(separator: " ")
        #expect(Perigee.shell("echo in | \(line) -i -- cat").output == "in\n")
        #expect(
            Perigee.shell("for i in 1 2 3; do echo $i; done | while read i; do \(line) -- cat; echo $i; done").output
                == "1\n2\n3\n")
        #expect(Perigee.shell("head -c 3000000 /dev/zero | \(line) -i -- cat | wc -c").output == "3000000\n")
        #expect(tenant.pod("status", "p").output.contains("Running"))
    }

    @Test("Another user, working directory and variables; what a user's change takes away")
    func identity() throws {
        let tenant = try running("exec-user", "-e", "A=1", "sleep 1000")
        defer { tenant.clean() }
        let script = "id -u; id -g; pwd; echo $A $B $HOME; grep CapEff /proc/self/status"
        func run(_ words: String...) -> Perigee.Outcome {
            tenant.perigee.run(["pod", "exec", "--tenant", tenant.name, "p"] + words + ["--", "sh", "-c", script])
        }
        let none = "CapEff:\t0000000000000000\n", root = "CapEff:\t00000000a80425fb\n"
        #expect(run().output == "0\n0\n/\n1 /root\n" + root)
        #expect(
            run("-u", "app", "--cwd", "/data", "-e", "B=2", "-e", "A=3").output == "1000\n1000\n/data\n3 2 /home/app\n"
                + none)
        #expect(run("--user", "4321:17", "-e", "HOME=/data").output == "4321\n17\n/\n1 /data\n" + none)
        #expect(run("-u", "0").output == "0\n0\n/\n1 /root\n" + root)
        let unknown = run("-u", "nosuch")
        #expect(unknown.status == 2)
        #expect(
            unknown.errors
                == "perigee: --user: no user is named nosuch in the image's /etc/passwd\n"
                + "  hint: numbers need not be listed there\n")
        #expect(run("--cwd", "/nosuch").status == 125)
        // A passwd of the container's own doing is read inside its root, and can't hold us up.
        let link =
            "rm /etc/passwd; ln -s ../../../../../etc/shadow /etc/passwd; mv /etc/group /etc/g; mkfifo /etc/group"
        #expect(tenant.pod("exec", "p", "--", "sh", "-c", link).status == 0)
        let hostile = run("-u", "1")
        #expect(hostile.status == 125 && hostile.errors.contains("is not a regular file"), "\(hostile)")
        #expect(tenant.pod("exec", "p", "--", "true").status == 0)
    }

    @Test("With a terminal where we sit at one, and with -t; a pipe stays a pipe")
    func terminal() throws {
        let tenant = try running("exec-tty", "sleep 1000")
        defer { tenant.clean() }
        let script = "tty; stty size; echo $TERM; read x; echo got $x; exit 6"
        let outcome = sits(
            tenant, ["expect:xterm", "raw", "type:abc\\n", "expect:got abc", "end", "cooked"], "exec",
            ["--", "sh", "-c", script])
        #expect(
            outcome.output.hasPrefix("/dev/pts/0\n30 100\nxterm\n") && outcome.output.hasSuffix("status 6\n"),
            "\(outcome)")
        let line = tenant.perigee.command(["pod", "exec", "--tenant", tenant.name, "p"]).joined(separator: " ")
        #expect(Perigee.shell("echo | \(line) -t -- sh -c 'test -t 0 && test -t 1 && echo yes'").output.contains("yes"))
        let script2 = "\(line) -- sh -c 'test -t 1 || echo pipe' | cat"
        let piped = Perigee.execute(
            [
                "python3", Perigee.package.appending(path: "Tests/terminal.py").path, "at", "30x100", "expect:pipe",
                "end",
                "--", "sh", "-c", script2,
            ])
        #expect(piped.output == "pipe\nstatus 0\n", "\(piped)")
    }

    @Test("Refused by name: no such pod, one that waits, is paused, or has ended; and half a command line")
    func refused() throws {
        let tenant = try running("exec-not", "sleep 1000")
        defer { tenant.clean() }
        func expect(_ words: [String], _ status: Int32, _ errors: String) {
            let outcome = tenant.perigee.run(["pod", "exec", "--tenant", tenant.name] + words)
            #expect(outcome.status == status && outcome.errors == "perigee: \(errors)\n", "\(outcome)")
        }
        expect(
            ["q", "--", "id"], 125, "no such pod: q\n  hint: see `perigee pod list`, and `perigee pod list --removed`")
        expect(["p", "id"], 2, "pod exec: the command stands behind --\n  hint: perigee pod exec p -- COMMAND")
        expect(["p", "--"], 2, "pod exec: nothing stands behind --")
        expect([], 2, "pod exec: needs the pod's name, and a command behind --")
        expect(["p", "--cwd", "data", "--", "id"], 2, "pod exec: --cwd 'data' is not absolute")
        expect(["p", "-e", "A", "--", "id"], 2, "pod exec: --env 'A' is not NAME=VALUE")
        let identifier = try #require(try tenant.status("p").data["id"] as? String)
        #expect(tenant.perigee.run(["pause", identifier]).status == 0)
        #expect(try tenant.status("p").data["paused"] as? Bool == true)
        expect(["p", "--", "id"], 125, "pod 'p' is paused\n  hint: `perigee pod unpause p` lets it go on")
        #expect(tenant.perigee.run(["resume", identifier]).status == 0)
        #expect(tenant.pod("exec", "p", "--", "true").status == 0)
        #expect(tenant.pod("stop", "p").status == 0)
        let ended = "pod 'p' does not run\n  hint: `perigee pod status p` tells why"
        expect(["p", "--", "id"], 125, ended)
        tenant.submit("p", image: "not-there", "true")
        try tenant.await("p") { $0.reason == "ErrImageNeverPull" }
        expect(["p", "--", "id"], 125, ended)
        #expect(tenant.clean() == [])
    }

    @Test("After its supervisor was killed")
    func orphaned() throws {
        let tenant = try running("exec-lone", "sleep 1000")
        defer { tenant.clean() }
        #expect(tenant.killSupervisor(of: "p"))
        #expect(tenant.pod("exec", "p", "--", "hostname").output == "exec-lone-p\n")
        #expect(tenant.clean() == [])
    }

    // MARK: attach

    @Test("attach: what is printed from now on, both streams, and then the command's exit code")
    func attach() throws {
        let tenant = try running(
            "attach",
            "echo before; echo before >&2; until test -e /data/go; do sleep 0.05; done; echo out; echo err >&2; exit 3")
        defer { tenant.clean() }
        while !tenant.pod("logs", "p").errors.contains("before") { Thread.sleep(forTimeInterval: 0.02) }
        let go = "(sleep 3; touch \(tenant.perigee.store)/volumes/attach/default/go) & "
        let line = tenant.perigee.command(["pod", "attach", "--tenant", tenant.name, "p"]).joined(separator: " ")
        let outcome = Perigee.shell(go + line)
        #expect(outcome.status == 3 && outcome.output == "out\n" && outcome.errors == "err\n", "\(outcome)")
        let ended = tenant.pod("attach", "p")
        #expect(ended.status == 125)
        #expect(ended.errors == "perigee: pod 'p' does not run\n  hint: `perigee pod status p` tells why\n")
        tenant.submit("p", "--timeout", "1s", "sleep 1000")
        try tenant.await("p") { $0.phase == "Running" }
        #expect(tenant.pod("attach", "p").status == 124)
        tenant.submit("p", "sleep 1000")
        try tenant.await("p") { $0.phase == "Running" }
        let remove = tenant.perigee.command(["pod", "rm", "--force", "--tenant", tenant.name, "p"]).joined(
            separator: " ")
        let removed = Perigee.shell("(sleep 1; \(remove)) & " + line)
        #expect(removed.status == 137 && removed.errors.isEmpty, "\(removed)")
        tenant.submit("p", image: "not-there", "true")
        try tenant.await("p") { $0.reason == "ErrImageNeverPull" }
        #expect(tenant.pod("attach", "p").errors == ended.errors)
        #expect(tenant.pod("attach", "q").errors.hasPrefix("perigee: no such pod: q\n"))
        #expect(tenant.clean() == [])
    }

    @Test("attach: left by Ctrl-C, the pod goes on, whoever else looks; and its log is whole")
    func leaving() throws {
        let tenant = try running(
            "attach-left",
            "i=0; until test -e /data/go; do echo line $i; i=$((i+1)); sleep 0.05; done; echo end; sleep 1000")
        defer { tenant.clean() }
        for _ in 1...2 {
            let outcome = sits(tenant, ["expect:line", "type:\\x03", "end"], "attach", [])
            #expect(outcome.output.hasSuffix("status -2\n"), "\(outcome)")
        }
        #expect(try tenant.status("p").phase == "Running")
        // Killed with its supervisor, and attached to again.
        #expect(tenant.killSupervisor(of: "p"))
        let go = "touch \(tenant.perigee.store)/volumes/attach-left/default/go"
        let outcome = sits(tenant, ["expect:line", "run:\(go)", "expect:end", "type:\\x03", "end"], "attach", [])
        #expect(outcome.output.hasSuffix("status -2\n"), "\(outcome)")
        let lines = tenant.pod("logs", "p").output.split(separator: "\n")
        #expect(lines.count > 2 && lines.last == "end")
        #expect(lines.dropLast().enumerated().allSatisfy { $0.element == "line \($0.offset)" })
    }

    @Test("attach --shell: a shell with a terminal; exit leaves the pod running")
    func shell() throws {
        let tenant = try running("attach-shell", "sleep 1000")
        defer { tenant.clean() }
        let outcome = sits(
            tenant, ["expect:# ", "raw", "type:hostname; tty; exit 5\\n", "end", "cooked"], "attach", ["--shell"])
        #expect(outcome.output.contains("\nattach-shell-p\n/dev/pts/0\n"), "\(outcome)")
        #expect(outcome.output.hasSuffix("status 5\n"))
        // Ctrl-C is the shell's, and ends neither that nor the pod.
        let interrupted = sits(
            tenant,
            ["expect:# ", "type:sleep 1000\\n", "sleep:0.5", "type:\\x03", "expect:# ", "type:exit 6\\n", "end"],
            "attach", ["--shell"])
        #expect(interrupted.output.hasSuffix("status 6\n"), "\(interrupted)")
        let line = tenant.perigee.command(["pod", "attach", "--tenant", tenant.name, "--shell", "p"])
        #expect(Perigee.shell("echo 'echo $((6*7)); exit 4' | \(line.joined(separator: " "))").output == "42\n")
        #expect(try tenant.status("p").phase == "Running")
        #expect(tenant.pod("stop", "p").status == 0)
        #expect(tenant.pod("attach", "--shell", "p").status == 125)
        #expect(tenant.clean() == [])
    }
}
