import Foundation
import Testing

/// `pod run FILE --detach`: the steps go on by themselves, each after the one before it.
@Suite(.serialized) struct PodSequenceDetachedTests {
    private func submit(_ tenant: TestTenant, _ steps: String) throws -> Perigee.Outcome {
        let path = try TestTask.file(tenant, steps)
        return tenant.perigee.run(["pod", "run", "--tenant", tenant.name, "--detach", path])
    }

    /// Holds the first step until the test lets it go.
    private let gate = "until [ -e /data/go ]; do sleep 0.02; done; "

    private func open(_ tenant: TestTenant) throws {
        try Data().write(to: URL(fileURLWithPath: tenant.perigee.store + "/volumes/\(tenant.name)/v/go"))
    }

    @Test("It returns at once, and groups run one after the other")
    func order() throws {
        let tenant = TestTenant("later")
        defer { tenant.clean() }
        let outcome = try submit(
            tenant,
            TestTask.uplink + TestTask.pod("A", gate + "cat /data/in/hello.txt > /data/a")
                + TestTask.pod("B", "cat /data/a; touch /data/b", "merge: true")
                + TestTask.pod("C", "cat /data/a; touch /data/c", "merge: true") + TestTask.pod("D", "ls /data"))
        #expect(outcome.status == 0 && outcome.output == "later-a\nlater-b\nlater-c\nlater-d\n", "\(outcome)")
        try tenant.await("a") { $0.phase == "Running" }
        try tenant.await("b") { $0.reason == "Waiting" }
        #expect(try tenant.status("c").message == "waiting for step A")
        #expect(try tenant.status("d").message == "waiting for step B, C")
        try open(tenant)
        #expect(tenant.pod("wait", "d").status == 0)
        #expect(tenant.pod("logs", "b").output == "hello\n" && tenant.pod("logs", "c").output == "hello\n")
        #expect(tenant.pod("logs", "d").output == "a\nb\nc\ngo\nin\n")
        #expect(tenant.clean() == [])
    }

    @Test("A failure ends what comes after it, unless its task says continue")
    func failures() throws {
        let tenant = TestTenant("lost")
        defer { tenant.clean() }
        _ = try submit(
            tenant,
            TestTask.pod("A", "exit 3", "on_failure: continue") + TestTask.pod("B", "exit 4")
                + TestTask.pod("C", "touch /data/never")
                + TestTask.pod("D", "touch /data/never"))
        #expect(tenant.pod("wait", "d").status == 125)
        #expect(try tenant.status("b").exitCode == 4)
        for name in ["c", "d"] {
            let status = try tenant.status(name)
            #expect(status.phase == "Failed" && status.reason == "Skipped", "\(status.data)")
            #expect(status.message == "step B failed: Error, exit code 4")
        }
        #expect(!FileManager.default.fileExists(atPath: tenant.perigee.store + "/volumes/lost/v/never"))
        #expect(tenant.clean() == [])
    }

    @Test("Killed supervisors, of the step that runs and of those that wait, end nothing")
    func killed() throws {
        let tenant = TestTenant("orphans")
        defer { tenant.clean() }
        _ = try submit(
            tenant, TestTask.pod("A", gate + "exit 0") + TestTask.pod("B", "exit 0") + TestTask.pod("C", "exit 5"))
        try tenant.await("a") { $0.phase == "Running" }
        try tenant.await("c") { $0.reason == "Waiting" }
        for name in ["a", "b", "c"] { #expect(tenant.killSupervisor(of: name)) }
        try open(tenant)
        #expect(tenant.pod("wait", "c").status == 5)
        #expect(try tenant.status("b").phase == "Succeeded")
        #expect(tenant.clean() == [])
    }

    @Test("The supervisor of the step that runs is killed alone: those that wait see to it")
    func killedAlone() throws {
        let tenant = TestTenant("alone")
        defer { tenant.clean() }
        _ = try submit(tenant, TestTask.pod("A", gate + "exit 0") + TestTask.pod("B", "exit 0"))
        try tenant.await("a") { $0.phase == "Running" }
        try tenant.await("b") { $0.reason == "Waiting" }
        #expect(tenant.killSupervisor(of: "a"))
        try open(tenant)
        // Nobody asks for A.
        #expect(tenant.pod("wait", "b").status == 0)
        #expect(tenant.clean() == [])
    }

    @Test(
        "A step that has ended well and was removed hinders nothing; one name in several steps is the one whose turn it is"
    )
    func removedStep() throws {
        let tenant = TestTenant("gone")
        defer { tenant.clean() }
        let steps =
            TestTask.pod("A", "exit 0") + TestTask.pod("B", "touch /data/begun; " + gate + "exit 0")
            + TestTask.pod("C", "echo last")
        _ = try submit(tenant, steps)
        try tenant.await("b") { $0.phase == "Running" }
        #expect(tenant.pod("rm", "a").status == 0)
        #expect(tenant.killSupervisor(of: "c"))
        try open(tenant)
        #expect(tenant.pod("wait", "c").status == 0)
        #expect(tenant.pod("logs", "c").output == "last\n")
        let same = steps.replacingOccurrences(
            of: "pod_name: [abc]", with: "pod_name: same", options: .regularExpression)
        let path = try TestTask.file(tenant, same)
        let volume = tenant.perigee.store + "/volumes/gone/v/"
        for name in ["go", "begun"] { try FileManager.default.removeItem(atPath: volume + name) }
        let words = ["pod", "run", "--tenant", tenant.name, "--allow-sequential-reuse", "--detach", path]
        #expect(tenant.perigee.run(words).status == 0)
        // A has the name too, and runs for a moment: what B writes says whose turn it is.
        #expect(eventually { FileManager.default.fileExists(atPath: volume + "begun") })
        #expect(tenant.pod("exec", "same", "--", "true").status == 0)
        try open(tenant)
        #expect(tenant.awaitOutput("same", "last\n") && tenant.pod("wait", "same").status == 0)
        #expect(tenant.clean() == [])
    }

    @Test("One that waits can be stopped, and a newer submission replaces all of them")
    func stopped() throws {
        let tenant = TestTenant("halted")
        defer { tenant.clean() }
        _ = try submit(
            tenant, TestTask.pod("A", "sleep 1000") + TestTask.pod("B", "exit 0") + TestTask.pod("C", "exit 0"))
        try tenant.await("a") { $0.phase == "Running" }
        try tenant.await("b") { $0.reason == "Waiting" }
        #expect(tenant.pod("stop", "b").status == 0)
        #expect(try tenant.status("b").reason == "Stopped")
        try tenant.await("c") { $0.phase == "Failed" }
        #expect(try tenant.status("c").message == "step B failed: Stopped")
        _ = try submit(tenant, TestTask.pod("X", "sleep 0.1") + TestTask.pod("Y", "exit 0"))
        #expect(tenant.pod("wait", "y").status == 0)
        #expect(try tenant.list().count == 2)
        #expect(tenant.clean() == [])
    }

    @Test("An uplink behind a pod needs somebody who stays")
    func refused() throws {
        let tenant = TestTenant("stays")
        let outcome = try submit(tenant, TestTask.pod("A", "exit 0") + TestTask.uplink)
        #expect(outcome.status == 2)
        #expect(
            outcome.errors == """
                perigee: --detach: uplink UP comes after a pod, and somebody must stay to do it
                  hint: put the uplinks first, or leave --detach out

                """)
        #expect(try tenant.list().isEmpty)
    }
}
