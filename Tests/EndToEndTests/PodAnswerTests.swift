import Foundation
import Testing

/// What the pods' FAQ says, as it says it: REQUIREMENTS A02, A05, A06, A11, A14 to A18, A27, A29.
@Suite(.serialized) struct PodAnswerTests {
    let perigee = Perigee.shared

    private func pod(_ tenant: String, _ command: String) -> Perigee.Outcome {
        perigee.pod("--tenant", tenant, command)
    }

    @Test("The same command in a container and in a pod: the same output, errors, exit code, user and files (A02)")
    func same() throws {
        let command =
            "id -u; id -g; pwd; echo $PATH; ls /; ls -ln /bin/busybox /etc/passwd; cat /etc/os-release; echo wrong >&2; exit 9"
        let bundle = try TestBundle()
        let container = try bundle.run(shell: command)
        let pod = perigee.run([
            "pod", "run", "--tenant", "same", "--image", "demo-host", "--", "/bin/sh", "-c", command,
        ])
        #expect(container.status == 9 && pod.status == 9, "\(container) \(pod)")
        #expect(container.errors.contains("wrong") && pod.errors.contains("wrong"))
        func lines(_ outcome: Perigee.Outcome) -> [Substring] {
            // /data is what a pod has beside it.
            outcome.output.split(separator: "\n").filter { $0 != "data" }
        }
        #expect(lines(container) == lines(pod))
    }

    @Test("Limits are in the pod's group, as they were asked for (A05)")
    func limits() throws {
        let tenant = TestTenant("limited")
        defer { tenant.clean() }
        tenant.submit("p", "--memory", "64m", "--cpus", "0.5", "--pids", "20", "while :; do sleep 1; done")
        try tenant.await("p") { $0.phase == "Running" }
        let id = try #require(try tenant.status("p").data["id"] as? String)
        /// v2's file, or that of a v1 tree.
        func value(_ names: String...) -> String {
            for name in names {
                let found = Perigee.shell(
                    "find /sys/fs/cgroup -path '*perigee*\(id)/\(name)' -exec cat {} + -quit 2>/dev/null; true"
                ).output.split(separator: "\n").first
                if let found { return String(found) }
            }
            return "none"
        }
        #expect(value("memory.max", "memory.limit_in_bytes") == "67108864")
        #expect(value("pids.max") == "20")
        let quota = value("cpu.max")
        if quota == "none" {
            #expect(value("cpu.cfs_quota_us") == "50000" && value("cpu.cfs_period_us") == "100000")
        } else {
            #expect(quota == "50000 100000")
        }
        // More processes than that there can't be.
        let forks = tenant.pod(
            "exec", "p", "--", "sh", "-c",
            "for i in $(seq 40); do sleep 5 & done 2>&1; echo $(ls -d /proc/[0-9]* | wc -l)")
        let most = forks.output.split(separator: "\n").last.flatMap { Int($0) } ?? 0
        #expect(forks.status != 0 || most <= 20, "\(forks)")
        #expect(tenant.clean() == [])
    }

    @Test("An image as it is, of an OCI archive and of docker save: what a pod needs is there (A06)")
    func unmodified() throws {
        let own = Perigee(directory: perigee.directory + "/unmodified")
        for kind in ["oci", "docker"] {
            let loaded = own.run([
                "image", "load", "--name", "as-is:\(kind)", "\(Perigee.images)/demo-host.\(kind).tar",
            ])
            try #require(loaded.status == 0, "\(loaded.errors)")
            let missing = own.run(["image", "unpack", "as-is:\(kind)", own.directory + "/tree-\(kind)"])
            #expect(missing.status == 0)
            for name in ["data", "etc/resolv.conf"] {
                #expect(!FileManager.default.fileExists(atPath: own.directory + "/tree-\(kind)/" + name), "\(name)")
            }
            let tenant = TestTenant("as-is", in: own)
            defer { tenant.clean() }
            tenant.submit(
                kind, image: "as-is:\(kind)",
                "ls -d /data /proc/self /dev/null && grep -c localhost /etc/hosts && cat /etc/hostname && ls /etc/resolv.conf"
            )
            let status = tenant.pod("wait", kind).status
            let log = tenant.pod("logs", kind)
            let expected = "/data\n/dev/null\n/proc/self\n2\nas-is-\(kind)\n/etc/resolv.conf\n"
            #expect(status == 0 && log.output == expected, "\(log)")
            #expect(tenant.clean() == [])
        }
    }

    @Test("The documented commands do what they say (A14 to A18)")
    func commands() throws {
        defer { _ = perigee.run(["volume", "rm", "--tenant", "says", "default"]) }
        let volume = perigee.store + "/volumes/says/default/"
        #expect(pod("says", "echo hello > /data/msg.txt").status == 0)
        #expect(try String(contentsOfFile: volume + "msg.txt", encoding: .utf8) == "hello\n")
        try Data("foo\nbar\n".utf8).write(to: URL(fileURLWithPath: volume + "file"))
        let found = pod("says", "cat /data/file | grep foo")
        #expect(found.status == 0 && found.output == "foo\n")
        #expect(pod("says", "cat /data/file | grep nothing").status == 1)
        let chain = pod("says", "echo start && do-something && echo done")
        #expect(chain.status == 127 && chain.output == "start\n", "\(chain)")
        // file.txt is in the image's working directory, which is the root.
        let copy = "[ -e file.txt ] || echo text > file.txt; mkdir /data/logs && cp file.txt /data/logs/"
        #expect(pod("says", copy).status == 0)
        #expect(FileManager.default.fileExists(atPath: volume + "logs/file.txt"))
        #expect(pod("says", copy).status == 1)
        let tenant = TestTenant("says")
        tenant.submit("again", copy)
        #expect(tenant.pod("wait", "again").status == 1)
        let status = try tenant.status("again")
        #expect(status.phase == "Failed" && status.reason == "Error" && status.exitCode == 1)
        // A script needs no right to be executed.
        try Data("echo script $0\n".utf8).write(to: URL(fileURLWithPath: volume + "script.sh"))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: volume + "script.sh")
        #expect(pod("says", "sh /data/script.sh").output == "script /data/script.sh\n")
        #expect(tenant.clean() == [])
    }

    @Test("Two pods at once append to one file, and read what the other writes; nobody is locked out (A11, A29)")
    func together() throws {
        let configuration = perigee.directory + "/together.json"
        try Data(#"{"defaults": {"mode": "parallel", "max_pods": 2}}"#.utf8).write(
            to: URL(fileURLWithPath: configuration))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: configuration)
        let tenant = TestTenant("together", configuration: configuration)
        defer { tenant.clean() }
        for (name, other) in [("a", "b"), ("b", "a")] {
            tenant.submit(
                name,
                "exec 5>> /data/log; echo \(name) >&5; touch /data/\(name); "
                    + "until [ -e /data/\(other) ]; do sleep 0.05; done; for i in $(seq 500); do echo \(name) $i >&5; done; cat /data/log | wc -l"
            )
        }
        for name in ["a", "b"] { #expect(tenant.pod("wait", name).status == 0) }
        let text = try String(contentsOfFile: perigee.store + "/volumes/together/default/log", encoding: .utf8)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 1002 && Set(lines).count == 1002)
        #expect(tenant.clean() == [])
    }

    @Test("The next pod has the host port, the host name and the memory of the one before at once (A27)")
    func successor() throws {
        let host = try TestHost("successor")
        let before = try host.state()
        let configuration = try host.configuration(#"{"defaults": {"memory": "128m"}}"#)
        let tenant = host.tenant("next", configuration: configuration)
        for round in 0..<3 {
            let submitted = tenant.submit(
                "same", "--publish", "18099:8080", "--memory", "128m",
                "mkdir /w; echo \(round) > /w/round; hostname > /w/name; httpd -p 8080 -h /w; while :; do sleep 1; done"
            )
            try #require(submitted.status == 0, "\(submitted)")
            try tenant.await("same") { $0.phase == "Running" }
            func get(_ name: String) -> String {
                let read = "print(u.urlopen('http://127.0.0.1:18099/\(name)', timeout=5).read().decode(), end='')"
                return host.shell("python3 -c \"import urllib.request as u; \(read)\"", in: host.space).output
            }
            let end = Date().addingTimeInterval(10)
            while get("name") != "next-same\n", Date() < end { Thread.sleep(forTimeInterval: 0.05) }
            #expect(get("round") == "\(round)\n")
            #expect(get("name") == "next-same\n")
        }
        #expect(tenant.clean() == [])
        try host.checkUnchanged(since: before)
    }
}
