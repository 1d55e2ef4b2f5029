import Foundation
import Testing

/// What a killed runtime leaves, and who removes it. Each system call on the way has its turn in Tests/faults.py.
@Suite(.serialized) struct DeathTests {
    /// A container that runs; its runtime is killed.
    private func kill(_ words: [String], root: String? = nil, in perigee: Perigee) throws {
        kill(try start(words, root: root, in: perigee))
    }

    private func kill(_ runtime: Process) {
        Foundation.kill(runtime.processIdentifier, SIGKILL)
        runtime.waitUntilExit()
    }

    /// The runtime of a container that runs.
    private func start(_ words: [String], root: String? = nil, in perigee: Perigee) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Perigee.binary)
        process.arguments = ["--store", perigee.store, "--root", root ?? perigee.root] + words
        try process.run()
        _ = eventually { Perigee.shell("pgrep -P \(process.processIdentifier) -x sleep").output.contains("\n") }
        return process
    }

    /// States, uppers and work that are there, without what stays.
    private func leftovers(_ perigee: Perigee) throws -> [String] {
        var left: [String] = []
        for (directory, ours) in [
            (perigee.root, false), (perigee.store + "/containers", true), (perigee.store + "/tmp", true),
        ] {
            left += try FileManager.default.contentsOfDirectory(atPath: directory).filter { ours || !$0.hasPrefix("@") }
        }
        return left
    }

    private func own(_ name: String) -> Perigee {
        let own = Perigee(directory: Perigee.shared.directory + "/\(name)")
        let loaded = own.run(["image", "load", "\(Perigee.images)/demo-host.oci.tar"])
        #expect(loaded.status == 0, "\(loaded.errors)")
        return own
    }

    @Test("The next command ends a pod whose runtime was killed, and removes all of it", arguments: ["pod", "image"])
    func killed(next: String) throws {
        let own = own("death-\(next)")
        try kill(["pod", "run", "--image", "demo-host", "--", "/bin/sleep", "7654"], in: own)
        let before = try leftovers(own)
        #expect(before.count == 2, "\(before)")
        let outcome =
            next == "pod" ? own.pod("echo ok") : own.run(["image", "list"])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        let left = try leftovers(own)
        #expect(left == [], "\(left)")
        #expect(Perigee.shell("pgrep -f '^/bin/sleep 7654$'").output.isEmpty)
    }

    @Test("An id can be used again after its runtime was killed, also with a cgroup of the configuration's")
    func again() throws {
        // In a root of its own: any command in the other one may be the next.
        let own = own("death-again")
        var bundle = try TestBundle()
        let path = "/perigee-test-\(getpid())-again"
        bundle.set("linux/cgroupsPath", path)
        bundle.set("process/args", ["/bin/sleep", "7655"])
        bundle.set("process/terminal", false)
        try JSONSerialization.data(withJSONObject: bundle.config).write(
            to: URL(fileURLWithPath: bundle.path + "/config.json"))
        try kill(["run", "-b", bundle.path, "again"], in: own)
        #expect(!Perigee.shell("find /sys/fs/cgroup -name '\(path.dropFirst())'").output.isEmpty)
        bundle.set("process/args", ["/bin/echo", "ok"])
        try bundle.write()
        let outcome = own.run(["run", "-b", bundle.path, "again"])
        #expect(outcome.output == "ok\n" && outcome.errors.isEmpty, "\(outcome)")
        #expect(Perigee.shell("find /sys/fs/cgroup -name '\(path.dropFirst())'").output.isEmpty)
        #expect(Perigee.shell("pgrep -f '^/bin/sleep 7655$'").output.isEmpty)
    }

    @Test("A root of the same path in another mount namespace leaves the directories of pods that run")
    func otherNamespace() throws {
        let own = own("death-namespace")
        try FileManager.default.createDirectory(atPath: own.root, withIntermediateDirectories: true)
        let runtime = try start(["pod", "run", "--image", "demo-host", "--", "/bin/sleep", "7658"], in: own)
        let before = try leftovers(own)
        #expect(before.count == 2, "\(before)")
        let list = own.command(["image", "list"]).joined(separator: " ")
        let there = "unshare -m sh -c 'mount -t tmpfs none \(own.root) && \(list)'"
        var outcome = Perigee.shell(there)
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        #expect(try leftovers(own) == before)
        let upper = try #require(before.last)
        #expect(FileManager.default.fileExists(atPath: "\(own.store)/containers/\(upper)/upper"))
        kill(runtime)
        outcome = own.run(["image", "list"])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        let left = try leftovers(own)
        #expect(left == [], "\(left)")
        #expect(Perigee.shell("pgrep -f '^/bin/sleep 7658$'").output.isEmpty)
    }

    @Test("A pod of a root that was named by a link is found by the root's own name, and the other way round")
    func link() throws {
        let own = own("death-link")
        try FileManager.default.createDirectory(atPath: own.root, withIntermediateDirectories: true)
        let link = own.directory + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: own.root)
        for (first, second) in [(link, own.root), (own.root, link + "/")] {
            try kill(["pod", "run", "--image", "demo-host", "--", "/bin/sleep", "7659"], root: first, in: own)
            #expect(try leftovers(own).count == 2)
            let outcome = Perigee.execute([Perigee.binary, "--store", own.store, "--root", second, "image", "list"])
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
            let left = try leftovers(own)
            #expect(left == [], "\(left)")
            #expect(Perigee.shell("pgrep -f '^/bin/sleep 7659$'").output.isEmpty)
        }
    }

    @Test(
        "A group that nothing shows to be a dead container's is left alone, and its state stays until that is clear",
        arguments: ["perigee-test-\(getpid())-foreign", "perigee/deadbeef.test-\(getpid())"], [false, true])
    func foreignGroup(name: String, isMarked: Bool) throws {
        let own = own("death-group")
        #expect(own.pod("true").status == 0)
        let unified = "/sys/fs/cgroup/unified"
        let tree = FileManager.default.fileExists(atPath: unified) ? unified : "/sys/fs/cgroup"
        let group = "\(tree)/\(name)"
        let state = own.root + "/refused"
        try FileManager.default.createDirectory(atPath: group, withIntermediateDirectories: true)
        defer { rmdir(group) }
        let sleeper = Process()
        sleeper.executableURL = URL(fileURLWithPath: "/bin/sleep")
        sleeper.arguments = ["7656"]
        try sleeper.run()
        defer { if sleeper.isRunning { kill(sleeper) } }
        try "\(sleeper.processIdentifier)".write(toFile: group + "/cgroup.procs", atomically: false, encoding: .utf8)
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        try #"{"life":"foreground","cgroup":"\#(name)","directories":["/nowhere/\#(name)"]}"#
            .write(toFile: state + "/record", atomically: false, encoding: .utf8)
        var outcome = own.pod("echo ok")
        #expect(outcome.output == "ok\n" && outcome.errors.contains("cgroup \(name) is still there"), "\(outcome)")
        #expect(FileManager.default.fileExists(atPath: state + "/record"))
        #expect(sleeper.isRunning)
        #expect(FileManager.default.fileExists(atPath: group))
        // With another's mark it is clear whose it is not.
        if isMarked {
            let mark = "import os; os.setxattr('\(group)', 'trusted.perigee', b'deadbeef/other')"
            #expect(Perigee.shell("python3 -c \"\(mark)\"").status == 0)
        } else {
            kill(sleeper)
        }
        outcome = own.pod("echo ok")
        #expect(outcome.output == "ok\n" && outcome.errors.isEmpty, "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: state))
        #expect(sleeper.isRunning == isMarked)
    }

    @Test("A directory that is not named as a root's is left alone, and the state that tells of it stays")
    func foreignDirectory() throws {
        let own = own("death-directory")
        #expect(own.pod("true").status == 0)
        let (state, directory) = (own.root + "/dead", own.directory + "/deadbeef.dead")
        for path in [state, directory] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        try #"{"life":"foreground","directories":["\#(directory)"]}"#
            .write(toFile: state + "/record", atomically: false, encoding: .utf8)
        var outcome = own.run(["image", "list"])
        #expect(outcome.status == 0 && outcome.errors.contains("\(directory) is still there"), "\(outcome)")
        #expect(FileManager.default.fileExists(atPath: state + "/record"))
        #expect(FileManager.default.fileExists(atPath: directory))
        rmdir(directory)
        outcome = own.run(["image", "list"])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        #expect(try leftovers(own) == [])
    }

    @Test("Many repairs at once hurt neither one another nor launches that are just beginning")
    func together() throws {
        let own = own("death-together")
        #expect(own.pod("true").status == 0)
        for i in 0..<200 {
            let state = own.root + "/dead\(i)"
            try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: false)
            guard i % 3 > 0 else { continue }
            let record = #"{"life":"foreground","cgroup":"perigee/none.dead\#(i)","directories":[]}"#
            try (i % 3 == 1 ? record : String(record.prefix(20))).write(
                toFile: state + "/record", atomically: false, encoding: .utf8)
        }
        let launch = own.command(["pod", "run", "--image", "demo-host", "'sleep 0.3; echo ok'"]).joined(separator: " ")
        let outcome = Perigee.shell("for i in 1 2 3 4 5 6 7 8; do \(launch) & done; wait")
        #expect(outcome.output == String(repeating: "ok\n", count: 8), "\(outcome)")
        #expect(outcome.errors.isEmpty, "\(outcome.errors)")
        let left = try leftovers(own)
        #expect(left == [], "\(left)")
    }

    @Test("The lock of a dead command's state may be held for a moment by its child: a repair waits for that")
    func orphanedLock() throws {
        let own = own("death-orphan")
        #expect(own.pod("true").status == 0)
        let dead = Perigee.shell("echo $$").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let living = "\(ProcessInfo.processInfo.processIdentifier)"
        for runtime in [living, dead] {
            let state = own.root + "/orphan"
            try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
            try #"{"life":"foreground","runtime":\#(runtime),"directories":[]}"#
                .write(toFile: state + "/record", atomically: false, encoding: .utf8)
            let list = own.command(["image", "list"]).joined(separator: " ")
            let outcome = Perigee.shell("flock -x \(state) sh -c 'echo; exec sleep 0.4' | { read x; \(list); }")
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
            #expect(FileManager.default.fileExists(atPath: state) == (runtime == living), "\(runtime)")
        }
    }

    @Test("What is no container's stays, whatever root it lies in")
    func foreignDirectories() throws {
        let own = own("death-foreign")
        #expect(own.pod("true").status == 0)
        for name in ["dir/deep", "with-record"] {
            try FileManager.default.createDirectory(atPath: own.root + "/" + name, withIntermediateDirectories: true)
        }
        try Data("song".utf8).write(to: URL(fileURLWithPath: own.root + "/with-record/record"))
        for text in ["", "{\"lif", "{\"life\":\"foregr"] {
            let cut = own.root + "/cut\(text.utf8.count)"
            try FileManager.default.createDirectory(atPath: cut, withIntermediateDirectories: false)
            try Data(text.utf8).write(to: URL(fileURLWithPath: cut + "/record"))
        }
        #expect(own.pod("true").status == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: own.root).filter { !$0.hasPrefix("@") }
        #expect(Set(left) == ["dir", "with-record"])
        #expect(FileManager.default.fileExists(atPath: own.root + "/dir/deep"))
        #expect(FileManager.default.fileExists(atPath: own.root + "/with-record/record"))
    }

    @Test("A caller that ignores signals: the exit code is known, and nohup's HUP ends nothing")
    func ignoredSignals() {
        let pod = Perigee.shared.command(["pod", "run", "--image", "demo-host"]).joined(separator: " ")
        #expect(Perigee.shell("trap '' CHLD; exec \(pod) 'exit 7'").status == 7)
        let script = "trap '' HUP; \(pod) 'sleep 1; exit 8' & p=$!; sleep 0.4; kill -HUP $p; wait $p"
        #expect(Perigee.shell(script).status == 8)
    }

    @Test("Directories in the store that no state tells of any more go: the machine had stopped")
    func stopped() throws {
        let own = own("death-stopped")
        try kill(["pod", "run", "--image", "demo-host", "--", "/bin/sleep", "7657"], in: own)
        let uppers = try FileManager.default.contentsOfDirectory(atPath: own.store + "/containers")
        let upper = try #require(uppers.first)
        let copy = own.store + "/containers/" + upper.prefix(9)
        #expect(own.pod("true").status == 0)
        for name in ["0123456789abcdef", "x"] {
            try FileManager.default.createDirectory(atPath: copy + name + "/upper", withIntermediateDirectories: true)
        }
        let foreign = own.store + "/containers/deadbeef.0123456789abcdef"
        try FileManager.default.createDirectory(atPath: foreign, withIntermediateDirectories: true)
        try FileManager.default.removeItem(atPath: own.root)
        #expect(own.pod("true").status == 0)
        let left = try leftovers(own)
        #expect(left == ["deadbeef.0123456789abcdef"], "\(left)")
    }
}
