import Foundation
import Testing

/// Pods of Kubernetes manifests: phases, reasons and conditions as pod-lifecycle.md has them, several containers, and what is
/// left.
@Suite(.serialized) struct KubernetesTests {
    typealias M = TestManifest

    @Test("An init container, two that talk over localhost, probes, preStop, a deadline") func whole() throws {
        let tenant = TestTenant("k8s-whole")
        defer { tenant.clean() }
        let text = M.pod(
            "web",
            spec: """
                restartPolicy: Never
                activeDeadlineSeconds: 4
                terminationGracePeriodSeconds: 5
                volumes: [{name: work, emptyDir: {}}]
                """,
            initial: [
                M.container(
                    "setup", "sleep 0.5; echo page > /work/index", "volumeMounts: [{name: work, mountPath: /work}]")
            ],
            M.container(
                "server", "sleep 0.3; exec httpd -f -p 8080 -h /work",
                """
                ports: [{name: http, containerPort: 8080}]
                startupProbe: {tcpSocket: {port: http}, periodSeconds: 1, failureThreshold: 10}
                readinessProbe: {httpGet: {path: /index, port: http}, periodSeconds: 1}
                livenessProbe: {exec: {command: [test, -e, /work/index]}, periodSeconds: 1}
                lifecycle: {preStop: {exec: {command: [sh, -c, "echo stopping > /work/stop"]}}}
                volumeMounts: [{name: work, mountPath: /work}]
                """),
            M.container(
                "client",
                """
                until wget -q -O - http://localhost:8080/index; do sleep 0.1; done; hostname
                trap 'sleep 0.5; cat /work/stop; exit 0' TERM; while true; do sleep 0.1; done
                """, "volumeMounts: [{name: work, mountPath: /work}]"))
        let accepted = try tenant.apply(text)
        #expect(accepted.status == 0 && accepted.output == "k8s-whole-web\n", "\(accepted)")
        try tenant.await("web") { $0.state(of: "setup").kind == "running" }
        let early = try tenant.status("web")
        #expect(early.phase == "Pending" && early.reason == "Init:0/1")
        #expect(early.state(of: "server").fields["reason"] as? String == "PodInitializing")
        #expect(early.condition("Initialized") == "False" && early.condition("PodScheduled") == "True")
        try tenant.await("web") { $0.condition("Ready") == "True" }
        let ready = try tenant.status("web")
        #expect(ready.phase == "Running" && ready.condition("ContainersReady") == "True" && ready.reason.isEmpty)
        #expect(ready.state(of: "setup").fields["reason"] as? String == "Completed")
        #expect(ready.container("server")["started"] as? Bool == true)
        #expect(tenant.pod("exec", "web", "-c", "server", "--", "cat", "/work/index").output == "page\n")
        #expect(tenant.pod("stats", "web", "-c", "server").status == 0)
        #expect(tenant.pod("wait", "web").status == 124)
        let ended = try tenant.status("web")
        #expect(ended.phase == "Failed" && ended.reason == "DeadlineExceeded", "\(ended.data)")
        let message = "Pod was active on the node longer than the specified deadline (activeDeadlineSeconds 4 s)"
        #expect(ended.message.hasPrefix(message), "\(ended.message)")
        #expect(ended.state(of: "client").fields["exitCode"] as? Int == 0)
        #expect(tenant.pod("logs", "web", "-c", "client").output == "page\nweb\nstopping\n")
        #expect(tenant.clean() == [])
    }

    /// What the containers of a pod with `restartPolicy: Never` end with, and its phase, reason and exit code.
    static let ends: [([Int], String, String, Int32)] = [
        ([0], "Succeeded", "Completed", 0), ([3], "Failed", "Error", 3), ([0, 0], "Succeeded", "Completed", 0),
        ([0, 4], "Failed", "Error", 4), ([5, 0], "Failed", "Error", 5),
    ]

    @Test("The phase that the containers' ends come to", arguments: 0..<5) func phases(i: Int) throws {
        let (codes, phase, reason, code) = Self.ends[i]
        let tenant = TestTenant("k8s-phase\(i)")
        defer { tenant.clean() }
        let all = codes.enumerated().map { M.container("c\($0)", "echo \($0); exit \($1)") }.joined()
        try tenant.apply(M.pod("p", spec: "restartPolicy: Never", all))
        #expect(tenant.pod("wait", "p").status == code)
        let status = try tenant.status("p")
        #expect(status.phase == phase && status.reason == reason, "\(status.data)")
        for (n, code) in codes.enumerated() {
            #expect(status.state(of: "c\(n)").fields["exitCode"] as? Int == code)
            #expect(tenant.pod("logs", "p", "-c", "c\(n)").output == "\(n)\n")
        }
        #expect(tenant.clean() == [])
    }

    @Test("A container that ends is begun again at once, and then after 10 s: CrashLoopBackOff") func restarts() throws
    {
        let tenant = TestTenant("k8s-crash")
        defer { tenant.clean() }
        try tenant.apply(M.pod("p", M.container("a", "echo life; exit 7"), M.container("b", "sleep 1000")))
        try tenant.await("p") { $0.state(of: "a").fields["reason"] as? String == "CrashLoopBackOff" }
        let status = try tenant.status("p")
        #expect(status.phase == "Running" && status.reason == "CrashLoopBackOff", "\(status.data)")
        #expect(status.container("a")["restartCount"] as? Int == 1)
        #expect(status.state(of: "a", "lastState").fields["exitCode"] as? Int == 7)
        let message = "back-off 10s restarting failed container=a pod=p"
        #expect(status.state(of: "a").fields["message"] as? String == message)
        // A supervisor that is killed takes neither the count nor the time along.
        #expect(tenant.killSupervisor(of: "p"))
        #expect(try tenant.status("p").container("a")["restartCount"] as? Int == 1)
        Thread.sleep(forTimeInterval: 10)
        try tenant.await("p") { $0.container("a")["restartCount"] as? Int == 2 }
        #expect(tenant.pod("logs", "p", "-c", "a").output == "life\nlife\nlife\n")
        #expect(tenant.pod("stop", "p").status == 0)
        #expect(try tenant.status("p").reason == "Stopped")
        #expect(tenant.clean() == [])
    }

    @Test("A liveness probe that fails ends the container, which is begun again; postStart and preStop run")
    func probes() throws {
        let tenant = TestTenant("k8s-probes")
        defer { tenant.clean() }
        let text = M.pod(
            "p", spec: "volumes: [{name: work, emptyDir: {}}]",
            M.container(
                "a", "touch /tmp/alive; echo begun; sleep 1000",
                """
                livenessProbe: {exec: {command: [test, -e, /tmp/alive]}, periodSeconds: 1, failureThreshold: 1}
                lifecycle:
                  postStart: {exec: {command: [sh, -c, "echo post >> /work/log; touch /tmp/alive"]}}
                  preStop: {exec: {command: [sh, -c, "echo pre >> /work/log"]}}
                volumeMounts: [{name: work, mountPath: /work}]
                """))
        try tenant.apply(text)
        try tenant.await("p") { $0.condition("Ready") == "True" }
        #expect(tenant.pod("exec", "p", "--", "rm", "/tmp/alive").status == 0)
        try tenant.await("p") { $0.container("a")["restartCount"] as? Int == 1 && $0.condition("Ready") == "True" }
        let last = try tenant.status("p").state(of: "a", "lastState")
        #expect(last.fields["message"] as? String == "its liveness probe failed: exit code 1", "\(last)")
        #expect(tenant.pod("exec", "p", "--", "cat", "/work/log").output == "post\npre\npost\n")
        #expect(tenant.pod("events").output.contains("Unhealthy  k8s-probes-p-"))
        #expect(tenant.clean() == [])
    }

    @Test("Readiness comes and goes with what the server says, and ends nothing") func readiness() throws {
        let tenant = TestTenant("k8s-ready")
        defer { tenant.clean() }
        let text = M.pod(
            "p",
            M.container(
                "a", "mkdir /tmp/w; httpd -f -p 80 -h /tmp/w",
                "readinessProbe: {httpGet: {port: 80, path: /ok}, periodSeconds: 1, failureThreshold: 1}"))
        try tenant.apply(text)
        try tenant.await("p") { $0.phase == "Running" }
        #expect(try tenant.status("p").condition("Ready") == "False")
        #expect(tenant.pod("exec", "p", "--", "sh", "-c", "echo > /tmp/w/ok").status == 0)
        try tenant.await("p") { $0.condition("Ready") == "True" }
        #expect(tenant.pod("exec", "p", "--", "rm", "/tmp/w/ok").status == 0)
        try tenant.await("p") { $0.condition("Ready") == "False" }
        #expect(try tenant.status("p").container("a")["restartCount"] as? Int == 0)
        #expect(tenant.clean() == [])
    }

    @Test("In the foreground: what happens is told, and the exit code is 1 where a Pod failed") func foreground() throws
    {
        let tenant = TestTenant("k8s-fore")
        defer { tenant.clean() }
        let never = "restartPolicy: Never"
        let path = try M.file(
            tenant,
            M.pod("one", spec: never, M.container("a", "exit 0")) + "---\n"
                + M.pod("two", spec: never, M.container("a", "exit 2")))
        let outcome = tenant.run(["pod", "run", "--tenant", tenant.name, path])
        #expect(outcome.status == 1)
        #expect(
            outcome.errors.contains("perigee: pod k8s-fore-two is Failed, Error: container a: exit code 2\n"),
            "\(outcome.errors)")
        #expect(
            outcome.output == """
                POD           PHASE      REASON     MESSAGE
                k8s-fore-one  Succeeded  Completed  -
                k8s-fore-two  Failed     Error      container a: exit code 2

                """)
        #expect(tenant.clean() == [])
    }

    @Test("What `pod bundle` writes runs as the task file would") func bundle() throws {
        let tenant = TestTenant("k8s-bundle")
        defer { tenant.clean() }
        let steps =
            "tasks:\n" + TestTask.pod("ONE", "echo \"$$ $(hostname)\" > /data/f; sleep 0.5", "merge: true")
            + TestTask.pod("TWO", "sleep 0.2; cat /data/f", "merge: true")
        let path = try TestTask.file(tenant, steps)
        let out = Perigee.shared.directory + "/k8s-bundle-out"
        #expect(tenant.pod("bundle", path, "-o", out).status == 0)
        let outcome = tenant.pod("run", "\(out)/manifests/ONE.yaml")
        #expect(outcome.status == 0, "\(outcome)")
        let log = tenant.pod("logs", "two").output
        #expect(log.hasSuffix(" k8s-bundle-one\n"), "\(log)")
        #expect(tenant.clean() == [])
    }

    @Test("-c where it is needed, and where it names nothing; a Pod whose image is missing") func names() throws {
        let tenant = TestTenant("k8s-names")
        defer { tenant.clean() }
        try tenant.apply(
            M.pod("p", M.container("a", "sleep 1000"), M.container("b", "sleep 1000"))
                .replacing("name: b\n    image: demo-host", with: "name: b\n    image: nosuch:1"))
        try tenant.await("p") { $0.reason == "ErrImageNeverPull" }
        let status = try tenant.status("p")
        #expect(status.phase == "Pending" && status.state(of: "b").fields["reason"] as? String == "ErrImageNeverPull")
        #expect(status.state(of: "a").fields["reason"] as? String == "ContainerCreating")
        let which = tenant.pod("logs", "p")
        #expect(which.status == 2 && which.errors.contains("hint: -c names one of a, b"), "\(which)")
        let none = tenant.pod("logs", "p", "-c", "c")
        #expect(none.status == 4 && none.errors == "perigee: pod 'p' has no container 'c'; there are a, b\n")
        #expect(tenant.clean() == [])
    }

    @Test("A manifest that is wrong is refused before anything is accepted, with all that is wrong") func wrong() throws
    {
        let tenant = TestTenant("k8s-wrong")
        let path = try M.file(tenant, M.pod("p", spec: "hostPID: true", M.container("a", "x", "volumes: []")))
        for verb in ["run", "validate"] {
            let outcome = tenant.pod(verb, path)
            #expect(outcome.status == 2 && outcome.output.isEmpty)
            #expect(outcome.errors.contains("spec.hostPID: true is not supported"), "\(outcome.errors)")
            #expect(outcome.errors.contains("spec.containers[0].volumes: unknown field"), "\(outcome.errors)")
        }
        #expect(try tenant.list().isEmpty)
    }
}
