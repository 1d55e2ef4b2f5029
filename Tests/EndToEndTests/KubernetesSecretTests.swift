import Foundation
import Testing

/// Secrets of a file of manifests: in variables, in files that are in memory, and nowhere else.
@Suite(.serialized) struct KubernetesSecretTests {
    typealias M = TestManifest

    @Test("Variables and files of a Secret; on tmpfs, read-only, with their modes; in no log and no answer of ours")
    func secrets() throws {
        let tenant = TestTenant("k8s-secrets")
        defer { tenant.clean() }
        let secret = """
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            data: {user: YWxpY2U=, raw: AAEC/w==}
            stringData: {password: hunter2}
            ---

            """
        let text = M.pod(
            "p",
            spec: """
                restartPolicy: Never
                volumes:
                - {name: all, secret: {secretName: s}}
                - {name: one, secret: {secretName: s, defaultMode: 0400, items: [{key: password, path: a/b}]}}
                - {name: none, secret: {secretName: other, optional: true}}
                """,
            M.container(
                "a",
                "echo $USER_NAME ${#S_password}; ls -l /all/user /one/a/b | cut -c1-10; cat /all/user; od -An -tx1 /all/raw; "
                    + "grep -c ' /all .* tmpfs ' /proc/self/mountinfo; echo x > /all/user || echo kept; ls /none | wc -l; sleep 1000",
                """
                env: [{name: USER_NAME, valueFrom: {secretKeyRef: {name: s, key: user}}}]
                envFrom: [{secretRef: {name: t, optional: true}}, {prefix: S_, secretRef: {name: s2}}]
                volumeMounts: [{name: all, mountPath: /all}, {name: one, mountPath: /one}, {name: none, mountPath: /none}]
                """))
        let second = secret.replacing("name: s}", with: "name: s2}").replacing(", raw: AAEC/w==", with: "")
        let applied = try tenant.apply(secret + second + text)
        try #require(applied.status == 0, "\(applied)")
        try tenant.await("p") { $0.phase == "Running" }
        let end = Date().addingTimeInterval(10)
        while tenant.pod("logs", "p").output.split(separator: "\n").count < 7, Date() < end {
            Thread.sleep(forTimeInterval: 0.02)
        }
        let log = tenant.pod("logs", "p")
        #expect(log.output == "alice 7\n-rw-r--r--\n-r--------\nalice 00 01 02 ff\n1\nkept\n0\n", "\(log)")
        #expect(log.errors.contains("Read-only file system"))
        // What is on a disk of it is the copy of the file, for root alone; the rest is in memory.
        let found = Perigee.shell("grep -rlE 'hunter2|YWxpY2U=' \(tenant.perigee.store); true").output.split(
            separator: "\n")
        #expect(found.count == 1 && found.allSatisfy { $0.hasSuffix("/manifest") }, "\(found)")
        #expect(found.allSatisfy { Perigee.shell("stat -c %a \($0)").output == "600\n" })
        for verb in ["inspect", "status", "events"] {
            let told = tenant.pod(verb, "p")
            #expect(!told.output.contains("hunter2") && !told.output.contains("alice"), "\(verb): \(told)")
        }
        let file = try M.file(tenant, secret + second + text)
        for options in [[], ["--json"]] {
            let told = tenant.run(["pod", "validate", "--tenant", tenant.name, file] + options)
            #expect(told.status == 0 && !"\(told)".contains("hunter2") && !"\(told)".contains("alice"), "\(told)")
        }
        #expect(tenant.pod("rm", "--force", "p").status == 0)
        #expect(
            Perigee.shell("grep -rlE 'hunter2|YWxpY2U=' \(tenant.perigee.root) \(tenant.perigee.store)/pods").output
                .isEmpty)
        #expect(tenant.clean() == [])
    }
}
