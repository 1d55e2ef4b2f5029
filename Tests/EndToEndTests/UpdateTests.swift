import Foundation
import Testing

/// Limits that change while a container runs, what it uses, and what the runtime says of itself.
@Suite(.serialized) struct UpdateTests {
    private static func sleeper() throws -> LifecycleTests.Life {
        let scene = try LifecycleTests.Life("/bin/sleep", "100")
        #expect(try scene.create().status == 0)
        #expect(scene.own.run(["start", "c"]).status == 0)
        return scene
    }

    /// What the file of the container's group says, v1's or v2's name.
    private static func value(_ scene: LifecycleTests.Life, _ v1: String, _ v2: String) -> String {
        let group = "-path '*/perigee/\(scene.own.identifier).c/*'"
        let find = "find /sys/fs/cgroup \(group) \\( -name \(v1) -o -name \(v2) \\) 2>/dev/null | head -1"
        return Perigee.shell("cat $(\(find))").output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("update: by options and by a file, also of controllers that no limit has needed so far")
    func update() throws {
        let scene = try Self.sleeper()
        var outcome = scene.own.run([
            "update", "--memory", "64m", "--pids-limit=33", "--cpuset-cpus", "0", "--cpu-quota", "50000", "c",
        ])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        #expect(Self.value(scene, "memory.limit_in_bytes", "memory.max") == "\(64 << 20)")
        #expect(Self.value(scene, "pids.max", "pids.max") == "33")
        #expect(Self.value(scene, "cpuset.cpus", "cpuset.cpus") == "0")
        #expect(Self.value(scene, "cpu.cfs_quota_us", "cpu.max").hasPrefix("50000"))
        let pid = try #require(scene.state()["pid"] as? Int)
        #expect(Perigee.shell("grep Cpus_allowed_list /proc/\(pid)/status | cut -f2").output == "0\n")
        // Fewer limits than before: what is not named stays, and devices are not touched.
        let resources = #"{"memory":{"limit":50331648,"swap":67108864},"pids":{"limit":-1},"devices":[{"allow":true}]}"#
        let update = scene.own.command(["update", "--resources", "-", "c"]).joined(separator: " ")
        outcome = Perigee.shell("echo '\(resources)' | \(update)")
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        #expect(Self.value(scene, "memory.limit_in_bytes", "memory.max") == "50331648")
        #expect(Self.value(scene, "pids.max", "pids.max") == "max")
        #expect(Self.value(scene, "cpuset.cpus", "cpuset.cpus") == "0")
        // Without a limit of memory there is none of memory and swap.
        outcome = scene.own.run(["update", "--memory", "-1", "c"])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        let unlimited = Self.value(scene, "memory.limit_in_bytes", "memory.max")
        #expect(unlimited == "max" || unlimited.count > 15, "\(unlimited)")
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
        #expect(try scene.left() == [])
    }

    @Test("update: what can't be is refused, and nothing changes")
    func badUpdates() throws {
        let scene = try Self.sleeper()
        for (words, status, message) in [
            (["--memory", "much"], 2, "'much' is no such number"), (["--resources", "/nosuch"], 1, "ENOENT"),
            (["--cpuset-cpus", "999"], 1, "cpu"), (["--moon", "1"], 2, "--moon"),
        ] as [([String], Int32, String)] {
            let outcome = scene.own.run(["update"] + words + ["c"])
            #expect(outcome.status == status && outcome.errors.contains(message), "\(outcome)")
        }
        #expect(scene.own.run(["update", "--memory", "64m", "none"]).errors.contains("does not exist"))
        #expect(scene.own.run(["kill", "c", "KILL"]).status == 0)
        #expect(scene.becomes("stopped"))
        #expect(scene.own.run(["update", "--memory", "64m", "c"]).errors.contains("it is stopped"))
        #expect(scene.own.run(["events", "--stats", "c"]).errors.contains("it is stopped"))
        #expect(scene.own.run(["delete", "c"]).status == 0)
        #expect(try scene.left() == [])
    }

    @Test("events: what a container uses, once or until it ends")
    func events() throws {
        let scene = try Self.sleeper()
        #expect(scene.own.run(["update", "--memory", "64m", "c"]).status == 0)
        let outcome = scene.own.run(["events", "--stats", "c"])
        let line = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect(line?["type"] as? String == "stats" && line?["id"] as? String == "c")
        let data = line?["data"] as? [String: [String: Any]]
        let usage = data?["memory"]?["usage"] as? [String: Int]
        #expect(usage?["limit"] == 64 << 20 && usage?["usage"] ?? 0 > 0, "\(outcome.output)")
        #expect(data?["pids"]?["current"] as? Int == 1)
        let events = scene.own.command(["events", "--interval", "100ms", "c"]).joined(separator: " ")
        let kill = scene.own.command(["kill", "c", "KILL"]).joined(separator: " ")
        let all = Perigee.shell("(sleep 0.5; \(kill)) & timeout 10 \(events)")
        #expect(all.status == 0 && all.errors.isEmpty, "\(all)")
        #expect((2...20).contains(all.output.split(separator: "\n").count))
        #expect(scene.own.run(["delete", "--force", "c"]).status == 0)
    }

    @Test("features: as the specification has it, and true")
    func features() throws {
        let outcome = Perigee.shared.run(["features"])
        #expect(outcome.status == 0)
        let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect(json?["ociVersionMin"] as? String == "1.0.0" && json?["ociVersionMax"] as? String == "1.3.0")
        let linux = try #require(json?["linux"] as? [String: Any])
        #expect((linux["namespaces"] as? [String])?.count == 8)
        let seccomp = linux["seccomp"] as? [String: Any]
        #expect((seccomp?["archs"] as? [String])?.contains("SCMP_ARCH_AARCH64") == true)
        #expect((linux["capabilities"] as? [String])?.contains("CAP_CHECKPOINT_RESTORE") == true)
        #expect((json?["mountOptions"] as? [String])?.contains("rnosuid") == true)
    }
}
