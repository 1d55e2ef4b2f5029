import Foundation
import Testing

/// How the pods of a step come to be accepted, and what their time counts from: REQUIREMENTS B20, B29, B41.
@Suite(.serialized) struct PodAcceptanceTests {
    private func steps(_ output: String) throws -> (status: Bool?, messages: [String]) {
        let result = try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(output)")
        let steps = result["steps"] as? [[String: Any]] ?? []
        return (result["status"] as? Bool, steps.map { $0["message"] as? String ?? "" })
    }

    @Test("A group of which one can't be is not accepted at all (B20)") func wrong() throws {
        let tenant = TestTenant("group-wrong")
        defer { tenant.clean() }
        tenant.submit("before", "while :; do sleep 1; done")
        try tenant.await("before") { $0.phase == "Running" }
        let group = ["A", "B"].map { TestTask.pod($0, "true", "merge: true") }.joined()
        let last = TestTask.pod("C", "true", "merge: true")
        for wrong in [last + "  node: tpu\n", last + "  network: host\n"] {
            let file = try TestTask.file(tenant, group + wrong)
            let outcome = tenant.run(["pod", "run", "--tenant", tenant.name, "--json", file])
            #expect(outcome.status != 0, "\(outcome)")
            for name in ["a", "b", "c"] { #expect(tenant.pod("status", name).status == 4) }
            // Nor has it replaced what was there.
            #expect(try tenant.status("before").phase == "Running")
        }
        #expect(tenant.clean() == [])
    }

    @Test("Where there is no room for the records the steps fail, by that name, and nothing is half there (B20, B41)")
    func full() throws {
        let own = Perigee(directory: Perigee.shared.directory + "/full")
        let loaded = own.run(["image", "load", "\(Perigee.images)/demo-host.oci.tar"])
        try #require(loaded.status == 0, "\(loaded.errors)")
        let tenant = TestTenant("upload", in: own)
        let file = try TestTask.file(
            tenant,
            ["A", "B", "C"].map { TestTask.pod($0, "true", "merge: true") }.joined() + TestTask.pod("D", "true"))
        let pods = own.store + "/pods"
        try FileManager.default.createDirectory(atPath: pods, withIntermediateDirectories: true)
        // Room for one of them, and not for three.
        let script =
            "mount -t tmpfs -o nr_inodes=22 none \(pods); \"$@\"; code=$?; find \(pods) -name 'upload-*' >&2; exit $code"
        let words = own.command(["pod", "run", "--tenant", tenant.name, "--json", file])
        let outcome = Perigee.execute(["unshare", "-m", "sh", "-c", script, "sh"] + words)
        #expect(outcome.status == 1, "\(outcome)")
        let (status, messages) = try steps(outcome.output)
        #expect(status == false && messages.count == 4)
        for message in messages.prefix(3) {
            #expect(message.hasPrefix("Remote manifest upload fails. (manifests/A.yaml: "), "\(message)")
            #expect(message.contains("ENOSPC"), "\(message)")
        }
        #expect(messages.last == "skipped: step A failed")
        #expect(!outcome.errors.contains(pods + "/"), "\(outcome.errors)")
        #expect(tenant.clean() == [])
    }

    @Test("The time of a run counts from its start, however long the pod has waited for that (B29)") func time() throws
    {
        let host = try TestHost("late")
        let tenant = host.tenant("late")
        let taken = try host.begin("serve", "tcp", "18095", in: host.space)
        let file = try TestTask.file(
            tenant,
            TestTask.pod(
                "A", "sleep 1; echo done", "max_duration: 0.1\n  ports: [{container: 80, host: 18095, protocol: tcp}]"))
        let accepted = tenant.run(["pod", "run", "--detach", "--tenant", tenant.name, file])
        try #require(accepted.status == 0, "\(accepted)")
        try tenant.await("a") { $0.reason == "Unschedulable" }
        // Longer than it may run.
        Thread.sleep(forTimeInterval: 7)
        #expect(try tenant.status("a").phase == "Pending")
        taken.end()
        let end = Date().addingTimeInterval(30)
        while try tenant.status("a").phase == "Pending", Date() < end { Thread.sleep(forTimeInterval: 0.05) }
        #expect(tenant.pod("wait", "a").status == 0)
        #expect(try tenant.status("a").phase == "Succeeded")
        #expect(tenant.pod("logs", "a").output == "done\n")
        #expect(tenant.clean() == [])
    }

    @Test("A blank directory lies ready for the next pod, and one that a host's end has spoiled is not used")
    func blank() throws {
        let own = Perigee(directory: Perigee.shared.directory + "/blank")
        let loaded = own.run(["image", "load", "\(Perigee.images)/demo-host.oci.tar"])
        try #require(loaded.status == 0, "\(loaded.errors)")
        let tenant = TestTenant("blank", in: own)
        defer { tenant.clean() }
        tenant.submit("p", "echo p; sleep 1000")
        let blank = own.store + "/pods/*/.blank", reserve = "status.reserve"
        #expect(eventually { Perigee.shell("test -p \(blank)/wake").status == 0 })
        #expect(eventually { FileManager.default.fileExists(atPath: own.store + "/blank/work") })
        let inode = Perigee.shell("stat -c %i \(blank)").output
        tenant.submit("q", "echo q; sleep 1000")
        let taken = Perigee.shell("stat -c %i \(own.store)/pods/*/blank-q-*").output
        #expect(inode == taken && !inode.isEmpty)
        #expect(tenant.awaitOutput("q", "q\n"))
        // The name came to the disk, and the content did not; and whoever made another was killed.
        #expect(eventually { Perigee.shell("test -p \(blank)/wake").status == 0 })
        #expect(Perigee.shell("cd \(blank) && : > \(reserve) && mkdir ../.blank.2147483646").status == 0)
        tenant.submit("r", "echo r; sleep 1000")
        #expect(Perigee.shell("stat -c %s \(own.store)/pods/*/blank-r-*/\(reserve)").output == "8192\n")
        #expect(Perigee.shell("ls -d \(blank).*").output.isEmpty)
        #expect(tenant.awaitOutput("r", "r\n"))
        // Its name came to the disk before a pod's, whose record did.
        #expect(eventually { Perigee.shell("test -p \(blank)/wake").status == 0 })
        #expect(Perigee.shell("echo '{}' > \(Perigee.shell("echo \(blank)").output.dropLast())/pod").status == 0)
        tenant.submit("s", "echo s; sleep 1000")
        #expect(tenant.awaitOutput("s", "s\n"))
        #expect(tenant.clean() == [])
    }

    @Test("Who can't tell the names of accepted pods says so") func told() throws {
        let tenant = TestTenant("untold")
        defer { tenant.clean() }
        let words = tenant.perigee.command([
            "pod", "run", "--image", "demo-host", "-d", "--tenant", tenant.name, "sleep 1000",
        ])
        let outcome = Perigee.execute(["sh", "-c", "exec \"$@\" > /dev/full", "sh"] + words)
        #expect(
            outcome.status == 1 && outcome.errors.contains("standard output: write(2) descriptor 1: ENOSPC"),
            "\(outcome)")
        try tenant.await("pod") { $0.phase == "Running" }
        #expect(tenant.clean() == [])
    }

    @Test(
        "A status that did not reach the disk is no hindrance for any verb, and a record that did not is nobody's pod")
    func unwritten() throws {
        let tenant = TestTenant("unwritten")
        defer { tenant.clean() }
        tenant.submit("p", "echo up; sleep 1000")
        #expect(tenant.awaitOutput("p", "up\n"))
        #expect(tenant.killSupervisor(of: "p"))
        let pods = tenant.perigee.store + "/pods/*"
        #expect(Perigee.shell("for i in \(pods)/unwritten-p-*; do : > $i/status; done").status == 0)
        #expect(try tenant.list().count == 1)
        try tenant.await("p") { $0.phase == "Running" }
        // One of which nothing but the directory is there, and one without a status.
        let made = "cd \(pods) && mkdir unwritten-x-1 unwritten-y-1 && echo '{}' > unwritten-y-1/pod"
        #expect(Perigee.shell(made + " && touch -d '2 minutes ago' unwritten-?-1").status == 0)
        tenant.submit("p", "sleep 1000")
        #expect(Perigee.shell("ls -d \(pods)/unwritten-?-1").output.isEmpty)
        #expect(tenant.clean() == [])
    }

    @Test("What can't be is refused before the pod that is there goes: names, options, another tenant's host name")
    func refused() throws {
        let tenant = TestTenant("keeps"), other = TestTenant("keeps-b")
        defer {
            tenant.clean()
            other.clean()
        }
        tenant.submit("b-c", "sleep 1000")
        try tenant.await("b-c") { $0.phase == "Running" }
        for image in ["A B", "", "x\u{1b}[31m\ny"] {
            for detached in [["--detach"], []] {
                let outcome = tenant.run(
                    ["pod", "run", "--tenant", tenant.name, "--image", image] + detached + ["true"])
                #expect(outcome.status == 2, "\(outcome)")
                #expect(outcome.errors.contains("Failed to parse image reference"), "\(outcome)")
                #expect(!outcome.errors.contains("\u{1b}"))
            }
        }
        for option in ["--explain", "--timeline", "--json"] {
            let outcome = tenant.submit("other", option, "true")
            #expect(outcome.status == 2 && outcome.errors.contains("pod run: \(option)"), "\(outcome)")
        }
        let file = try TestTask.file(tenant, TestTask.pod("A", "true"))
        for words in [["--explain"], ["--timeline"], ["--", "ls"]] {
            let outcome = tenant.run(["pod", "run", "--tenant", tenant.name, file] + words)
            #expect(outcome.status == 2, "\(outcome)")
        }
        let taken = other.submit("c", "sleep 1000")
        #expect(
            taken.status == 2
                && taken.errors.hasPrefix("perigee: Hostname \"keeps-b-c\" is in use by tenant keeps"), "\(taken)")
        #expect(try tenant.status("b-c").phase == "Running" && tenant.list().count == 1)
        #expect(tenant.pod("stop", "b-c").status == 0)
        #expect(other.submit("c", "sleep 1000").status == 0)
        // The one's name is how the other's begins.
        other.clean()
        #expect(tenant.clean() == [])
    }
}
