import Foundation
import Testing

/// `pod events`: what happens to pods is told in its order (A26), also after they are gone.
@Suite(.serialized) struct PodEventsTests {
    private struct Event {
        let kind: String, pod: String, reason: String, message: String
        let code: Int?
        let id: String
    }

    private func events(_ tenant: TestTenant, _ words: String...) throws -> [Event] {
        let outcome = tenant.perigee.run(["pod", "events", "--tenant", tenant.name, "--json"] + words)
        #expect(outcome.status == 0 && outcome.errors.isEmpty)
        return try outcome.output.split(separator: "\n").map { try event(String($0)) }
    }

    private func event(_ line: String) throws -> Event {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["tenant"] != nil && object["time"] != nil && line.utf8.count < 4095)
        return Event(
            kind: object["event"] as? String ?? "", pod: object["pod_name"] as? String ?? "",
            reason: object["reason"] as? String ?? "", message: object["message"] as? String ?? "",
            code: object["exitCode"] as? Int, id: object["id"] as? String ?? "")
    }

    @Test("the life of a pod, from its acceptance to its removal, and of one that never runs")
    func life() throws {
        let tenant = TestTenant("events-life")
        defer { tenant.clean() }
        tenant.submit("e", "exit 3")
        #expect(tenant.pod("wait", "e").status == 3)
        #expect(tenant.pod("rm", "e").status == 0)
        tenant.submit("w", image: "not-there", "true")
        try tenant.await("w") { $0.reason == "ErrImageNeverPull" }
        #expect(tenant.pod("stop", "w").status == 0)
        tenant.submit("t", "--timeout", "300ms", "exec sleep 1000")
        #expect(tenant.pod("wait", "t").status == 124)
        let all = try events(tenant)
        let one = all.filter { $0.pod == "e" }
        #expect(one.map(\.kind) == ["Accepted", "Scheduled", "Started", "Ended", "Removed"])
        #expect(one[0].message == "image demo-host")
        #expect(one[3].reason == "Error" && one[3].code == 3 && one[4].reason == "Removed")
        #expect(Set(one.map(\.id)).count == 1 && one[0].id.hasPrefix("events-life-e-"))
        let two = all.filter { $0.pod == "w" }
        #expect(two.map(\.kind) == ["Accepted", "Waiting", "Killing", "Ended", "Removed"])
        #expect(two.map(\.reason) == ["", "ErrImageNeverPull", "Stopped", "Stopped", "Replaced"])
        let three = all.filter { $0.pod == "t" }
        #expect(three.map(\.kind) == ["Accepted", "Scheduled", "Started", "Killing", "Ended"])
        #expect(three[3].reason == "DeadlineExceeded" && three[4].reason == "DeadlineExceeded" && three[4].code == 143)
        // For people.
        let text = tenant.pod("events").output
        let line = try #require(text.split(separator: "\n").first { $0.contains("Ended ") }, "\(text)")
        #expect(
            line.hasSuffix("Failed, Error, exit code 3") && line.contains("Z  Ended      events-life-e-"), "\(line)")
    }

    @Test("A replacement (A26): the former is asked to end, has ended and is removed before the next is scheduled")
    func replacement() throws {
        let tenant = TestTenant("events-replace")
        defer { tenant.clean() }
        tenant.submit("p", "exec sleep 1000")
        try tenant.await("p") { $0.phase == "Running" }
        tenant.submit("p", "exec sleep 1000")
        try tenant.await("p") { $0.phase == "Running" }
        let all = try events(tenant)
        let (former, next) = (try #require(all.first?.id), try #require(all.last?.id))
        #expect(former != next)
        func order(_ id: String, _ kind: String) throws -> Int {
            try #require(all.firstIndex { $0.id == id && $0.kind == kind }, "\(kind)")
        }
        let order = try [
            order(former, "Started"), order(next, "Accepted"), order(former, "Killing"), order(former, "Ended"),
            order(former, "Removed"), order(next, "Scheduled"), order(next, "Started"),
        ]
        #expect(order == order.sorted() && all.count == 9, "\(all)")
        #expect(all[try self.index(all, former, "Killing")].reason == "Replaced")
        #expect(all[try self.index(all, former, "Removed")].message.contains("events-replace-p"))
    }

    private func index(_ all: [Event], _ id: String, _ kind: String) throws -> Int {
        try #require(all.firstIndex { $0.id == id && $0.kind == kind })
    }

    @Test("--follow tells of each as it happens, of its tenant alone or of all; a takeover is told")
    func follow() throws {
        let tenant = TestTenant("events-follow"), other = TestTenant("events-other")
        defer {
            tenant.clean()
            other.clean()
        }
        tenant.submit("before", "true")
        #expect(tenant.pod("wait", "before").status == 0)
        let file = tenant.perigee.directory + "/followed"
        let words = tenant.perigee.command(["pod", "events", "-f", "--json", "--tenant", tenant.name])
        let follower = Process()
        follower.executableURL = URL(fileURLWithPath: words[0])
        follower.arguments = Array(words.dropFirst())
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        follower.standardOutput = FileHandle(forWritingAtPath: file)
        try follower.run()
        // A thread of the test's may keep TERM back, and so does what it starts.
        defer { _ = kill(follower.processIdentifier, SIGKILL) }
        func see(_ kinds: [String]) throws {
            let end = Date().addingTimeInterval(180)
            while true {
                let lines = (try String(contentsOfFile: file, encoding: .utf8)).split(separator: "\n").map(String.init)
                let seen = try lines.map { try event($0) }
                #expect(seen.allSatisfy { $0.id.hasPrefix("events-follow-") })
                if seen.map(\.kind).suffix(kinds.count) == kinds[...] { return }
                try #require(Date() < end, "\(lines)")
                Thread.sleep(forTimeInterval: 0.02)
            }
        }
        try see(["Accepted", "Scheduled", "Started", "Ended"])
        other.submit("o", "true")
        #expect(other.pod("wait", "o").status == 0)
        tenant.submit("p", "exec sleep 1000")
        try see(["Removed", "Scheduled", "Started"])
        // It sleeps meanwhile.
        let ticks = { Perigee.shell("cut -d ' ' -f 14,15 /proc/\(follower.processIdentifier)/stat").output }
        let before = ticks()
        Thread.sleep(forTimeInterval: 0.5)
        #expect(ticks() == before)
        #expect(tenant.killSupervisor(of: "p"))
        #expect(tenant.pod("stop", "p").status == 0)
        let last = try events(tenant).suffix(3)
        #expect(Set(last.map(\.kind)) == ["TakenOver", "Killing", "Ended"] && last.last?.kind == "Ended")
        try see([String(last.first?.kind ?? ""), String(last.dropFirst().first?.kind ?? ""), "Ended"])
        let all = tenant.perigee.run(["pod", "events", "--all-tenants"]).output
        #expect(all.contains("  events-other-o-") && all.contains("  events-follow-p-"))
        let none = tenant.perigee.run(["pod", "events", "--tenant", "events-nobody"])
        #expect(none.status == 0 && none.output.isEmpty)
        #expect(tenant.perigee.run(["pod", "events", "x"]).status == 2)
    }

    @Test("A pod in the foreground is none of a tenant's pods, and nothing is told of it")
    func foreground() throws {
        let tenant = TestTenant("events-foreground")
        #expect(tenant.perigee.pod("--tenant", tenant.name, "true").status == 0)
        #expect(try events(tenant).isEmpty)
    }
}
