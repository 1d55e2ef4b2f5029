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
        let command = "i=0; while [ ! -e /data/go ]; do echo line $i; i=$((i+1)); sleep 0.002; done; exit 5"
        tenant.submit("f", command)
        try tenant.await("f") { $0.phase == "Running" }
        let go = perigee.store + "/volumes/full/default/go"
        func fill() { _ = Perigee.shell("for s in 64k 4k 1; do dd if=/dev/zero of=\(disk)/fill-$s bs=$s; done") }
        fill()
        Thread.sleep(forTimeInterval: 0.5)
        #expect(try tenant.status("f").phase == "Running")
        _ = Perigee.shell("rm \(disk)/fill-*; touch \(go)")
        #expect(tenant.pod("wait", "f").status == 5)
        let errors = tenant.pod("logs", "f").errors
        let words = errors.split(separator: " ", maxSplits: 2)
        #expect(words.count == 3 && words[0] == "perigee:" && Int(words[1]).map { $0 > 0 } == true, "\(errors)")
        #expect(words.last == "bytes of output are lost: there was no room for them\n", "\(errors)")
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
}
