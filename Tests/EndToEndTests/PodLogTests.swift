import Foundation
import Testing

/// What a pod prints is kept, all of it and once.
@Suite(.serialized) struct PodLogTests {
    @Test("Both streams, times, pieces of a line, and what comes while somebody follows")
    func streams() throws {
        let tenant = TestTenant("streams")
        defer { tenant.clean() }
        tenant.submit("s", "echo out; echo err >&2; printf 'no end'; exit 3")
        // Follows to the end, whenever it begins.
        let followed = tenant.pod("logs", "-f", "s")
        #expect(followed.status == 0 && followed.output == "out\nno end" && followed.errors == "err\n", "\(followed)")
        let timed = tenant.pod("logs", "--timestamps", "s")
        let lines = timed.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasSuffix("Z out") && lines[1].hasSuffix("Z no end"), "\(timed.output)")
        #expect(timed.errors.contains("Z err\n"))
        tenant.submit("s", "for i in 1 2 3 4 5; do printf $i; sleep 0.1; done; echo")
        #expect(tenant.pod("logs", "-f", "s").output == "12345\n")
    }

    @Test("What is printed just before the end is never lost")
    func early() throws {
        let tenant = TestTenant("early")
        defer { tenant.clean() }
        for i in 1...200 {
            tenant.submit("e", "echo \(i); exit 4")
            #expect(tenant.pod("wait", "e").status == 4)
            let logs = tenant.pod("logs", "e")
            #expect(logs.output == "\(i)\n", "\(logs)")
        }
        tenant.submit("e", "exit 0")
        #expect(tenant.pod("wait", "e").status == 0)
        let none = tenant.pod("logs", "e")
        #expect(none.status == 0 && none.output.isEmpty && none.errors.isEmpty)
        #expect(tenant.clean() == [])
    }

    @Test("Lines of 100,000 bytes, and bytes that are no text")
    func bytes() throws {
        let tenant = TestTenant("bytes")
        defer { tenant.clean() }
        tenant.submit("b", #"head -c 100000 /dev/zero | tr '\0' x; echo; printf '\377\000\033[1m\n'"#)
        #expect(tenant.pod("wait", "b").status == 0)
        let command = tenant.perigee.command(["pod", "logs", "--tenant", "bytes", "b"]).joined(separator: " ")
        let expected = #"{ head -c 100000 /dev/zero | tr '\0' x; echo; printf '\377\000\033[1m\n'; } | sha256sum"#
        #expect(Perigee.shell("\(command) | sha256sum").output == Perigee.shell(expected).output)
    }

    @Test("A full disk costs the log and not the command; what is lost is told when there is room")
    func fullDisk() throws {
        let directory = Perigee.shared.directory + "/full"
        let disk = directory + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try #require(Perigee.execute(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]).status == 0)
        let perigee = Perigee(directory: disk)
        let tenant = TestTenant("full", in: perigee)
        defer {
            tenant.clean()
            _ = Perigee.execute(["umount", disk])
        }
        let loaded = perigee.run(["image", "load", "\(Perigee.images)/demo-host.oci.tar"])
        try #require(loaded.status == 0, "\(loaded.errors)")
        let command =
            "i=0; while [ ! -e /data/go ]; do echo line $i; i=$((i+1)); sleep 0.002; done; echo $i >&2; exit 5"
        tenant.submit("f", command)
        try tenant.await("f") { $0.phase == "Running" }
        let go = perigee.store + "/volumes/full/default/go"
        func fill() { _ = Perigee.shell("for s in 64k 4k 1; do dd if=/dev/zero of=\(disk)/fill-$s bs=$s; done") }
        fill()
        var before: [String: Int]?
        try tenant.await("f") {
            before = $0.data["lostOutput"] as? [String: Int]
            return (before?["lines"] ?? 0) > 0
        }
        #expect(try tenant.status("f").phase == "Running")
        _ = Perigee.shell("rm \(disk)/fill-*; touch \(go)")
        #expect(tenant.pod("wait", "f").status == 5)
        let logs = tenant.pod("logs", "f")
        let errors = logs.errors.split(separator: "\n")
        let words = (errors.first ?? "").split(separator: " ", maxSplits: 2)
        #expect(words.count == 3 && words[0] == "perigee:" && Int(words[1]).map { $0 > 0 } == true, "\(logs.errors)")
        #expect(words.last == "bytes of output are lost: there was no room for them", "\(logs.errors)")
        // Each line is there, or it is counted.
        let lost = try tenant.status("f").data["lostOutput"] as? [String: Int]
        let kept = logs.output.utf8.count { $0 == UInt8(ascii: "\n") }
        #expect(errors.last.flatMap { Int($0) } == kept + (lost?["lines"] ?? 0), "\(errors), \(kept), \(lost ?? [:])")
        #expect((lost?["bytes"] ?? 0) >= (before?["bytes"] ?? 1))
        #expect(tenant.pod("inspect", "f").output.contains("\"lostOutput\""))
        // Full until the end: the end is known all the same.
        _ = Perigee.shell("rm \(go)")
        tenant.submit("f", command)
        try tenant.await("f") { $0.phase == "Running" }
        fill()
        #expect(tenant.pod("stop", "f").status == 0)
        let status = try tenant.status("f")
        #expect(status.reason == "Stopped" && status.exitCode == 143, "\(status.data)")
        #expect(tenant.clean() == [])
    }

    /// What is kept of a pod that has printed with this `log_size`: the log, and how large its files are.
    private func kept(_ tenant: TestTenant, _ command: String) throws -> (output: String, size: Int) {
        tenant.submit("k", command)
        #expect(tenant.pod("wait", "k").status == 0)
        let id = try #require(try tenant.status("k").data["id"] as? String)
        let directory = "\(tenant.perigee.store)/pods/\(tenant.perigee.identifier)/\(id)"
        let sizes = Perigee.shell("stat -c %s \(directory)/log \(directory)/log.1").output
        return (tenant.pod("logs", "k").output, sizes.split(separator: "\n").compactMap { Int($0) }.reduce(0, +))
    }

    @Test("log_size: both files together, the oldest goes and never the newest; null is no limit")
    func size() throws {
        let path = Perigee.shared.directory + "/log-size.json"
        func configure(_ size: String) throws {
            try Data("{\"defaults\": {\"log_size\": \(size)}}".utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        }
        let tenant = TestTenant("logsize", configuration: path)
        defer { tenant.clean() }
        try configure("\"64Ki\"")
        let count = 20_000
        let lines = try kept(tenant, "i=0; while [ $i -lt \(count) ]; do echo line $i; i=$((i+1)); done")
        #expect((32_000...65_536).contains(lines.size), "\(lines.size)")
        let numbers = lines.output.split(separator: "\n").compactMap { Int($0.dropFirst(5)) }
        #expect(numbers.last == count - 1 && numbers.count > 500)
        #expect(numbers.elementsEqual((count - numbers.count)..<count))
        // Nothing but ends of lines, of which each is a line of the log.
        let ends = try kept(tenant, "head -c 50000 /dev/zero | tr '\\0' '\\n'")
        #expect((32_000...65_536).contains(ends.size) && ends.output.utf8.allSatisfy { $0 == 10 })
        try configure("4096")
        let line = try kept(tenant, "head -c 50000 /dev/zero | tr '\\0' x; echo END")
        #expect(line.size <= 4096 && line.output.hasSuffix("xxxEND\n") && line.output.utf8.count > 1000)
        try configure("null")
        let all = try kept(tenant, "yes 'a line that is not so short as others are' | head -c 17000000")
        #expect(all.output.utf8.count == 17_000_000)
        try configure("4095")
        let refused = tenant.submit("k", "true")
        #expect(
            refused.status == 2
                && refused.errors
                    == "perigee: configuration \(path): /defaults/log_size: it must be at least 4096 bytes; null is no limit\n",
            "\(refused)")
        try configure("null")
        #expect(tenant.clean() == [])
    }
}
