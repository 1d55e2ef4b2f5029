import Foundation
import Testing

/// What pods get of their nodes: processors, devices, and a slot that nobody else has. The devices are made ones, with
/// numbers that no driver has: to open one fails with ENXIO where the group lets it, and with EPERM where it does not.
@Suite(.serialized) struct NodeTests {
    private let configuration: String
    private let directory: String
    private let device: String

    init() throws {
        directory = Perigee.shared.directory + "/nodes-\(UUID().uuidString)"
        device = "/dev/perigee-test-\(getpid())"
        configuration = directory + "/config.json"
        try FileManager.default.createDirectory(atPath: directory + "/cdi", withIntermediateDirectories: true)
        unlink(device)
        try #require(Perigee.execute(["mknod", "-m", "640", device, "c", "240", "77"]).status == 0)
        try write(
            """
            {"cdiVersion": "0.7.0", "kind": "acme.org/card",
             "containerEdits": {"env": ["CARDS=all"], "mounts": [
               {"hostPath": "\(directory)/cdi", "containerPath": "/opt/acme", "options": ["ro", "nosuid", "bind"]}]},
             "devices": [{"name": "0", "containerEdits": {"env": ["CARD=zero"], "deviceNodes": [
               {"path": "/dev/card", "type": "c", "major": 240, "minor": 78, "fileMode": 432, "gid": 44}]}}]}
            """, directory + "/cdi/acme.json")
        try configure()
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    }

    private func configure(fpga: String = #"{"enabled": false}"#, grace: Int = 300) throws {
        try write(
            """
            {"nodes": {"gpu": {"gpu_slots": ["0"], "cdi": "acme.org/card", "devices": ["\(device)"], "cpus": "0"},
                       "fpga": \(fpga)},
             "cdi_dirs": ["\(directory)/cdi"],
             "defaults": {"grace_seconds": \(grace), "termination_grace_seconds": 5}}
            """, configuration)
    }

    private func tenant(_ name: String) -> TestTenant { TestTenant(name, configuration: configuration) }

    private func remove() { unlink(device) }

    private static let look =
        "stat -c '%n %t %T %a %g' /dev/card /dev/perigee-test-*; echo $CARD $CARDS; ls /opt/acme; "
        + "grep Cpus_allowed_list /proc/self/status; cat /dev/card; cat /dev/perigee-test-*; "
        + "mknod /tmp/other c 240 79; cat /tmp/other; ls /proc/self/fd | wc -l"

    private func seen(_ outcome: Perigee.Outcome) -> Bool {
        let out = [
            "/dev/card f0 4e 660 44", "\(device) f0 4d 640 0", "zero all", "acme.json", "Cpus_allowed_list:\t0", "4",
        ]
        let denied = "cat: can't open '/tmp/other': Operation not permitted"
        let lines = outcome.errors.split(separator: "\n")
        return outcome.output.split(separator: "\n").map { String($0) } == out && lines.count == 3
            && lines[0].hasSuffix("No such device or address") && lines[1].hasSuffix("No such device or address")
            && lines[2] == denied
    }

    @Test("A pod has its node's processors, devices and CDI edits, and no other device")
    func devices() throws {
        defer { remove() }
        let tenant = tenant("nodedevices")
        let outcome = tenant.run(["pod", "run", "--image", "demo-host", "--node", "GPU", Self.look])
        #expect(seen(outcome), "\(outcome)")
        tenant.submit("d", "--node", "gpu", Self.look)
        #expect(tenant.pod("wait", "d").status == 0)
        let logs = tenant.pod("logs", "d")
        #expect(seen(logs), "\(logs)")
        #expect(try tenant.status("d").data["node"] as? String == "gpu")
        // Without the node there is nothing of it.
        let none = tenant.run([
            "pod", "run", "--image", "demo-host", "echo $CARD; ls /dev/card; mknod /tmp/c c 240 78; cat /tmp/c",
        ])
        #expect(none.output == "\n" && none.errors.contains("'/tmp/c': Operation not permitted"), "\(none)")
        let plan = tenant.run(["pod", "run", "--image", "demo-host", "--node", "gpu", "--explain", "true"])
        #expect(plan.status == 0 && plan.output.contains("/dev/card"), "\(plan.errors)")
        #expect(tenant.clean() == [])
    }

    @Test("All slots taken: refused in the foreground with the holder's name; a supervised pod waits, and begins then")
    func slots() throws {
        defer { remove() }
        let first = tenant("slotfirst"), second = tenant("slotsecond")
        first.submit("a", "--node", "gpu", "sleep 1000")
        try first.await("a") { $0.phase == "Running" }
        let message = "node gpu: no slot is free: slot 0 is used by pod slotfirst-a"
        let refused = second.run(["pod", "run", "--image", "demo-host", "--node", "gpu", "true"])
        #expect(refused.status == 125)
        #expect(refused.errors == "perigee: \(message)\n  hint: it is free as soon as its pod has ended\n")
        second.submit("b", "--node", "gpu", "echo $CARD")
        try second.await("b") { $0.reason == "Unschedulable" }
        let waiting = try second.status("b")
        #expect(waiting.phase == "Pending" && waiting.message == message, "\(waiting.data)")
        #expect(waiting.state["waiting"]?["reason"] as? String == "Unschedulable")
        let condition = (waiting.data["conditions"] as? [[String: Any]])?.first
        #expect(condition?["status"] as? String == "False")
        #expect(first.run(["limits"]).output.hasSuffix("\nnode gpu, slot 0: pod slotfirst-a\n"))
        #expect(first.pod("inspect", "a").output.contains("\"slot\": \"0\""))
        // Nor does its supervisor's death free it, nor another one that comes.
        #expect(first.killSupervisor(of: "a"))
        Thread.sleep(forTimeInterval: 1)
        #expect(try second.status("b").reason == "Unschedulable")
        #expect(first.supervisor(of: "a") == nil)
        let taken = first.run(["limits", "--json"]).output
        let object = try #require(JSONSerialization.jsonObject(with: Data(taken.utf8)) as? [String: Any])
        let slots = try #require(object["slots"] as? [[String: Any]])
        #expect(slots.count == 1 && slots[0]["tenant"] as? String == "slotfirst" && slots[0]["pod"] as? String == "a")
        _ = try first.status("a")
        Thread.sleep(forTimeInterval: 0.5)
        #expect(try second.status("b").reason == "Unschedulable")
        let begin = Date()
        #expect(first.pod("rm", "--force", "a").status == 0)
        #expect(second.pod("wait", "b").status == 0)
        #expect(Date().timeIntervalSince(begin) < 30)
        #expect(second.pod("logs", "b").output == "zero\n")
        #expect(second.run(["limits"]).output.hasSuffix("\nnode gpu, slot 0: free\n"))
        #expect(first.clean() + second.clean() == [])
    }

    @Test("The slot is free when the command is dead, and nobody is there to see it: its output unread, a child left")
    func unseen() throws {
        defer { remove() }
        let first = tenant("slotunseen"), second = tenant("slotafter")
        first.submit(
            "a", "--node", "gpu",
            "(trap '' TERM HUP; sleep 1000) & while [ ! -e /data/go ]; do sleep 0.05; done; echo last")
        try first.await("a") { $0.phase == "Running" }
        second.submit("b", "--node", "gpu", "exit 3")
        try second.await("b") { $0.reason == "Unschedulable" }
        #expect(first.killSupervisor(of: "a"))
        let go = first.perigee.store + "/volumes/slotunseen/default/go"
        _ = FileManager.default.createFile(atPath: go, contents: nil)
        let begin = Date()
        #expect(second.pod("wait", "b").status == 3)
        #expect(Date().timeIntervalSince(begin) < 30)
        // It is there still, for who reads what it has printed last.
        #expect(first.supervisor(of: "a") == nil)
        #expect(first.pod("wait", "a").status == 0)
        #expect(first.pod("logs", "a").output == "last\n")
        #expect(first.clean() + second.clean() == [])
    }

    @Test("Without init the supervisor has the slot, and the next one takes it back")
    func withoutInit() throws {
        defer { remove() }
        let first = tenant("slotplain"), second = tenant("slotnext")
        let file = directory + "/task.yaml"
        try write(
            """
            - id: A
              type: dphi.space.cg2.pod.run
              pod_name: a
              image: {name: demo-host, tag: latest}
              command: 'sleep 1000'
              node: Gpu
              volume: v
              init: false
            """, file)
        let accepted = first.run(["pod", "run", "--tenant", "slotplain", "--detach", file])
        #expect(accepted.status == 0, "\(accepted.errors)")
        try first.await("a") { $0.phase == "Running" }
        second.submit("b", "--node", "gpu", "true")
        try second.await("b") { $0.reason == "Unschedulable" }
        #expect(second.pod("rm", "--force", "b").status == 0)
        #expect(first.killSupervisor(of: "a"))
        try first.await("a") { _ in first.run(["limits"]).output.hasSuffix("\nnode gpu, slot 0: pod slotplain-a\n") }
        second.submit("b", "--node", "gpu", "true")
        try second.await("b") { $0.reason == "Unschedulable" }
        #expect(first.pod("stop", "-t", "0", "a").status == 0)
        #expect(second.pod("wait", "b").status == 0)
        #expect(first.clean() + second.clean() == [])
    }

    @Test(
        "Containers that share their processes have the slot by process 1 of theirs, whoever of them ends, until the end"
    )
    func sharedProcesses() throws {
        defer { remove() }
        let first = tenant("slotshared"), second = tenant("slotother")
        let text = TestManifest.pod(
            "a", spec: "restartPolicy: Never\nshareProcessNamespace: true\nnodeSelector: {n: gpu}\n",
            TestManifest.container("x", "true"), TestManifest.container("y", "while :; do sleep 0.1; done"))
        let accepted = try first.apply(text)
        try #require(accepted.status == 0, "\(accepted)")
        try first.await("a") { $0.state(of: "x").kind == "terminated" && $0.state(of: "y").kind == "running" }
        second.submit("b", "--node", "gpu", "true")
        try second.await("b") { $0.reason == "Unschedulable" }
        #expect(first.killSupervisor(of: "a"))
        #expect(try first.status("a").state(of: "y").kind == "running")
        #expect(try second.status("b").reason == "Unschedulable")
        #expect(first.pod("stop", "-t", "0", "a").status == 0)
        #expect(second.pod("wait", "b").status == 0)
        #expect(first.clean() + second.clean() == [])
    }

    @Test("A node that is not enabled: accepted, and run when it is; or not within the time to start")
    func disabled() throws {
        defer { remove() }
        let tenant = tenant("nodeoff")
        let refused = tenant.run(["pod", "run", "--image", "demo-host", "--node", "fpga", "true"])
        #expect(refused.status == 125 && refused.errors.hasPrefix("perigee: node fpga is not available"), "\(refused)")
        let unknown = tenant.run(["pod", "run", "--image", "demo-host", "--node", "tpu", "true"])
        #expect(unknown.status == 2)
        #expect(
            unknown.errors == "perigee: Node selection is invalid. (node \"tpu\"; valid: fpga, mpu, gpu, default)\n")
        #expect(tenant.submit("o", "--node", "tpu", "true").status == 2)
        #expect(tenant.submit("o", "--node", "fpga", "exit 5").status == 0)
        try tenant.await("o") { $0.reason == "Unschedulable" }
        #expect(try tenant.status("o").message == "node fpga is not available on this machine")
        try configure(fpga: "{}")
        #expect(tenant.pod("wait", "o").status == 5)
        try configure(grace: 6)
        #expect(tenant.submit("o", "--node", "fpga", "exit 5").status == 0)
        #expect(tenant.pod("wait", "o").status == 125)
        let late = try tenant.status("o")
        #expect(
            late.reason == "StartTimeout"
                && late.message
                    == "Pod did not start within 1 s; last state Unschedulable: node fpga is not available on this machine",
            "\(late.data)")
        #expect(tenant.clean() == [])
    }

    @Test("An image of another machine than the node's, and a device that is not there")
    func unfit() throws {
        defer { remove() }
        #if arch(x86_64)
            let (other, own) = ("arm64", "amd64")
        #else
            let (other, own) = ("amd64", "arm64")
        #endif
        try configure(fpga: "{\"arch\": \"\(other)\"}")
        let tenant = tenant("nodeunfit")
        tenant.submit("u", "--node", "fpga", "true")
        #expect(tenant.pod("wait", "u").status == 125)
        let status = try tenant.status("u")
        #expect(status.reason == "ErrImagePull")
        #expect(
            status.message.hasPrefix(
                "image \"demo-host\" is linux/\(own), node fpga needs linux/\(other): no match for platform in manifest"
            ),
            "\(status.data)")
        try configure(fpga: #"{"devices": ["/dev/perigee-nosuch"]}"#)
        tenant.submit("u", "--node", "fpga", "true")
        #expect(tenant.pod("wait", "u").status == 125)
        let missing = try tenant.status("u")
        #expect(missing.reason == "CreateContainerConfigError", "\(missing.data)")
        #expect(missing.message.hasPrefix("device /dev/perigee-nosuch: "), "\(missing.data)")
        #expect(tenant.clean() == [])
    }
}
