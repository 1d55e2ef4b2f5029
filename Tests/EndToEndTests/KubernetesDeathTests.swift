import Foundation
import Testing

/// Supervisors of Pods of manifests that are killed at any moment.
@Suite(.serialized) struct KubernetesDeathTests {
    typealias M = TestManifest

    @Test(
        "Killed again and again: nothing of the logs is missing, the order holds, and nothing is left",
        arguments: ["", "\nshareProcessNamespace: true"])
    func killed(more: String) throws {
        let tenant = TestTenant("k8s-killed")
        defer { tenant.clean() }
        let mount = "volumeMounts: [{name: work, mountPath: /work}]"
        let text = M.pod(
            "p", spec: "restartPolicy: Never\nvolumes: [{name: work, emptyDir: {}}]" + more,
            initial: [
                M.container("i", "echo i >> /work/f; seq 1 2000; sleep 0.2", mount),
                M.container("j", "seq 1 2000; sleep 0.1", mount),
            ],
            M.container("a", "for k in 1 2 3 4 5; do seq 1 1000; sleep 0.1; done; head -n1 /work/f >&2", mount),
            M.container("b", "seq 1 3000; sleep 0.3; exit 4", mount))
        for round in 0..<4 {
            try tenant.apply(text)
            for _ in 0..<8 {
                Thread.sleep(forTimeInterval: Double.random(in: 0...0.15))
                tenant.killSupervisor(of: "p")
                _ = try tenant.status("p")
            }
            #expect(tenant.pod("wait", "p").status == 4, "\(round)")
            for (name, count) in [("i", 2000), ("j", 2000), ("a", 5000), ("b", 3000)] {
                let log = tenant.pod("logs", "p", "-c", name)
                // A launch whose supervisor was killed before it was written down is made again.
                #expect(log.output.split(separator: "\n").count % (name == "a" ? 1000 : count) == 0, "\(round) \(name)")
                #expect(log.output.hasSuffix("\(name == "a" ? 1000 : count)\n"), "\(round) \(name)")
            }
            let status = try tenant.status("p")
            #expect(status.phase == "Failed" && status.reason == "Error", "\(status.data)")
        }
        #expect(tenant.clean() == [])
    }

    @Test("Killed while a pod ends: the grace is not begun anew, and preStop comes to its end") func ending() throws {
        let tenant = TestTenant("k8s-ending")
        defer { tenant.clean() }
        let text = M.pod(
            "p", spec: "terminationGracePeriodSeconds: 8",
            M.container("a", "trap '' TERM; echo up; while true; do sleep 0.1; done"))
        try tenant.apply(text)
        #expect(tenant.awaitOutput("p", "up\n"))
        let start = Date()
        let stop = Process()
        stop.executableURL = URL(fileURLWithPath: Perigee.binary)
        stop.arguments = Array(tenant.perigee.command(["pod", "stop", "--tenant", tenant.name, "p"]).dropFirst())
        try stop.run()
        Thread.sleep(forTimeInterval: 4)
        tenant.killSupervisor(of: "p")
        stop.waitUntilExit()
        let time = Date().timeIntervalSince(start)
        #expect(time > 7.5 && time < 11.5, "\(time)")
        let status = try tenant.status("p")
        #expect(status.reason == "Stopped" && status.state(of: "a").fields["signal"] as? Int == 9, "\(status.data)")
        #expect(tenant.clean() == [])
    }
}
