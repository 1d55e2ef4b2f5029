import Foundation
import Testing

/// Networks that the host's CNI plugins make: Debian's bridge, host-local, portmap and firewall.
@Suite(.serialized) struct PluginNetworkTests {
    private static let network = """
        {"cniVersion": "1.0.0", "name": "testnet", "plugins": [
          {"type": "bridge", "bridge": "cnitest0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
           "dns": {"nameservers": ["192.0.2.53"], "search": ["example.org"]},
           "ipam": {"type": "host-local", "dataDir": "DIRECTORY/leases", "routes": [{"dst": "0.0.0.0/0"}],
                    "ranges": [[{"subnet": "10.99.7.0/24"}]]}},
          {"type": "portmap", "capabilities": {"portMappings": true}},
          {"type": "firewall", "backend": "iptables"}]}
        """

    /// A host whose tenant `c` has its network by plugins, and `own` by perigee.
    private struct Scene {
        let host: TestHost
        let tenant: TestTenant
        let own: TestTenant
        var directory: String { host.perigee.directory }

        /// - Parameter programs: a directory before Debian's.
        init(_ name: String, network: String = PluginNetworkTests.network, settings: String = "") throws {
            host = try TestHost(name)
            let directory = host.perigee.directory
            for path in ["net.d", "bin"] {
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/\(path)", withIntermediateDirectories: true)
            }
            let text = network.replacingOccurrences(of: "DIRECTORY", with: directory)
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/net.d/10-test.conflist"))
            let configuration = try host.configuration(
                """
                {"cni": {"conf_dir": "\(directory)/net.d", "bin_dirs": ["\(directory)/bin", "/usr/lib/cni"]
                         \(settings)},
                 "defaults": {"mode": "parallel", "max_pods": 8, "termination_grace_seconds": 1},
                 "tenants": {"c": {"cni": true}}}
                """)
            tenant = host.tenant("c", configuration: configuration)
            own = host.tenant("own", configuration: configuration)
        }

        /// A plugin of the test's own.
        func plugin(_ name: String, _ script: String) throws {
            let path = "\(directory)/bin/\(name)"
            try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }

        /// What plugins have of addresses: files of host-local's that are named by one.
        func leases() -> [String] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/leases/testnet")) ?? []
            return names.filter { $0.hasPrefix("10.") }
        }

        /// All that plugins and perigee may have left of a pod.
        func checkNothingLeft(_ location: SourceLocation = #_sourceLocation) throws {
            let links = try host.configure("ip -o link")
            #expect(links.contains(": lo:") && !links.contains("veth"), "\(links)", sourceLocation: location)
            let rules = try host.configure("iptables-save")
            #expect(!rules.contains("10.99.7."), "\(rules)", sourceLocation: location)
            #expect(!rules.contains("18080"), "\(rules)", sourceLocation: location)
            #expect(leases() == [], sourceLocation: location)
            let state = try host.state()
            #expect(!state.contains("@networks"), "\(state)", sourceLocation: location)
            #expect(!state.contains(directory), "\(state)", sourceLocation: location)
        }
    }

    @Test("Pods of such a network have the addresses that plugins gave, names, published ports; and leave nothing")
    func reach() throws {
        let scene = try Scene("cni-reach")
        let (host, tenant) = (scene.host, scene.tenant)
        let server = try tenant.server("server", "-p", "18080:80"), client = try tenant.server("client")
        let address = tenant.address(of: "server")
        #expect(address.hasPrefix("10.99.7."))
        #expect(try tenant.status("server").data["address"] as? String == address)
        #expect(try host.configure("cat \(scene.directory)/leases/testnet/\(address)").hasPrefix("c-server-"))
        let running = try host.begin("serve", "tcp", "80", in: server)
        #expect(host.python("ask", "tcp", address, "80", in: client) == tenant.address(of: "client"))
        for name in ["server", "c-server"] {
            #expect(tenant.shell("client", "nc \(name) 80 </dev/null") == tenant.address(of: "client"))
        }
        for target in ["127.0.0.1", TestHost.address] {
            let answer = host.python("ask", "tcp", target, "18080", in: host.space)
            #expect(!answer.hasPrefix("nothing"), "\(target): \(answer)")
        }
        #expect(host.python("ask", "tcp", TestHost.address, "18080", in: host.outside) == TestHost.outsideAddress)
        #expect(tenant.shell("server", "cat /etc/resolv.conf") == "nameserver 192.0.2.53\nsearch example.org\n")
        #expect(tenant.shell("server", "cat /etc/hostname") == "c-server\n")
        // Beside one of perigee's own networks, which it does not meet.
        _ = try scene.own.server("pod", "-p", "18081:80")
        #expect(scene.own.address(of: "pod").hasPrefix("10.210."))
        let words = ["pod", "run", "--image", "demo-host", "--tenant", "c", "-p"]
        let foreground = tenant.run(words + ["18082:80", "grep -c '^10.99.7.*c-' /etc/hosts"])
        #expect(foreground.output == "3\n", "\(foreground)")
        let taken = tenant.run(words + ["18080:80", "true"])
        #expect(taken.status == 125 && taken.errors.contains("18080/tcp is used by pod c-server"), "\(taken)")
        _ = running
        #expect(scene.own.clean() == [])
        #expect(tenant.pod("stop", "server").status == 0)
        let known = tenant.shell("client", "cat /etc/hosts").split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(known.contains { $0.contains("client") } && !known.contains { $0.contains("server") }, "\(known)")
        #expect(host.python("ask", "tcp", TestHost.address, "18080", in: host.space).hasPrefix("nothing"))
        #expect(tenant.clean() == [])
        try scene.checkNothingLeft()
    }

    @Test("A group's pods, and a Kubernetes Pod's containers, begin with their names and addresses")
    func group() throws {
        let scene = try Scene("cni-group")
        let steps = ["A", "B"].map {
            TestTask.pod($0, "grep -c ^10.99.7.*c- /etc/hosts; sleep 0.5", "merge: true")
        }
        let file = try TestTask.file(scene.tenant, steps.joined())
        let outcome = scene.tenant.run(["pod", "run", "--tenant", "c", file])
        #expect(outcome.status == 0, "\(outcome)")
        for name in ["a", "b"] { #expect(scene.tenant.pod("logs", name).output == "2\n") }
        let manifest = scene.directory + "/pod.yaml"
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: two}
            spec:
              restartPolicy: Never
              hostAliases: [{ip: 192.0.2.7, hostnames: [db]}]
              containers:
              - name: server
                image: demo-host
                imagePullPolicy: Never
                command: [sh, -c, "echo one | nc -l -p 80"]
                ports: [{containerPort: 80, hostPort: 18080}]
              - name: client
                image: demo-host
                imagePullPolicy: Never
                command: [sh, -c, "until nc two 80 </dev/null; do sleep 0.05; done; until grep third /etc/hosts; do sleep 0.05; done; cat /etc/hosts"]
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: manifest))
        #expect(scene.tenant.run(["pod", "run", "--detach", "--tenant", "c", manifest]).status == 0)
        let client = ["logs", "two", "--container", "client"]
        #expect(eventually { scene.tenant.run(["pod"] + client + ["--tenant", "c"]).output.hasPrefix("one\n") })
        // One that comes later is found, too.
        _ = try scene.tenant.server("third")
        #expect(scene.tenant.pod("wait", "two").status == 0)
        let said = scene.tenant.pod("logs", "two", "--container", "client").output
        #expect(said.contains("192.0.2.7\tdb\n") && said.contains("c-two"), "\(said)")
        let line = said.split(separator: "\n").first { $0.contains("third") }
        #expect(line?.hasPrefix("10.99.7.") == true, "\(said)")
        #expect(scene.tenant.clean() == [])
        try scene.checkNothingLeft()
    }

    @Test(
        "What is wrong with plugins or their configuration is said, and nothing is left",
        arguments: [
            ("nosuch", "CNI plugin \"nosuch\" of network n is not in"),
            ("fails", "CNI plugin fails, ADD in network n: no room (code 42): in this house"),
            ("dies", "CNI plugin dies, ADD in network n: exit code 3: last words"),
            ("hangs", "CNI plugin hangs, ADD in network n: it did not end within 1 s, and was killed"),
            ("babbles", "CNI plugin babbles, ADD in network n: its result can't be read:"),
            ("empty", "CNI plugin empty, ADD in network n: the result has no IPv4 address"),
            ("noports", "no plugin of CNI network n can publish ports"),
            ("../../bin/sh", "/plugins/0/type: it is no name of a program"),
            (#"x"}]}, "cniVersion": 1"#, "CNI configuration"),
        ])
    func failures(_ type: String, _ message: String) throws {
        let network = #"{"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "\#(type)"}]}"#
        try checkFailure(network, message, ports: type == "noports")
    }

    @Test("A configuration whose results perigee can't read is refused")
    func old() throws {
        let network = #"{"cniVersion": "0.2.0", "name": "n", "plugins": [{"type": "bridge"}]}"#
        try checkFailure(network, "/cniVersion: 0.2.0 is not one of", ports: false)
    }

    private func checkFailure(_ network: String, _ message: String, ports: Bool) throws {
        let scene = try Scene("cni-failure", network: network, settings: #", "timeout_seconds": 1"#)
        let before = try scene.host.state()
        let ends = "[ $CNI_COMMAND = DEL ] && exit 0\n"
        let answer = #"{"code": 42, "msg": "no room", "details": "in this house"}"#
        try scene.plugin("fails", ends + "echo '\(answer)'; exit 1")
        try scene.plugin("dies", ends + "echo first >&2; echo last words >&2; exit 3")
        try scene.plugin("hangs", ends + "sleep 100 & wait")
        try scene.plugin("babbles", "echo hello")
        try scene.plugin("empty", "echo '{\"cniVersion\": \"1.0.0\", \"ips\": []}'")
        try scene.plugin("noports", "exit 1")
        let words =
            ["pod", "run", "--image", "demo-host", "--tenant", "c", "--network", "pod"]
            + (ports ? ["-p", "18080:80"] : [])
        let foreground = scene.tenant.run(words + ["true"])
        #expect(foreground.status == 125, "\(foreground)")
        #expect(foreground.errors.contains("network setup failed: "), "\(foreground)")
        #expect(foreground.errors.contains(message), "\(foreground)")
        _ = scene.tenant.run(words + ["--detach", "--name", "pod", "true"])
        try scene.tenant.await("pod") { $0.phase == "Failed" }
        let status = try scene.tenant.status("pod")
        #expect(status.reason == "CreatePodSandboxError" && status.message.contains(message), "\(status.data)")
        #expect(scene.tenant.clean() == [])
        try scene.host.checkUnchanged(since: before)
    }

    @Test("A network that is named is taken among others; one that is not there, or none, is told")
    func named() throws {
        let scene = try Scene("cni-named", settings: #", "network": "second""#)
        let words = ["pod", "run", "--image", "demo-host", "--tenant", "c", "--network", "pod", "cat /etc/hosts"]
        let missing = scene.tenant.run(words)
        #expect(missing.status == 125 && missing.errors.contains("no CNI network \"second\" in"), "\(missing)")
        #expect(missing.errors.contains("hint: there are testnet"))
        let file = scene.directory + "/net.d/20-second.conf"
        let single =
            #"{"cniVersion": "0.4.0", "name": "second", "type": "ptp", "ipam": {"type": "host-local", "#
            + #""dataDir": "\#(scene.directory)/leases", "subnet": "203.0.113.0/24"}}"#
        try Data(single.utf8).write(to: URL(fileURLWithPath: file))
        let found = scene.tenant.run(words)
        // Of any first digit.
        #expect(found.output.contains("\n203.0.113."), "\(found)")
        try FileManager.default.removeItem(atPath: scene.directory + "/net.d")
        let none = scene.tenant.run(words)
        #expect(none.status == 125 && none.errors.contains("CNI configuration \(scene.directory)/net.d: "), "\(none)")
        try scene.checkNothingLeft()
    }

    @Test("A supervisor that is killed at any time leaves nothing, and its pod keeps its address")
    func death() throws {
        let scene = try Scene("cni-death")
        let tenant = scene.tenant
        for round in 0..<8 {
            tenant.submit("web", "-p", "18080:80", "while :; do sleep 1; done")
            Thread.sleep(forTimeInterval: 0.015 * Double(round))
            tenant.killSupervisor(of: "web")
            let server = try tenant.space(of: "web")
            let address = tenant.address(of: "web")
            #expect(tenant.killSupervisor(of: "web"))
            let running = try scene.host.begin("serve", "tcp", "80", in: server)
            let answer = scene.host.python("ask", "tcp", TestHost.address, "18080", in: scene.host.space)
            #expect(answer == TestHost.address)
            #expect(try tenant.status("web").data["address"] as? String == address)
            _ = running
            #expect(tenant.clean() == [])
            try scene.checkNothingLeft()
        }
    }

    @Test("A pod in the foreground that is killed is taken away by the next command, though the configuration is gone")
    func foregroundDeath() throws {
        let scene = try Scene("cni-killed")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
        let words = scene.host.perigee.command([
            "--config-file", scene.tenant.configuration ?? "", "pod", "run", "--image", "demo-host", "--tenant", "c",
            "-p",
            "18080:80", "sleep 100",
        ])
        process.arguments = Array(words.dropFirst())
        try process.run()
        let end = Date().addingTimeInterval(20)
        while scene.leases().isEmpty {
            try #require(Date() < end)
            Thread.sleep(forTimeInterval: 0.01)
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try FileManager.default.removeItem(atPath: scene.directory + "/net.d")
        let next = scene.own.run(["pod", "run", "--image", "demo-host", "true"])
        #expect(next.status == 0 && next.errors == "", "\(next)")
        try scene.checkNothingLeft()
    }

    @Test("What plugins could not take away is told, kept, and taken away by the next command")
    func stuck() throws {
        let network = Self.network.replacingOccurrences(of: #""type": "firewall""#, with: #""type": "stuck""#)
        let scene = try Scene("cni-stuck", network: network)
        // It passes on what it got, and does not take anything away as long as a file is there.
        try scene.plugin(
            "stuck",
            """
            if [ $CNI_COMMAND = DEL ]; then
                [ -e \(scene.directory)/block ] || exit 0
                echo '{"code": 11, "msg": "not now"}'; exit 1
            fi
            python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["prevResult"]))'
            """)
        _ = try scene.tenant.server("web", "-p", "18080:80")
        #expect(FileManager.default.createFile(atPath: scene.directory + "/block", contents: nil))
        #expect(scene.tenant.pod("stop", "web").status == 0)
        let events = scene.tenant.pod("events").output
        #expect(events.contains("CNI plugin stuck, DEL in network testnet: not now (code 11)"), "\(events)")
        // The others have done their part.
        #expect(scene.leases() == [])
        let told = scene.own.run(["pod", "run", "--image", "demo-host", "true"])
        #expect(told.status == 0 && told.errors.contains("CNI plugin stuck, DEL"), "\(told)")
        try FileManager.default.removeItem(atPath: scene.directory + "/block")
        #expect(scene.own.run(["pod", "run", "--image", "demo-host", "true"]).errors == "")
        #expect(scene.tenant.clean() == [])
        try scene.checkNothingLeft()
    }
}
