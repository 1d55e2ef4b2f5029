import Foundation
import Testing

/// Init containers with `restartPolicy: Always`, for real: what PodsTests/SidecarTests has against a clock of its own.
@Suite(.serialized) struct KubernetesSidecarTests {
    typealias M = TestManifest

    private static let mount = "volumeMounts: [{name: d, mountPath: /d}]"
    private static func stays(_ name: String) -> String {
        // What a trap is to do while the shell waits for a command comes behind that.
        "trap 'echo \(name) >> /d/ended; exit 0' TERM; echo \(name) >> /d/begun; touch /d/\(name); while :; do sleep 0.05; done"
    }

    @Test("They begin in order, the next when the startup probe says so; end in reverse order; the pod has succeeded")
    func order() throws {
        let tenant = TestTenant("k8s-sidecars")
        defer { tenant.clean() }
        let probe = "startupProbe: {exec: {command: [ls, /d/ready]}, periodSeconds: 1, failureThreshold: 30}"
        let readies = Self.stays("s").replacing("touch /d/s;", with: "touch /d/s; (sleep 0.5; touch /d/ready) &")
        try tenant.apply(
            M.pod(
                "p", spec: "restartPolicy: Never\nvolumes: [{name: d, persistentVolumeClaim: {claimName: d}}]",
                initial: [
                    M.container("s", readies, "restartPolicy: Always\n\(Self.mount)\n\(probe)"),
                    M.container("i", "ls /d/ready && echo i >> /d/begun", Self.mount),
                    M.container("t", Self.stays("t"), "restartPolicy: Always\n\(Self.mount)"),
                ],
                M.container(
                    "a", "until [ -e /d/t ]; do sleep 0.05; done; echo a >> /d/begun; echo a >> /d/ended", Self.mount)))
        #expect(tenant.pod("wait", "p").status == 0)
        let status = try tenant.status("p")
        #expect(status.phase == "Succeeded", "\(status.data)")
        #expect(status.condition("Initialized") == "True" && status.condition("Ready") == "False")
        let place = tenant.perigee.store + "/volumes/\(tenant.name)/d/"
        func lines(_ name: String) -> [String] {
            (try? String(contentsOfFile: place + name, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
        }
        // The last sidecar and the container begin together.
        let begun = lines("begun")
        #expect(begun.prefix(2) == ["s", "i"] && Set(begun.dropFirst(2)) == ["t", "a"], "\(begun)")
        #expect(lines("ended") == ["a", "t", "s"])
        for name in ["s", "t"] {
            #expect(status.state(of: name).fields["exitCode"] as? Int == 0, "\(status.data)")
            #expect(status.container(name)["restartCount"] as? Int == 0)
        }
        #expect(tenant.clean() == [])
    }

    @Test(
        "One that ends is begun again, beside an init container and with restartPolicy Never; what it comes to does not count"
    )
    func again() throws {
        let tenant = TestTenant("k8s-sidecar-again")
        defer { tenant.clean() }
        let once = "[ -e /d/once ] || { touch /d/once; exit 7; }; touch /d/twice; sleep 1000"
        try tenant.apply(
            M.pod(
                "p", spec: "restartPolicy: Never\nterminationGracePeriodSeconds: 2\nvolumes: [{name: d, emptyDir: {}}]",
                initial: [
                    M.container("s", once, "restartPolicy: Always\n\(Self.mount)"),
                    M.container("i", "until [ -e /d/twice ]; do sleep 0.05; done", Self.mount),
                ],
                M.container("a", "until [ -e /d/go ]; do sleep 0.05; done", Self.mount)))
        try tenant.await("p") { $0.phase == "Running" && $0.condition("Ready") == "True" }
        let status = try tenant.status("p")
        #expect(status.container("s")["restartCount"] as? Int == 1, "\(status.data)")
        #expect(status.state(of: "s", "lastState").fields["exitCode"] as? Int == 7)
        tenant.killSupervisor(of: "p")
        #expect(tenant.pod("exec", "p", "-c", "a", "--", "touch", "/d/go").status == 0)
        #expect(tenant.pod("wait", "p").status == 0)
        let end = try tenant.status("p")
        #expect(end.phase == "Succeeded" && end.state(of: "s").fields["exitCode"] as? Int == 143, "\(end.data)")
        #expect(tenant.clean() == [])
    }
}
