import Foundation
import Testing

/// Volumes, users and limits of Pods of manifests, and what may not lead out of them.
@Suite(.serialized) struct KubernetesVolumeTests {
    typealias M = TestManifest

    @Test("emptyDir, in memory too; a ConfigMap's files; a claim and a part of it; /dev/shm and names are shared")
    func kinds() throws {
        let tenant = TestTenant("k8s-volumes")
        defer { tenant.clean() }
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: one, b: two}\n---\n"
        let text = M.pod(
            "p",
            spec: """
                restartPolicy: Never
                hostAliases: [{ip: 10.1.2.3, hostnames: [db]}]
                volumes:
                - {name: work, emptyDir: {}}
                - {name: fast, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
                - {name: conf, configMap: {name: c, items: [{key: b, path: etc/b, mode: 0400}]}}
                - {name: data, persistentVolumeClaim: {claimName: k8s-volumes-payload}}
                """,
            initial: [
                M.container(
                    "i", "echo hello > /work/f; dd if=/dev/zero of=/fast/x bs=1M count=2 2>/dev/null || echo full",
                    "volumeMounts: [{name: work, mountPath: /work}, {name: fast, mountPath: /fast}]")
            ],
            M.container(
                "a",
                "cat /work/f /conf/etc/b; echo; ls -l /conf/etc/b | cut -c1-10; echo x > /conf/y; echo kept > /d/f; touch /dev/shm/s; sleep 1",
                """
                volumeMounts:
                - {name: work, mountPath: /work, readOnly: true}
                - {name: conf, mountPath: /conf}
                - {name: data, mountPath: /d, subPath: deep/down}
                """),
            M.container(
                "b", "sleep 0.5; ls /dev/shm; grep db /etc/hosts; cat /etc/hostname; echo $WHO $(WHO)",
                "env: [{name: WHO, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"))
        try tenant.apply(map + text)
        #expect(tenant.pod("wait", "p").status == 0)
        #expect(tenant.pod("logs", "p", "-c", "i").output == "full\n")
        let a = tenant.pod("logs", "p", "-c", "a")
        #expect(a.output == "hello\ntwo\n-r--------\n" && a.errors.contains("Read-only file system"), "\(a)")
        #expect(tenant.pod("logs", "p", "-c", "b").output == "s\n10.1.2.3\tdb\np\np p\n")
        let kept = Perigee.shared.store + "/volumes/k8s-volumes/payload/deep/down/f"
        #expect((try? String(contentsOfFile: kept, encoding: .utf8)) == "kept\n")
        #expect(tenant.clean() == [])
    }

    @Test("A link that a container puts into a volume leads nowhere") func hostileLinks() throws {
        let tenant = TestTenant("k8s-links")
        defer { tenant.clean() }
        let mount = "volumeMounts: [{name: d, mountPath: /d"
        let text = M.pod(
            "p", spec: "restartPolicy: Never\nvolumes: [{name: d, persistentVolumeClaim: {claimName: d}}]",
            initial: [
                M.container(
                    "i", "ln -s / /d/out; ln -s ../../.. /d/up; mkdir /d/in; ln -s /etc /d/in/etc", mount + "}]")
            ],
            M.container("a", "ls /d", mount + ", subPath: out/etc}]"),
            M.container("b", "ls /d", mount + ", subPath: up}]"),
            M.container("c", "ls /d", mount + ", subPath: in/etc}]"))
        try tenant.apply(text)
        try tenant.await("p") {
            $0.state(of: "c").fields["reason"] as? String == "CreateContainerConfigError"
        }
        let status = try tenant.status("p")
        for name in ["a", "b", "c"] {
            let message = status.state(of: name).fields["message"] as? String ?? ""
            #expect(message.contains("ELOOP"), "\(name): \(message)")
            #expect(tenant.pod("logs", "p", "-c", name).output.isEmpty)
        }
        #expect(tenant.clean() == [])
    }

    @Test("hostPath: what the tenant's list has, and no link out of that") func hostPath() throws {
        let directory = Perigee.shared.directory + "/k8s-host"
        try FileManager.default.createDirectory(atPath: directory + "/in", withIntermediateDirectories: true)
        try Data("seen\n".utf8).write(to: URL(fileURLWithPath: directory + "/in/f"))
        try FileManager.default.createSymbolicLink(atPath: directory + "/in/out", withDestinationPath: "/etc")
        let configuration = directory + "/config.json"
        try Data(#"{"tenants": {"k8s-host": {"host_paths": ["\#(directory)/in"]}}}"#.utf8).write(
            to: URL(fileURLWithPath: configuration))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: configuration)
        let tenant = TestTenant("k8s-host", configuration: configuration)
        defer { tenant.clean() }
        func pod(_ path: String) -> String {
            M.pod(
                "p", spec: "restartPolicy: Never\nvolumes: [{name: h, hostPath: {path: \(path)}}]",
                M.container("a", "cat /h/f", "volumeMounts: [{name: h, mountPath: /h}]"))
        }
        try tenant.apply(pod(directory + "/in"))
        #expect(tenant.pod("wait", "p").status == 0 && tenant.pod("logs", "p").output == "seen\n")
        try tenant.apply(pod(directory + "/in/out"))
        try tenant.await("p") { $0.state(of: "a").fields["reason"] as? String == "CreateContainerConfigError" }
        #expect((try tenant.status("p").state(of: "a").fields["message"] as? String)?.contains("EXDEV") == true)
        let refused = try tenant.apply(pod("/etc"))
        #expect(
            refused.status == 2 && refused.errors.contains("the tenant's host_paths do not have \"/etc\""), "\(refused)"
        )
        #expect(tenant.clean() == [])
    }

    @Test("securityContext: user, groups, capabilities, a read-only root; runAsNonRoot; limits") func security() throws
    {
        let tenant = TestTenant("k8s-security")
        defer { tenant.clean() }
        let text = M.pod(
            "p",
            spec: """
                restartPolicy: Never
                securityContext: {fsGroup: 2000, supplementalGroups: [3000], sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: "1"}]}
                volumes: [{name: work, emptyDir: {}}]
                """,
            M.container(
                "a",
                "id -u; id -G | tr ' ' '\\n' | grep -c '^[23]000$'; grep -E 'CapBnd|NoNewPrivs' /proc/self/status; touch /x; touch /work/f; ls -ln /work | grep f | tr -s ' ' | cut -d' ' -f3,4; cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
                """
                securityContext: {runAsUser: 1234, readOnlyRootFilesystem: true, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
                resources: {limits: {memory: 64Mi, cpu: 200m}}
                volumeMounts: [{name: work, mountPath: /work}]
                """),
            M.container("b", "echo never", "securityContext: {runAsNonRoot: true}"))
        try tenant.apply(text)
        try tenant.await("p") { $0.state(of: "a").kind == "terminated" }
        let log = tenant.pod("logs", "p", "-c", "a")
        #expect(
            log.output == "1234\n2\nNoNewPrivs:\t1\nCapBnd:\t0000000000000400\n1234 2000\n1\n"
                || log.output == "1234\n2\nCapBnd:\t0000000000000400\nNoNewPrivs:\t1\n1234 2000\n1\n", "\(log)")
        #expect(log.errors.contains("Read-only file system"))
        let b = try tenant.status("p").state(of: "b")
        #expect(b.kind == "waiting" && b.fields["reason"] as? String == "CreateContainerConfigError", "\(b)")
        #expect(tenant.clean() == [])
    }
}
