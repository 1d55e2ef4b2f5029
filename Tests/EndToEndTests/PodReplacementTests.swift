import Foundation
import Testing

/// One submission of a tenant at a time: REQUIREMENTS A25 to A27.
@Suite(.serialized) struct PodReplacementTests {
    @Test("Twenty in a row: never two at once, and nothing is left of those before (A26)")
    func row() throws {
        let tenant = TestTenant("row")
        defer { tenant.clean() }
        let began = tenant.perigee.store + "/volumes/row/default/began"
        func lines() -> Int { (FileManager.default.contents(atPath: began) ?? Data()).count { $0 == 10 } }
        for i in 1...20 {
            tenant.submit("p\(i)", "echo $$ >> /data/began; exec sleep 1000")
            let runs = try eventually {
                // A container's group is gone before the next one's is made.
                let groups = Perigee.shell(
                    "find /sys/fs/cgroup -maxdepth 3 -type d -name '\(tenant.perigee.identifier).row-*' -printf '%f\n'"
                ).output.split(separator: "\n").filter { !$0.hasSuffix(".supervisor") }
                #expect(Set(groups).count <= 1, "\(groups)")
                return try tenant.list().contains {
                    $0["pod_name"] as? String == "p\(i)" && $0["phase"] as? String == "Running"
                }
            }
            #expect(runs)
            #expect(eventually { lines() == i })
        }
        let list = try tenant.list()
        #expect(list.count == 1 && list[0]["pod_name"] as? String == "p20" && list[0]["phase"] as? String == "Running")
        #expect(tenant.clean() == [])
    }

    @Test("A hundred submissions, three at once: one comes to run, whoever is found first, and the others are gone")
    func atOnce() throws {
        let tenant = TestTenant("once")
        defer { tenant.clean() }
        for round in 1...34 {
            let processes = try (1...3).map { i in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: Perigee.binary)
                process.standardOutput = FileHandle.nullDevice
                let words = [
                    "pod", "run", "--image", "demo-host", "-d", "--tenant", "once", "--name", "p\(i)", "sleep 1000",
                ]
                process.arguments = Array(tenant.perigee.command(words).dropFirst())
                try process.run()
                return process
            }
            for process in processes {
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
            }
            let runs = try eventually { try tenant.list().compactMap { $0["phase"] as? String } == ["Running"] }
            #expect(runs, "round \(round)")
        }
        #expect(tenant.clean() == [])
    }

    @Test("One that is waited for while another replaces it")
    func waited() throws {
        let tenant = TestTenant("waited")
        defer { tenant.clean() }
        tenant.submit("old", "trap 'sleep 3; exit 11' TERM; echo up; while :; do sleep 0.1; done")
        #expect(tenant.awaitOutput("old", "up\n"))
        tenant.submit("new", "echo begun; sleep 1000")
        let status = try tenant.status("old")
        #expect(status.phase == "Running")
        try tenant.await("new") { $0.phase == "Running" }
        #expect(tenant.pod("status", "old").status == 4)
        #expect(tenant.clean() == [])
    }

    @Test("Two tenants do not disturb each other, with the same names")
    func tenants() throws {
        let (one, other) = (TestTenant("side-a"), TestTenant("side-b"))
        defer { for tenant in [one, other] { tenant.clean() } }
        one.submit("p", "echo mine > /data/f; sleep 1000")
        try one.await("p") { $0.phase == "Running" }
        let id = try one.status("p").data["id"] as? String
        for _ in 1...3 {
            other.submit("p", "ls /data; exit 2")
            let waited = other.pod("wait", "p")
            #expect(waited.status == 2, "\(waited)")
            #expect(other.pod("logs", "p").output.isEmpty)
        }
        let status = try one.status("p")
        #expect(status.phase == "Running" && status.data["id"] as? String == id)
        for tenant in [one, other] { #expect(tenant.clean() == []) }
    }

    @Test("mode parallel: as many beside each other as the limit says, and one of a name is replaced (A28, E15)")
    func parallel() throws {
        let tenant = TestTenant("beside")
        defer { tenant.clean() }
        let path = tenant.perigee.directory + "/parallel.json"
        let text = #"{"tenants": {"beside": {"mode": "parallel", "max_pods": 2}}}"#
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        func submit(_ pod: String) -> Perigee.Outcome {
            tenant.perigee.run([
                "--config-file", path, "pod", "run", "--image", "demo-host", "--detach", "--tenant", "beside", "--name",
                pod, "exec sleep 1000",
            ])
        }
        #expect(submit("a").status == 0 && submit("b").status == 0)
        let refused = submit("c")
        #expect(refused.status == 3 && refused.errors.contains("Maximum pods reached (2/2)"), "\(refused.errors)")
        try tenant.await("a") { $0.phase == "Running" }
        let first = try #require(try tenant.status("a").data["id"] as? String)
        #expect(submit("a").status == 0)
        try tenant.await("a") { $0.phase == "Running" && $0.data["id"] as? String != first }
        try tenant.await("b") { $0.phase == "Running" }
        #expect(try tenant.list().count == 2)
        let statistics = tenant.pod("stats", "a")
        #expect(statistics.status == 0 && statistics.output.contains("\"memory\""), "\(statistics.errors)")
    }
}
