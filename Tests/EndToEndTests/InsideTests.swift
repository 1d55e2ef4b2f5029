import Foundation
import Testing

struct InsideTests {
    let perigee = Perigee.shared

    @Test("a process is alone: its own pids, host name, network and mounts")
    func alone() {
        #expect(perigee.pod("--", "/bin/sh", "-c", "echo $$").output == "1\n")
        #expect(perigee.pod("--tenant", "acme", "hostname").output == "acme-pod\n")
        #expect(perigee.pod("ls /sys/class/net").output == "lo\n")
        #expect(perigee.pod("ls /proc | grep -c '^[0-9]'").output.trimmingCharacters(in: .newlines).count == 1)
        let mounts = perigee.pod("cat /proc/self/mountinfo").output.split(separator: "\n")
        let kernel = ["proc", "tmpfs", "devpts", "mqueue", "sysfs", "cgroup", "cgroup2"]
        for line in mounts {
            let words = line.split(separator: " ")
            let type = String(words[(words.firstIndex(of: "-") ?? 0) + 1])
            let target = words[4]
            let known = kernel.contains(type) || (target == "/" && type == "overlay") || target == "/data"
            #expect(known, "\(line)")
        }
        #expect(mounts.contains { $0.contains(" /data ") })
    }

    @Test("on a host whose mounts are shared, none in the container is a peer of the host's")
    func propagation() {
        let launch = perigee.command(["pod", "run", "--image", "demo-host", "--", "/bin/cat", "/proc/self/mountinfo"])
        let outcome = Perigee.execute(["unshare", "-m", "--propagation", "shared"] + launch)
        #expect(outcome.output.contains(" /data ") && outcome.output.contains("master:"), "\(outcome.errors)")
        #expect(!outcome.output.contains("shared:"))
    }

    @Test("privileges: 14 capabilities, no new ones, a filter, and signals as if just born")
    func privileges() {
        let outcome = Perigee.shell(
            "trap '' HUP INT QUIT TERM USR1; exec \(perigee.command(["pod", "run", "--image", "demo-host", "--", "/bin/cat", "/proc/self/status"]).joined(separator: " "))"
        )
        let status = Dictionary(
            outcome.output.split(separator: "\n").compactMap { line -> (String, String)? in
                let parts = line.split(separator: ":", maxSplits: 1)
                return parts.count == 2 ? (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces)) : nil
            }, uniquingKeysWith: { first, _ in first })
        let bounding = UInt64(status["CapBnd"] ?? "", radix: 16) ?? .max
        #expect(bounding.nonzeroBitCount == 14 && bounding == 0xa804_25fb)
        #expect(status["CapEff"] == status["CapBnd"] && status["CapPrm"] == status["CapBnd"])
        #expect(status["CapInh"] == "0000000000000000" && status["CapAmb"] == "0000000000000000")
        #expect(status["NoNewPrivs"] == "1" && status["Seccomp"] == "2")
        #expect(status["SigBlk"] == "0000000000000000" && status["SigIgn"] == "0000000000000000")
    }

    @Test("no descriptor of the caller is inside")
    func descriptors() {
        let command = perigee.command(["pod", "run", "--image", "demo-host", "--", "/bin/ls", "/proc/self/fd"])
        let outcome = Perigee.shell("exec 3</etc/passwd 5</ 9</etc/hosts; exec \(command.joined(separator: " "))")
        #expect(outcome.output == "0\n1\n2\n3\n")  // 3 is what ls has opened to list them
    }

    @Test("what shows the host is masked, and the host's settings can't be written")
    func masks() {
        let masked = perigee.pod(
            "for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do [ -e $f ] && wc -c < $f; done; ls /sys/firmware /proc/acpi | wc -w"
        )
        #expect(masked.output.split(separator: "\n").dropLast().allSatisfy { $0 == "0" }, "\(masked.output)")
        #expect(perigee.pod("echo 1 > /proc/sys/kernel/panic").errors.contains("Read-only file system"))
        #expect(perigee.pod("mount -t tmpfs x /mnt; mkdir /m && mount -o bind /bin /m").status != 0)
        #expect(perigee.pod("mknod /dev/disk b 254 0 && cat /dev/disk | head -c 1").errors.contains("not permitted"))
        #expect(perigee.pod("unshare -U true").status != 0)
    }

    @Test("a fork bomb stops at --pids, and a neighbour answers meanwhile")
    func forkBomb() throws {
        let bomb = Process()
        bomb.executableURL = URL(fileURLWithPath: Perigee.binary)
        bomb.arguments = Array(
            perigee.command([
                "pod", "run", "--image", "demo-host", "--pids", "20", "--timeout", "3s",
                "trap 'exit 0' TERM; b() { b | b & }; b; while :; do :; done",
            ]).dropFirst())
        bomb.standardError = FileHandle.nullDevice
        try bomb.run()
        // What the kernel counts: a listing of processes can hold one that has ended and the one that came for it.
        var most = Tasks()
        for _ in 0..<200 where most.refused == 0 {
            try look(limit: 20, &most)
            Thread.sleep(forTimeInterval: 0.01)
        }
        #expect(perigee.pod("--pids", "20", "echo neighbour").output == "neighbour\n")
        bomb.waitUntilExit()
        #expect(bomb.terminationStatus == 124)
        #expect(most.refused > 0 && (1...20).contains(most.present), "\(most)")
    }

    /// What one of our groups was seen to have.
    private struct Tasks {
        var present = 0
        var refused = 0
    }

    /// Looks at those of our groups that may have `limit` tasks.
    private func look(limit: Int, _ most: inout Tasks) throws {
        let files = FileManager.default
        for top in ["/sys/fs/cgroup/pids/perigee", "/sys/fs/cgroup/perigee"] {
            for name in (try? files.subpathsOfDirectory(atPath: top)) ?? [] {
                func number(_ file: String) -> Int? {
                    let text = try? String(contentsOfFile: "\(top)/\(name)/\(file)", encoding: .utf8)
                    return text?.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) }
                }
                guard number("pids.max") == limit else { continue }
                most.present = max(most.present, number("pids.current") ?? 0)
                most.refused = max(most.refused, number("pids.events") ?? 0)
            }
        }
    }

    @Test("limits are kept, and the record says what ended the container")
    func limits() {
        let hog = perigee.pod("--memory", "32m", "--json", "--", "/bin/sh", "-c", "a=x; while :; do a=$a$a; done")
        #expect(hog.status == 137 && hog.errors.contains("\"reason\": \"out-of-memory\""), "\(hog.errors)")
        let busy = perigee.pod("--cpus", "0.2", "--timeout", "5s", "--json", "trap 'exit 0' TERM; while :; do :; done")
        let record =
            try? JSONSerialization.jsonObject(
                with: Data(busy.errors.drop { $0 != "{" }.prefix { $0 != "}" }.appending("}").utf8)) as? [String: Any]
        let used = ((record?["userTimeMicroseconds"] as? Int ?? 0) + (record?["systemTimeMicroseconds"] as? Int ?? 0))
        #expect((400_000...1_150_000).contains(used), "\(used) of 5 s")
    }
}

extension Substring {
    fileprivate func appending(_ text: String) -> String { String(self) + text }
}
