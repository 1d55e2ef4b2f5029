import Foundation
import Testing

/// Ports of the host that are pods', and what is left of them (REQUIREMENTS B10, 3.9, E10, E11).
@Suite(.serialized) struct PublishedPortTests {
    private static let parallel =
        #"{"defaults": {"mode": "parallel", "max_pods": 8, "grace_seconds": 8, "#
        + #""termination_grace_seconds": 1}}"#

    /// Asks port 18080 of the host from wherever it must be reached.
    private func check(_ host: TestHost, _ pods: [String], _ comment: Comment) {
        for kind in ["tcp", "udp"] {
            let callers = [(host.space, "127.0.0.1"), (host.space, TestHost.address)]
            for (space, target) in callers + pods.map({ ($0, TestHost.address) }) {
                let answer = host.python("ask", kind, target, "18080", in: space)
                #expect(IPv4Text.isAddress(answer), "\(comment): \(kind) \(target): \(answer)")
            }
            // Whoever calls from another machine is known by his own address.
            let answer = host.python("ask", kind, TestHost.address, "18080", in: host.outside)
            #expect(answer == TestHost.outsideAddress, "\(comment): \(kind)")
        }
    }

    private enum IPv4Text {
        static func isAddress(_ text: String) -> Bool { text.wholeMatch(of: #/[0-9]+(\.[0-9]+){3}/#) != nil }
    }

    @Test(
        "A published port is reached from the host, from pods and from outside, whatever the host's filter says; then not"
    )
    func reach() throws {
        let host = try TestHost("reach")
        let fresh = try host.state()
        for settings in [
            "true", "iptables -P FORWARD DROP", "iptables -N DOCKER-USER; iptables -I FORWARD -j DOCKER-USER",
        ] {
            try host.configure(settings)
            try host.configure("f=/proc/sys/net/bridge/bridge-nf-call-iptables; if test -e $f; then echo 1 > $f; fi")
            let before = try host.state()
            let tenant = host.tenant("p", configuration: try host.configuration(Self.parallel))
            let server = try tenant.server("server", "-p", "18080:80", "-p", "18080:80/udp")
            let client = try tenant.server("client")
            let running = [
                try host.begin("serve", "tcp", "80", in: server), try host.begin("serve", "udp", "80", in: server),
            ]
            check(host, [client, server], Comment(rawValue: settings))
            #expect(try host.configure("cat /proc/sys/net/ipv4/ip_forward") == "1\n")
            #expect(tenant.pod("stop", "server").status == 0)
            _ = running
            #expect(host.python("ask", "tcp", TestHost.address, "18080", in: host.outside).hasPrefix("nothing"))
            #expect(try host.configure("cat /proc/sys/net/ipv4/ip_forward") == "0\n")
            #expect(tenant.clean() == [])
            try host.checkUnchanged(since: before)
        }
        #expect(fresh.contains("ip_forward:0"))
    }

    @Test(
        "Two tasks of a group can't have one port (E10); a port of another tenant's or of the host's is waited for (E11)"
    )
    func conflicts() throws {
        let host = try TestHost("conflicts")
        let configuration = try host.configuration(Self.parallel)
        let a = host.tenant("a", configuration: configuration), b = host.tenant("b", configuration: configuration)
        let port = "ports: [{container: 80, host: 18080}]\n  merge: true"
        let file = try TestTask.file(a, TestTask.pod("A", "true", port) + TestTask.pod("B", "true", port))
        let duplicate = a.run(["pod", "run", "--tenant", "a", file])
        #expect(duplicate.status == 2 && duplicate.errors.contains("Duplicate host port 18080/tcp (tasks A, B)"))
        let twice = a.submit("x", "-p", "1:1", "-p", "1:2", "true")
        #expect(twice.status == 2 && twice.errors.hasPrefix("perigee: pod run: Duplicate host port 1/tcp"), "\(twice)")

        _ = try a.server("first", "-p", "18080:80")
        let words = "node(s) didn't have free ports for the requested pod ports: 18080/tcp is used by "
        b.submit("second", "-p", "18080:80", "true")
        try b.await("second") { $0.reason == "Unschedulable" }
        #expect(try b.status("second").phase == "Pending" && b.status("second").message == words + "pod a-first")
        let foreground = b.run(["pod", "run", "--image", "demo-host", "--tenant", "b", "-p", "18080:80", "true"])
        #expect(foreground.status == 125 && foreground.errors == "perigee: \(words)pod a-first\n", "\(foreground)")
        // The other protocol is another port.
        let datagrams = b.run(["pod", "run", "--image", "demo-host", "--tenant", "b", "-p", "18080:80/udp", "echo up"])
        #expect(datagrams.output == "up\n", "\(datagrams)")
        #expect(a.pod("stop", "first").status == 0)
        #expect(b.pod("wait", "second").status == 0)

        let process = try host.begin("serve", "tcp", "18080", in: host.space)
        b.submit("third", "-p", "18080:80", "true")
        try b.await("third") { $0.reason == "Unschedulable" }
        #expect(try b.status("third").message == words + "a process of the host")
        try b.await("third") { $0.phase == "Failed" }
        #expect(try b.status("third").reason == "StartTimeout")
        _ = process
        #expect(a.clean() == [] && b.clean() == [])
    }

    @Test("A pod that takes another's place has its port at once")
    func replacement() throws {
        let host = try TestHost("replaced")
        let before = try host.state()
        let tenant = host.tenant("r")
        for _ in 0..<5 {
            let server = try tenant.server("web", "-p", "18080:80")
            let running = try host.begin("serve", "tcp", "80", in: server)
            #expect(IPv4Text.isAddress(host.python("ask", "tcp", "127.0.0.1", "18080", in: host.space)))
            _ = running
        }
        #expect(tenant.clean() == [])
        try host.checkUnchanged(since: before)
    }

    @Test("Who sends datagrams from one socket all the time reaches the pod of now, and the next one")
    func datagrams() throws {
        let host = try TestHost("datagrams")
        let tenant = host.tenant("d")
        let calling = try host.begin("keep", TestHost.address, "18080", in: host.outside)
        #expect(try calling.line() == "nothing")
        let own = TestHost.outsideAddress
        for _ in 0..<2 {
            let server = try tenant.server("web", "-p", "18080:80/udp")
            let running = try host.begin("serve", "udp", "80", in: server)
            #expect(try calling.line() == own)
            _ = consume running
            #expect(tenant.pod("stop", "web").status == 0)
            #expect(try calling.line() == "nothing")
        }
        #expect(tenant.clean() == [])
    }

    @Test("The supervisor may be killed at any time: the port stays, and goes with the pod")
    func supervisorDeath() throws {
        let host = try TestHost("killed")
        let before = try host.state()
        let tenant = host.tenant("k", configuration: try host.configuration(Self.parallel))
        for round in 0..<6 {
            tenant.submit("web", "-p", "18080:80", "while :; do sleep 1; done")
            Thread.sleep(forTimeInterval: 0.004 * Double(round))
            tenant.killSupervisor(of: "web")
            let server = try tenant.space(of: "web")
            #expect(tenant.killSupervisor(of: "web"))
            let running = [
                try host.begin("serve", "tcp", "80", in: server), try host.begin("serve", "udp", "80", in: server),
            ]
            #expect(IPv4Text.isAddress(host.python("ask", "tcp", "127.0.0.1", "18080", in: host.space)))
            _ = running
            #expect(tenant.clean() == [])
            try host.checkUnchanged(since: before)
        }
    }

    @Test("A pod in the foreground that is killed leaves nothing, once another command has come")
    func foregroundDeath() throws {
        let host = try TestHost("foreground")
        let before = try host.state()
        for round in 0..<6 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
            let words = host.perigee.command(["pod", "run", "--image", "demo-host", "-p", "18080:80", "sleep 100"])
            process.arguments = Array(words.dropFirst())
            try process.run()
            Thread.sleep(forTimeInterval: 0.005 + 0.012 * Double(round))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(host.perigee.run(["pod", "run", "--image", "demo-host", "true"]).status == 0)
            try host.checkUnchanged(since: before)
        }
    }

    @Test("Pods reach what is outside where the configuration says so, and nothing of the host's even then")
    func outbound() throws {
        let host = try TestHost("outbound")
        let before = try host.state()
        let configuration = try host.configuration(#"{"tenants": {"out": {"outbound": true}}}"#)
        let out = host.tenant("out", configuration: configuration),
            kept = host.tenant("kept", configuration: configuration)
        let running = [
            try host.begin("serve", "tcp", "9000", in: host.outside),
            try host.begin("serve", "tcp", "9001", in: host.space),
        ]
        let inside = try out.server("pod"), other = try kept.server("pod", "-p", "18080:80")
        // By the host's address: nobody outside knows the pods'.
        #expect(host.python("ask", "tcp", TestHost.outsideAddress, "9000", in: inside) == TestHost.address)
        #expect(host.python("ping", TestHost.outsideAddress, in: inside) == "answer")
        #expect(host.python("ask", "tcp", TestHost.outsideAddress, "9000", in: other).hasPrefix("nothing"))
        #expect(host.python("ask", "tcp", TestHost.address, "9001", in: inside).hasPrefix("nothing"))
        #expect(host.python("ask", "tcp", kept.address(of: "pod"), "80", in: inside).hasPrefix("nothing"))
        _ = running
        #expect(out.clean() == [] && kept.clean() == [])
        try host.checkUnchanged(since: before)
    }

    @Test("What a killed command's pod has of the network is the next pod's at once") func killed() throws {
        let host = try TestHost("killed")
        let tenant = host.tenant("k", configuration: try host.configuration(Self.parallel))
        let up = "\(tenant.perigee.store)/volumes/k/default/up"
        let words = tenant.perigee.command([
            "pod", "run", "--image", "demo-host", "--tenant", "k", "--network", "pod", "-p", "18080:80",
            "touch /data/up; sleep 1000",
        ])
        let script =
            "\"$@\" & for i in $(seq 1000); do test -e \(up) && break; sleep 0.01; done; kill -9 $!; test -e \(up)"
        #expect(Perigee.execute(["sh", "-c", script, "sh"] + words).status == 0)
        tenant.submit("next", "-p", "18080:80", "sleep 1000")
        try tenant.await("next") { $0.phase != "Pending" }
        #expect(try tenant.status("next").phase == "Running")
        let space = try tenant.space(of: "next")
        let server = try host.begin("serve", "tcp", "80", in: space)
        #expect(Self.IPv4Text.isAddress(host.python("ask", "tcp", TestHost.address, "18080", in: host.outside)))
        server.end()
        #expect(tenant.clean() == [])
    }
}
