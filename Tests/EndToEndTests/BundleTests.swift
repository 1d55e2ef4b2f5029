import Foundation
import Testing

@testable import OCI
@testable import Seccomp

@Suite(.serialized) struct BundleTests {
    /// The default profile as config.json has it, for a container with `capabilities`.
    static func profile(_ capabilities: Set<String>) throws -> [String: Any] {
        let text = try Data(contentsOf: Perigee.package.appending(path: "Rootfs/seccomp.json"))
        let profile = try SeccompTemplate(parsing: Array(text)).resolved(
            for: .init(capabilities: capabilities, kernel: (6, 1)))
        return [
            "defaultAction": profile.defaultAction, "defaultErrnoRet": profile.defaultErrnoRet ?? 1,
            "architectures": profile.architectures,
            "syscalls": profile.syscalls.map { rule -> [String: Any] in
                var object: [String: Any] = ["names": rule.names, "action": rule.action]
                if let number = rule.errnoRet { object["errnoRet"] = number }
                object["args"] = rule.args.map {
                    ["index": $0.index, "value": $0.value, "valueTwo": $0.valueTwo, "op": $0.op] as [String: Any]
                }
                return object
            },
        ]
    }

    @Test("both orders of seccomp start a container as an unprivileged user", arguments: [true, false])
    func seccompOrder(noNewPrivileges: Bool) throws {
        var bundle = try TestBundle()
        bundle.set("process/noNewPrivileges", noNewPrivileges)
        bundle.set("process/user/uid", 1000)
        bundle.set("process/user/gid", 1000)
        bundle.set("process/user/additionalGids", [7, 8])
        bundle.set("linux/seccomp", try Self.profile([]))
        let outcome = try bundle.run(
            shell: "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status; id -u; id -G; mount -t proc p /mnt")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines.first == "NoNewPrivs:\t\(noNewPrivileges ? 1 : 0)", "\(outcome.errors)")
        #expect(lines.dropFirst() == ["Seccomp:\t2", "1000", "1000 7 8"])
    }

    @Test("a filter that was compiled before is found by its text, and by no other's")
    func filterOfText() throws {
        var bundle = try TestBundle()
        func profile(_ action: String) -> [String: Any] {
            [
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [["names": ["mkdir", "mkdirat"], "action": action, "errnoRet": 1]],
            ]
        }
        let attempt = "mkdir /dev/shm/x && echo made"
        for (action, flags) in [
            ("SCMP_ACT_ERRNO", []), ("SCMP_ACT_ERRNO", []), ("SCMP_ACT_LOG", []), ("SCMP_ACT_LOG", []),
            ("SCMP_ACT_ERRNO", ["SECCOMP_FILTER_FLAG_LOG"]), ("SCMP_ACT_ERRNO", ["SECCOMP_FILTER_FLAG_LOG"]),
        ] {
            var filter = profile(action)
            if action == "SCMP_ACT_LOG" { filter["syscalls"] = [["names": ["mkdir", "mkdirat"], "action": action]] }
            filter["flags"] = flags
            bundle.set("linux/seccomp", filter)
            let outcome = try bundle.run(shell: attempt)
            if action == "SCMP_ACT_LOG" {
                #expect(outcome.output == "made\n", "\(outcome)")
            } else {
                #expect(outcome.status != 0 && outcome.errors.contains("not permitted"), "\(outcome)")
            }
            // What the plan says of a filter is the same, however it was found.
            let plan = try bundle.run("--explain", shell: attempt).output
            #expect(plan.contains("SECCOMP_FILTER_FLAG_LOG") == !flags.isEmpty)
        }
        var wrong = profile("SCMP_ACT_ERRNO")
        wrong["syscalls"] = [["names": 1, "action": "SCMP_ACT_ERRNO"]]
        bundle.set("linux/seccomp", wrong)
        let outcome = try bundle.run(shell: attempt)
        #expect(outcome.status == 1 && outcome.errors.contains("/linux/seccomp/syscalls/0/names"), "\(outcome)")
    }

    @Test("a user namespace of its own: root inside is nobody outside")
    func userNamespace() throws {
        var bundle = try TestBundle()
        var namespaces = (bundle.config["linux"] as? [String: Any])?["namespaces"] as? [[String: Any]] ?? []
        namespaces.append(["type": "user"])
        bundle.set("linux/namespaces", namespaces)
        let map: [[String: Any]] = [["containerID": 0, "hostID": 100_000, "size": 65536]]
        bundle.set("linux/uidMappings", map)
        bundle.set("linux/gidMappings", map)
        bundle.set("root/readonly", false)
        try FileManager.default.setAttributes([.ownerAccountID: 100_000], ofItemAtPath: bundle.path + "/rootfs")
        let outcome = try bundle.run(
            shell: "id -u; cat /proc/self/uid_map; echo x > /dev/null && ls -l /dev/null | cut -c1")
        #expect(outcome.output.hasPrefix("0\n"), "\(outcome.errors)")
        #expect(outcome.output.contains("100000"))
        #expect(outcome.output.hasSuffix("c\n"))
    }

    @Test("mounts, limits and settings of the configuration are the process's")
    func settings() throws {
        var bundle = try TestBundle()
        try Data("file\n".utf8).write(to: URL(fileURLWithPath: bundle.path + "/file"))
        var mounts = bundle.config["mounts"] as? [[String: Any]] ?? []
        mounts.append([
            "destination": "/mnt/deep/dir", "type": "bind", "source": bundle.path,
            "options": ["rbind", "rro", "nodev"],
        ])
        mounts.append([
            "destination": "/etc/file", "type": "bind", "source": bundle.path + "/file", "options": ["bind", "ro"],
        ])
        mounts.append([
            "destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "noexec"],
        ])
        bundle.set("mounts", mounts)
        bundle.set("root/readonly", false)
        bundle.set("hostname", "set-name")
        bundle.set("linux/sysctl", ["net.ipv4.ip_forward": "1", "kernel.msgmax": "4096"])
        bundle.set("process/rlimits", [["type": "RLIMIT_NOFILE", "soft": 100, "hard": 200]])
        bundle.set("process/user/umask", 0o027)
        bundle.set("process/oomScoreAdj", 500)
        bundle.set("process/cwd", "/made/for/it")
        let outcome = try bundle.run(
            shell: """
                pwd; hostname; cat /etc/file; ls /mnt/deep/dir/config.json; touch /mnt/deep/dir/x; touch /scratch/x && echo ok
                cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/self/oom_score_adj; umask; ulimit -Sn; ulimit -Hn
                """)
        #expect(
            outcome.output.split(separator: "\n") == [
                "/made/for/it", "set-name", "file", "/mnt/deep/dir/config.json", "ok", "1", "4096", "500", "0027",
                "100", "200",
            ], "\(outcome.errors)")
        #expect(outcome.errors.contains("/mnt/deep/dir/x: Read-only file system"))
    }

    @Test("an id in use is refused, and freed at the end")
    func identifiers() throws {
        var bundle = try TestBundle()
        bundle.set("process/args", ["/bin/true"])
        #expect(try bundle.run(id: "same").status == 0)
        #expect(try bundle.run(id: "same").status == 0)
        let path = bundle.path
        let slow = Process()
        slow.executableURL = URL(fileURLWithPath: Perigee.binary)
        bundle.set("process/args", ["/bin/sleep", "5"])
        _ = try bundle.run("--explain", id: "unused")
        slow.arguments = Array(Perigee.shared.command(["run", "-b", path, "busy"]).dropFirst())
        try slow.run()
        #expect(eventually { Perigee.shared.run(["state", "busy"]).status == 0 })
        let second = try bundle.run(id: "busy")
        #expect(second.status == 1 && second.errors.contains("'busy' is in use"))
        slow.waitUntilExit()
        #expect(slow.terminationStatus == 0)
        for bad in ["..", "a/b", "", "@x"] { #expect(try bundle.run(id: bad).status != 0) }
    }

    /// Where, a JSON text that is put there, and what the message says.
    static let mistakes: [(String, String, String)] = [
        ("process/cwd", #""relative""#, "/process/cwd: 'relative' is not absolute"),
        ("process/args", "[]", "/process/args: the command is empty"),
        ("process/env", #"["NOVALUE"]"#, "/process/env/0"), ("ociVersion", #""7""#, "/ociVersion"),
        ("linux/namespaces", #"[{"type": "moon"}]"#, "/linux/namespaces/0/type: no namespace 'moon'"),
        ("hooks", #"{"prestart": [{"path": "bin/true"}]}"#, "/hooks/prestart/0/path: 'bin/true' is not absolute"),
        ("process/terminal", "1", "/process/terminal"), ("process/user", "5", "/process/user"),
        ("linux/sysctl", #"{"kernel.panic": "1"}"#, "kernel.panic: it is the whole host's"),
        (
            "mounts", #"[{"destination": "/x", "type": "bind", "source": "/no/such/source", "options": ["bind"]}]"#,
            "/no/such/source"
        ),
    ]

    @Test("a mistake in the configuration is named with its place", arguments: mistakes)
    func mistake(place: String, json: String, words: String) throws {
        var bundle = try TestBundle()
        bundle.set(place, try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed))
        let outcome = try bundle.run()
        #expect(outcome.status == 1 && outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test("In the host's cgroup namespace a container is shown its own groups and no others", arguments: [true, false])
    func hostCgroupNamespace(isUser: Bool) throws {
        var bundle = try TestBundle()
        bundle.set("linux/resources/memory/limit", 64 << 20)
        let linux = bundle.config["linux"] as? [String: Any]
        let namespaces = (linux?["namespaces"] as? [[String: Any]] ?? []).filter { $0["type"] as? String != "cgroup" }
        bundle.set("linux/namespaces", isUser ? namespaces + [["type": "user"]] : namespaces)
        if isUser {
            let map = [["containerID": 0, "hostID": 100_000, "size": 65536]]
            bundle.set("linux/uidMappings", map)
            bundle.set("linux/gidMappings", map)
            try FileManager.default.setAttributes([.ownerAccountID: 100_000], ofItemAtPath: bundle.path + "/rootfs")
        }
        let outcome = try bundle.run(
            shell: "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes || cat memory.max; ls . unified")
        #expect(outcome.output.hasPrefix("\(64 << 20)\n"), "\(outcome)")
        #expect(!outcome.output.contains("\nperigee\n"), "\(outcome)")
    }
}
