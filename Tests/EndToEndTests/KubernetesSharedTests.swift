import Foundation
import Glibc
import Testing

/// `shareProcessNamespace: true`: the containers of a Pod in one pid namespace.
@Suite(.serialized) struct KubernetesSharedTests {
    typealias M = TestManifest

    private static let shared = "shareProcessNamespace: true\nterminationGracePeriodSeconds: 5"

    /// Waits until the condition holds.
    private func await(_ comment: Comment, _ condition: () -> Bool) throws {
        let end = Date().addingTimeInterval(20)
        while !condition() {
            try #require(Date() < end, comment)
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    private func shell(_ tenant: TestTenant, _ container: String, _ command: String) -> String {
        let outcome = tenant.pod("exec", "p", "-c", container, "--", "sh", "-c", command)
        return outcome.status == 0 ? outcome.output : "\(outcome)"
    }

    /// The process that the containers see as 1, on the host.
    private func sandbox(_ tenant: TestTenant) throws -> Int32 {
        let id = try #require(try tenant.status("p").data["id"] as? String)
        let state = tenant.perigee.run(["state", id + "._init"]).output
        let object = try JSONSerialization.jsonObject(with: Data(state.utf8)) as? [String: Any]
        return Int32(try #require(object?["pid"] as? Int, "\(state)"))
    }

    @Test("Each sees the others' processes, and none can look into process 1, which has no rights and nothing in it")
    func visible() throws {
        let tenant = TestTenant("k8s-shared")
        defer { tenant.clean() }
        try tenant.apply(
            M.pod(
                "p", spec: Self.shared, M.container("a", "exec sleep 7001"), M.container("b", "exec sleep 7002")))
        try tenant.await("p") { $0.condition("Ready") == "True" }
        for name in ["a", "b"] {
            let seen = shell(tenant, name, "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done")
            #expect(seen.contains("sleep 7001 \n") && seen.contains("sleep 7002 \n"), "\(seen)")
        }
        let status = shell(tenant, "a", "cat /proc/1/status")
        #expect(status.contains("CapPrm:\t0000000000000000") && status.contains("CapBnd:\t0000000000000000"))
        #expect(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "\(status)")
        for place in ["root/", "exe", "ns/mnt", "fd/"] {
            let looked = shell(tenant, "a", "ls -l /proc/1/\(place) 2>&1; readlink /proc/1/\(place); true")
            #expect(looked.contains("ermission denied"), "\(looked)")
        }
        // Nor end it; of the others each process may be sent a signal, as far as its user is the same.
        let first = try sandbox(tenant)
        _ = shell(tenant, "a", "kill -9 1; kill -TERM 1; kill -INT 1")
        #expect(try sandbox(tenant) == first && kill(first, 0) == 0)
        let root = "/proc/\(first)/root"
        #expect(Perigee.shell("find \(root)/ -xdev -mindepth 1 -type f | wc -l").output == "0\n")
        #expect(Perigee.shell("touch \(root)/x").status != 0)
        #expect(tenant.clean() == [])
        // Whoever is its parent by now may take its time to take it in.
        try self.await("process 1") {
            let line = try? String(contentsOfFile: "/proc/\(first)/stat", encoding: .utf8)
            return line?.contains(") Z ") ?? true
        }
    }

    @Test("A container's end ends what it has left, and nothing of the others; it is begun again in the same namespace")
    func ends() throws {
        let tenant = TestTenant("k8s-shared-end")
        defer { tenant.clean() }
        // What goes on printing, in a session of its own, must keep nobody.
        let leaving =
            "setsid sh -c 'while :; do echo left; done' & setsid sleep 7003 & sleep 0.3; echo last >&2; exit 3"
        try tenant.apply(
            M.pod(
                "p", spec: Self.shared + "\nrestartPolicy: OnFailure",
                M.container("a", "[ -e /d/again ] && exec sleep 7001; touch /d/again; " + leaving, Self.mount),
                M.container("b", "exec sleep 7002", Self.mount)
            ).replacing("spec:\n", with: "spec:\n  volumes: [{name: d, emptyDir: {}}]\n"))
        try tenant.await("p") { $0.container("a")["restartCount"] as? Int == 1 && $0.state(of: "a").kind == "running" }
        let status = try tenant.status("p")
        #expect(status.state(of: "a", "lastState").fields["exitCode"] as? Int == 3, "\(status.data)")
        #expect(status.container("b")["restartCount"] as? Int == 0)
        let seen = shell(tenant, "b", "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done")
        #expect(seen.contains("sleep 7001 \n") && seen.contains("sleep 7002 \n") && !seen.contains("7003"), "\(seen)")
        #expect(!seen.contains("echo left"), "\(seen)")
        #expect(tenant.pod("logs", "p", "-c", "a").errors.contains("last\n"))
        #expect(tenant.clean() == [])
    }

    private static let mount = "volumeMounts: [{name: d, mountPath: /d}]"

    @Test("The supervisor is killed: exit codes and logs are whole, also of what ends meanwhile, and all go on")
    func killed()
        throws
    {
        let tenant = TestTenant("k8s-shared-killed")
        defer { tenant.clean() }
        try tenant.apply(
            M.pod(
                "p", spec: Self.shared + "\nrestartPolicy: Never\nvolumes: [{name: d, emptyDir: {}}]",
                M.container("a", "until [ -e /d/go ]; do sleep 0.05; done; seq 1 3000; exit 4", Self.mount),
                M.container("b", "exec sleep 7002", Self.mount)))
        try tenant.await("p") { $0.condition("Ready") == "True" }
        let first = try sandbox(tenant)
        let id = try #require(try tenant.status("p").data["id"] as? String)
        #expect(shell(tenant, "b", "touch /d/go") == "")
        tenant.killSupervisor(of: "p")
        // Nobody comes yet: what it has printed waits, and its end is written down.
        let record = "\(tenant.perigee.store)/pods/*/\(id)/containers/a/exit"
        try self.await("\(record)") { Perigee.shell("cat \(record) 2>/dev/null | wc -c").output != "0\n" }
        try tenant.await("p") { $0.state(of: "a").kind == "terminated" }
        let status = try tenant.status("p")
        #expect(status.state(of: "a").fields["exitCode"] as? Int == 4, "\(status.data)")
        #expect(status.state(of: "b").kind == "running" && status.phase == "Running", "\(status.data)")
        let log = tenant.pod("logs", "p", "-c", "a").output
        #expect(log == (1...3000).map { "\($0)\n" }.joined())
        #expect(try sandbox(tenant) == first)
        #expect(tenant.pod("stop", "p").status == 0)
        #expect(try tenant.status("p").reason == "Stopped")
        #expect(tenant.clean() == [])
    }

    @Test("Where process 1 dies all do, and are begun again in a namespace anew") func sandboxDies() throws {
        let tenant = TestTenant("k8s-shared-dies")
        defer { tenant.clean() }
        try tenant.apply(
            M.pod(
                "p", spec: Self.shared, M.container("a", "exec sleep 7001"), M.container("b", "exec sleep 7002")))
        try tenant.await("p") { $0.condition("Ready") == "True" }
        let first = try sandbox(tenant)
        kill(first, SIGKILL)
        try tenant.await("p") { status in
            ["a", "b"].allSatisfy { status.container($0)["restartCount"] as? Int == 1 }
                && status.condition("Ready") == "True"
        }
        let status = try tenant.status("p")
        #expect(status.state(of: "b", "lastState").fields["exitCode"] as? Int == 137, "\(status.data)")
        #expect(try sandbox(tenant) != first)
        #expect(shell(tenant, "a", "pidof sleep | wc -w") == "2\n")
        #expect(tenant.clean() == [])
    }

    @Test("A deadline holds, even if there is no supervisor: the containers' inits end them, and then process 1 does")
    func deadline() throws {
        let tenant = TestTenant("k8s-shared-late")
        defer { tenant.clean() }
        try tenant.apply(
            M.pod(
                "p",
                spec: "shareProcessNamespace: true\nterminationGracePeriodSeconds: 1\nactiveDeadlineSeconds: 2",
                M.container("a", "exec sleep 7001"), M.container("b", "trap '' TERM; while :; do sleep 0.1; done")))
        try tenant.await("p") { $0.condition("Ready") == "True" }
        let first = try sandbox(tenant)
        let group = Perigee.shell("sed -n 's/^0:://p' /proc/\(first)/cgroup").output
        let id = try #require(try tenant.status("p").data["id"] as? String)
        tenant.killSupervisor(of: "p")
        // No command of ours until then.
        let processes =
            "find /sys/fs/cgroup -name cgroup.procs -path '*\(tenant.perigee.identifier).\(id)*' -exec cat {} +"
        try self.await("\(group)") { Perigee.shell(processes).output.isEmpty }
        let status = try tenant.status("p")
        try tenant.await("p") { $0.phase == "Failed" }
        #expect(try tenant.status("p").reason == "DeadlineExceeded", "\(status.data)")
        #expect(tenant.clean() == [])
    }
}
