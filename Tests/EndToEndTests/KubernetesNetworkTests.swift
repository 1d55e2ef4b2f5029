import Foundation
import Testing

/// Pods of manifests in their tenant's network, beside others of it.
@Suite(.serialized) struct KubernetesNetworkTests {
    typealias M = TestManifest

    private static let manifests = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec:
          hostAliases: [{ip: 192.0.2.7, hostnames: [db]}]
          containers:
          - name: server
            image: demo-host
            command: [sh, -c, "mkdir /w; echo $POD_IP > /w/ip; exec httpd -f -p 8080 -h /w"]
            env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
            ports: [{containerPort: 8080, hostPort: 18085}]
            readinessProbe: {httpGet: {path: /ip, port: 8080}, periodSeconds: 1}
          - {name: beside, image: demo-host, command: [sleep, "1000"]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: client}
        spec:
          containers:
          - {name: main, image: demo-host, command: [sleep, "1000"]}

        """

    @Test("Names and addresses across Pods, a hostPort, a supervisor that is killed; and nothing stays")
    func reach() throws {
        let host = try TestHost("k8s-net")
        let before = try host.state()
        let tenant = host.tenant(
            "k", configuration: try host.configuration(#"{"defaults": {"mode": "parallel", "max_pods": 8}}"#))
        let path = try M.file(tenant, Self.manifests)
        let accepted = tenant.pod("run", path, "--detach")
        #expect(accepted.status == 0, "\(accepted)")
        try tenant.await("web") { $0.condition("Ready") == "True" }
        try tenant.await("client") { $0.phase == "Running" }
        let address = try #require(try tenant.status("web").data["address"] as? String)
        #expect(address.hasPrefix("10.210."))
        func get(_ pod: String, _ place: String, _ options: String...) -> String {
            let words = ["pod", "exec", "--tenant", tenant.name, pod] + options
            return tenant.run(words + ["--", "wget", "-q", "-O", "-", "http://\(place)/ip"]).output
        }
        for name in ["web", "k-web", address] { #expect(get("client", name + ":8080") == address + "\n") }
        #expect(get("web", "localhost:8080", "-c", "beside") == address + "\n")
        let hosts = tenant.pod("exec", "web", "-c", "beside", "--", "cat", "/etc/hosts").output
        #expect(hosts.contains("192.0.2.7\tdb") && hosts.contains("localhost") && hosts.contains("k-web"), "\(hosts)")
        // A file of its own follows who comes and goes, too.
        func names() -> String { tenant.pod("exec", "web", "-c", "beside", "--", "cat", "/etc/hosts").output }
        #expect(!names().contains("k-late"))
        tenant.submit("late", "while :; do sleep 1; done")
        try tenant.await("late") { $0.phase == "Running" }
        #expect(
            try names().contains("\n\(#require(try tenant.status("late").data["address"] as? String)) k-late late "))
        #expect(names().hasSuffix("192.0.2.7\tdb\n"))
        #expect(tenant.pod("rm", "--force", "late").status == 0)
        #expect(!names().split(separator: "\n").contains { $0.hasPrefix("1") && $0.contains("k-late") })
        func published() throws -> Bool {
            let read = "print(u.urlopen('http://127.0.0.1:18085/ip', timeout=5).read().decode())"
            return try host.configure("python3 -c \"import urllib.request as u; \(read)\"") == address + "\n\n"
        }
        #expect(try published())
        #expect(tenant.killSupervisor(of: "web"))
        #expect(try tenant.status("web").data["address"] as? String == address)
        #expect(try published() && get("client", "web:8080") == address + "\n")
        #expect(tenant.clean() == [])
        try host.checkUnchanged(since: before)
    }
}
