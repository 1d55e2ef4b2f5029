import Foundation
import Testing

/// The process that stays with a pod may be killed at any moment. Each of its system calls has its turn in Tests/faults.py.
@Suite(.serialized) struct SupervisorDeathTests {
    @Test(
        "Killed again and again while 10,000 lines are printed: each is in the log once, in order, and the code is right"
    )
    func lines() throws {
        let tenant = TestTenant("lines")
        defer { tenant.clean() }
        let count = 10_000
        tenant.submit(
            "l",
            "i=0; while [ $i -lt \(count) ]; do echo line $i; echo error $i >&2; i=$((i+1)); done; "
                + "until [ -e /data/end ]; do sleep 0.05; done; exit 7")
        // However long a look takes on a host that has much else to do.
        var kills = 0
        let end = Date().addingTimeInterval(180)
        while try !["Succeeded", "Failed"].contains(tenant.status("l").phase), Date() < end {
            if tenant.killSupervisor(of: "l") { kills += 1 }
            if kills == 6 { _ = Perigee.shell("touch \(tenant.perigee.store)/volumes/lines/default/end") }
            Thread.sleep(forTimeInterval: 0.01)
        }
        #expect(kills >= 6)
        #expect(tenant.pod("wait", "l").status == 7)
        let logs = tenant.pod("logs", "l")
        #expect(logs.output.split(separator: "\n").elementsEqual((0..<count).map { "line \($0)" }) { $0 == $1 })
        #expect(logs.errors.split(separator: "\n").elementsEqual((0..<count).map { "error \($0)" }) { $0 == $1 })
        let status = try tenant.status("l")
        #expect(status.reason == "Error" && status.exitCode == 7, "\(status.data)")
        #expect(tenant.clean() == [])
    }

    @Test("The deadline is kept by the next supervisor, and the grace goes on where it was")
    func deadline() throws {
        let tenant = TestTenant("kept")
        defer { tenant.clean() }
        tenant.submit("k", "--timeout", "1500ms", "sleep 1000")
        let start = Date()
        try tenant.await("k") { $0.phase == "Running" }
        for _ in 1...5 {
            tenant.killSupervisor(of: "k")
            _ = try tenant.status("k")
            Thread.sleep(forTimeInterval: 0.1)
        }
        #expect(tenant.pod("wait", "k").status == 124)
        #expect((1.3...30).contains(Date().timeIntervalSince(start)))
        let status = try tenant.status("k")
        #expect(status.reason == "DeadlineExceeded" && status.exitCode == 143, "\(status.data)")
        #expect(tenant.clean() == [])
    }

    @Test("Nobody comes: the init ends the command two seconds after its deadline, and the next command tells")
    func nobody() throws {
        let tenant = TestTenant("nobody")
        defer { tenant.clean() }
        tenant.submit(
            "n", "--timeout", "1s", "trap 'echo saved > /data/state; exit 9' TERM; while :; do sleep 0.1; done")
        try tenant.await("n") { $0.phase == "Running" }
        #expect(tenant.killSupervisor(of: "n"))
        let state = tenant.perigee.store + "/volumes/nobody/default/state"
        #expect(eventually { FileManager.default.fileExists(atPath: state) })
        Thread.sleep(forTimeInterval: 0.3)
        #expect(tenant.supervisor(of: "n") == nil)
        #expect(tenant.pod("wait", "n").status == 124)
        let status = try tenant.status("n")
        #expect(
            status.phase == "Failed" && status.reason == "DeadlineExceeded" && status.exitCode == 9, "\(status.data)")
        #expect(tenant.clean() == [])
    }

    @Test("A command that ends while nobody looks has its exit code and its output kept")
    func unseen() throws {
        let tenant = TestTenant("unseen")
        defer { tenant.clean() }
        tenant.submit("u", "while [ ! -e /data/go ]; do sleep 0.05; done; echo last words; exit 6")
        try tenant.await("u") { $0.phase == "Running" }
        #expect(tenant.killSupervisor(of: "u"))
        _ = FileManager.default.createFile(atPath: tenant.perigee.store + "/volumes/unseen/default/go", contents: nil)
        Thread.sleep(forTimeInterval: 0.5)
        #expect(tenant.pod("wait", "u").status == 6)
        #expect(tenant.pod("logs", "u").output == "last words\n")
        #expect(tenant.clean() == [])
    }

    @Test("A container that somebody else has deleted: ContainerStatusUnknown, or its end where its init has said it")
    func deleted() throws {
        let tenant = TestTenant("deleted")
        defer { tenant.clean() }
        tenant.submit("d", "sleep 1000")
        try tenant.await("d") { $0.phase == "Running" }
        let id = try #require(try tenant.status("d").data["id"] as? String)
        #expect(tenant.killSupervisor(of: "d"))
        #expect(tenant.perigee.run(["delete", "--force", id]).status == 0)
        #expect(tenant.pod("wait", "d").status == 137)
        let status = try tenant.status("d")
        #expect(status.phase == "Failed" && status.reason == "ContainerStatusUnknown", "\(status.data)")
        #expect(tenant.clean() == [])
    }

    @Test("Accepted is what is on the disk: who can't be promised that is not, and what did not get there is no pod")
    func kept() throws {
        let tenant = TestTenant("promised")
        defer { tenant.clean() }
        let words = tenant.perigee.command([
            "pod", "run", "--image", "demo-host", "-d", "--tenant", tenant.name, "sleep 1000",
        ])
        let failed = Perigee.execute(["strace", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO"] + words)
        #expect(failed.status == 1 && failed.errors.contains("fsync") && failed.errors.contains("EIO"), "\(failed)")
        #expect(try tenant.list().isEmpty && tenant.leftovers().isEmpty)
        // As a host leaves it that went down before the record was written.
        tenant.submit("p", "sleep 1000")
        let id = try #require(try tenant.status("p").data["id"] as? String)
        #expect(tenant.pod("stop", "--time", "0", "p").status == 0)
        let found = Perigee.shell(
            "cd \(tenant.perigee.store)/pods/*/\(id) && : > pod && touch -d '2 minutes ago' . && pwd")
        #expect(try found.status == 0 && tenant.list().isEmpty, "\(found)")
        tenant.submit("q", "sleep 1000")
        #expect(try tenant.list().count == 1)
        #expect(!FileManager.default.fileExists(atPath: String(found.output.dropLast())))
        #expect(tenant.clean() == [])
    }

    @Test("Killed while its pod is asked to end: the reason is the one that was there, however the pod then ends")
    func reason() throws {
        let tenant = TestTenant("reason")
        defer { tenant.clean() }
        for kill in ["before", "in its grace"] {
            tenant.submit("d", "trap '' TERM; echo up; while :; do sleep 0.1; done")
            #expect(tenant.awaitOutput("d", "up\n"))
            if kill == "before" { #expect(tenant.killSupervisor(of: "d")) }
            let stop = Process()
            stop.executableURL = URL(fileURLWithPath: Perigee.binary)
            stop.arguments = Array(
                tenant.perigee.command(["pod", "stop", "--tenant", tenant.name, "--time", "1s", "d"]).dropFirst())
            try stop.run()
            if kill == "in its grace" {
                Thread.sleep(forTimeInterval: 0.3)
                #expect(tenant.killSupervisor(of: "d"))
            }
            stop.waitUntilExit()
            #expect(tenant.pod("wait", "d").status == 137)
            let status = try tenant.status("d")
            #expect(status.reason == "Stopped" && status.exitCode == 137, "\(kill): \(status.data)")
        }
        #expect(tenant.clean() == [])
    }

    @Test("Its pod has ended since: the first look tells so, and it can be removed at once")
    func ended() throws {
        let tenant = TestTenant("since")
        defer { tenant.clean() }
        for verb in ["list", "status", "rm"] {
            tenant.submit("e", "until test -e /data/go; do sleep 0.05; done; exit 5")
            try tenant.await("e") { $0.phase == "Running" }
            #expect(tenant.killSupervisor(of: "e"))
            let volume = tenant.perigee.store + "/volumes/since/default"
            _ = Perigee.shell("touch \(volume)/go")
            let written = "cat \(tenant.perigee.store)/pods/*/since-e-*/exit | tr -d '\\0' | grep -q ."
            #expect(eventually { Perigee.shell(written).status == 0 })
            switch verb {
            case "list": #expect(try tenant.list().first?["phase"] as? String == "Failed")
            case "status": #expect(try tenant.status("e").exitCode == 5)
            default: #expect(tenant.pod("rm", "e").status == 0)
            }
            _ = Perigee.shell("rm \(volume)/go")
        }
        #expect(tenant.clean() == [])
    }

    @Test("One that waits does not end with its caller's group")
    func group() throws {
        let tenant = TestTenant("waits")
        defer { tenant.clean() }
        tenant.submit("w", image: "not-there", "true")
        try tenant.await("w") { $0.reason == "ErrImageNeverPull" }
        let process = try #require(tenant.supervisor(of: "w"))
        #expect(
            eventually {
                (try? String(contentsOfFile: "/proc/\(process)/cgroup", encoding: .utf8))?.contains(".supervisor")
                    == true
            })
        #expect(tenant.clean() == [])
    }
}
