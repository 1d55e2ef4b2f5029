import Foundation
import Testing

/// A tenant's network: names, reach, and what no pod may do (REQUIREMENTS B16, B17, B30, 3.8, 3.9).
@Suite(.serialized) struct PodNetworkTests {
    private static let parallel = #"{"defaults": {"mode": "parallel", "max_pods": 8}}"#

    @Test("A tenant's pods reach each other by host name and by pod name, on any port, and nobody can write that")
    func names() throws {
        let host = try TestHost("names")
        let before = try host.state()
        let tenant = host.tenant("client1", configuration: try host.configuration(Self.parallel))
        let server = try tenant.server("server"), client = try tenant.server("client")
        let ip = tenant.address(of: "server")
        let serving = try host.begin("serve", "tcp", "23456", in: server)
        let datagrams = try host.begin("serve", "udp", "23456", in: server)
        let own = tenant.address(of: "client")
        #expect(ip.hasPrefix("10.210.") && own != ip)
        for name in ["client1-server", "server"] {
            #expect(tenant.shell("client", "nc \(name) 23456 </dev/null") == own)
        }
        #expect(host.python("ask", "udp", ip, "23456", in: client) == own)
        #expect(host.python("ping", ip, in: client) == "answer")
        let names = "hostname; uname -n; cat /etc/hostname; echo $HOSTNAME"
        #expect(tenant.shell("server", names) == String(repeating: "client1-server\n", count: 4))
        #expect(tenant.shell("server", "nc 127.0.0.1 23456 </dev/null") == "127.0.0.1")
        #expect(tenant.shell("server", "cat /etc/resolv.conf").hasPrefix("# no name server"))
        for file in ["hosts", "hostname", "resolv.conf"] {
            let written = tenant.shell(
                "server", "echo x > /etc/\(file) || rm -f /etc/\(file) || mount -o remount,rw /etc/\(file) || echo no")
            #expect(written == "no\n", "\(file): \(written)")
        }
        _ = (serving, datagrams)
        #expect(try tenant.status("server").data["address"] as? String == ip)
        let stats = tenant.pod("stats", "server").output
        let counters = try JSONSerialization.jsonObject(with: Data(stats.utf8)) as? [String: Any]
        let links = try #require(counters?["network_interfaces"] as? [[String: Any]], "\(stats)")
        let eth0 = try #require(links.first { $0["name"] as? String == "eth0" })
        #expect((eth0["rx_bytes"] as? Int ?? 0) > 500 && (eth0["tx_packets"] as? Int ?? 0) > 5, "\(eth0)")
        // Who has ended is not found any more, at once; a pod that comes is.
        #expect(tenant.pod("stop", "server").status == 0)
        let known = tenant.shell("client", "cat /etc/hosts").split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(known.contains { $0.contains("client") } && !known.contains { $0.contains("server") }, "\(known)")
        _ = try tenant.server("third")
        #expect(tenant.shell("client", "ping -c 1 -W 1 third >/dev/null && echo there") == "there\n")
        #expect(tenant.address(of: "third") != ip, "an address rests before another pod has it")
        #expect(tenant.clean() == [])
        try host.checkUnchanged(since: before)
    }

    @Test("Nothing goes between tenants, to the host, or out; not by TCP, UDP, ICMP or IPv6")
    func isolation() throws {
        let host = try TestHost("isolation")
        try host.configure("echo 1 > /proc/sys/net/ipv4/ip_forward")
        let a = host.tenant("a", configuration: try host.configuration(Self.parallel))
        let b = host.tenant("b", configuration: try host.configuration(Self.parallel))
        // One without a link to the host, and two with: those are what rules must keep apart.
        let other = try b.server("server", "--publish", "18081:9000")
        let alone = try a.server("alone")
        let theirs = b.address(of: "server")
        var running = [
            try host.begin("serve", "tcp", "9001", in: other), try host.begin("serve", "udp", "9001", in: other),
        ]
        for space in [host.space, host.outside] {
            running.append(try host.begin("serve", "tcp", "9001", in: space))
            running.append(try host.begin("serve", "udp", "9001", in: space))
        }
        func nothing(_ space: String, _ comment: Comment) {
            for target in [theirs, TestHost.address, TestHost.outsideAddress, "10.210.0.1", "127.0.0.1"] {
                for kind in ["tcp", "udp"] {
                    let answer = host.python("ask", kind, target, "9001", in: space)
                    #expect(answer.hasPrefix("nothing"), "\(comment): \(kind) \(target): \(answer)")
                }
                if target != "127.0.0.1" { #expect(host.python("ping", target, in: space) == "nothing", "\(comment)") }
            }
            #expect(host.shell("cat /proc/net/if_inet6", in: space).output.split(separator: "\n").count == 1)
        }
        nothing(alone, "without a link")
        let linked = try a.server("linked", "--publish", "18082:9000")
        nothing(linked, "with a link")
        let links = try host.configure("ip -o link | grep -o 'pg[0-9a-f]*-[0-9]*' | sort -u").split(separator: "\n")
        #expect(links.count == 2)
        // Nor does the host let itself be used from outside as the way to a port that is not published.
        try host.configure("true")
        let way = host.shell("ip route add 10.210.0.0/16 via \(TestHost.address)", in: host.outside)
        #expect(way.status == 0)
        #expect(host.python("ask", "tcp", theirs, "9001", in: host.outside).hasPrefix("nothing"))
        _ = running
        #expect(a.clean() == [] && b.clean() == [])
    }

    @Test("No pod can speak for another one, for the router, or in IPv6, even with all rights over its own network")
    func spoofing() throws {
        let host = try TestHost("spoofing")
        let tenant = host.tenant("s", configuration: try host.configuration(Self.parallel))
        let victim = try tenant.server("victim"), attacker = try tenant.server("attacker")
        let address = tenant.address(of: "victim"), own = tenant.address(of: "attacker")
        func hardware(_ space: String) throws -> String {
            let text = host.shell("ip -o link show eth0", in: space).output
            return try #require(text.firstMatch(of: #/link/ether ([0-9a-f:]+)/#).map { String($0.1) })
        }
        let (theirs, ours) = (try hardware(victim), try hardware(attacker))
        let hearing = try host.begin("hear", "2", in: victim)
        #expect(host.python("forge", address, theirs, in: attacker) == "")
        let heard = try hearing.output().split(separator: "\n").filter { !$0.hasSuffix("0806 ") }
        #expect(heard == ["\(ours) 0800 honest"], "\(heard)")
        // ARP is heard too, but only the honest.
        #expect(host.python("ping", address, in: attacker) == "answer")
        // Another address or another hardware address of its own leads nowhere.
        _ = host.shell(
            "ip addr add \(address.split(separator: ".").dropLast().joined(separator: ".")).77/24 dev eth0; "
                + "ip addr del \(own)/24 dev eth0", in: attacker)
        #expect(host.python("ping", address, in: attacker) == "nothing")
        #expect(tenant.clean() == [])
    }

    @Test(
        "With a link the host is the pods' gateway, one hop away, and hears what is sent to it alone; without one nobody is"
    )
    func gateway() throws {
        let host = try TestHost("gateway")
        let before = try host.state()
        let tenant = host.tenant("g", configuration: try host.configuration(Self.parallel))
        let alone = try tenant.server("alone"), own = tenant.address(of: "alone")
        let gateway = own.split(separator: ".").dropLast().joined(separator: ".") + ".1"
        let hardware = "02:50:" + gateway.split(separator: ".").map { $0.hex }.joined(separator: ":")
        let router = "\(host.perigee.root)/@networks/\(tenant.name)/ns"
        let settings = host.shell(
            "for f in /proc/sys/net/bridge/bridge-nf-call-*; do if test -e $f; then cat $f; fi; done", in: router)
        #expect(settings.status == 0 && !settings.output.contains("1"), "\(settings)")
        // The router answers at once that there is no way.
        let noWay = "nothing: [Errno 101] Network is unreachable"
        #expect(host.python("ask", "tcp", TestHost.outsideAddress, "9001", in: alone) == noWay)

        let server = try tenant.server("server", "--publish", "18080:9000")
        let their = tenant.address(of: "server")
        let running = [
            try host.begin("serve", "tcp", "9000", in: server), try host.begin("serve", "udp", "9001", in: server),
            try host.begin("serve", "udp", "9001", in: host.space),
        ]
        #expect(host.python("ask", "tcp", TestHost.address, "18080", "1", in: host.space) == TestHost.address)
        #expect(host.python("ask", "tcp", TestHost.outsideAddress, "9001", in: alone) == "nothing: timed out")
        let theirs = "02:50:" + their.split(separator: ".").map { $0.hex }.joined(separator: ":")
        #expect(host.python("ask-by", theirs, their, "9001", in: alone) == "answer")
        for target in ["127.0.0.1", TestHost.address, gateway] {
            #expect(host.python("ask-by", hardware, target, "9001", in: alone) == "nothing", "\(target)")
        }
        let links = try host.configure("ip -o link | grep -o 'pg[0-9a-f]*-[0-9]*'").split(separator: "\n")
        let link = String(try #require(links.first))
        let listening = try host.begin("hear", "1", in: alone)
        #expect(host.python("shout", link, own, in: host.space) == "")
        #expect(try listening.output() == "\(hardware) 0800 shout to \(own)\n")
        let hearing = try host.begin("hear", "4", link, in: host.space)
        let ours = "02:50:" + own.split(separator: ".").map { $0.hex }.joined(separator: ":")
        #expect(host.python("forge", gateway, hardware, in: alone) == "")
        // Once to everybody, who it is not, and once to itself; nobody answers.
        #expect(host.python("forge-out", gateway, in: alone) == "")
        let heard = try hearing.output().split(separator: "\n")
        #expect(heard == ["\(ours) 0800 honest", "\(ours) 0806 ", "\(ours) 0800 sent out"], "\(heard)")
        #expect(try !host.configure("ip neigh").contains("REACHABLE"))

        #expect(tenant.pod("stop", "server").status == 0)
        #expect(host.python("ask", "tcp", TestHost.outsideAddress, "9001", in: alone) == noWay)
        _ = running
        #expect(tenant.clean() == [])
        try host.checkUnchanged(since: before)
    }

    @Test("`none` has its own network alone; `host` needs the tenant's permission, and is the host's")
    func kinds() throws {
        let host = try TestHost("kinds")
        let text = #"{"tenants": {"may": {"host_namespaces": ["network"]}}}"#
        let may = host.tenant("may", configuration: try host.configuration(text))
        let links = "ls /sys/class/net | tr '\\n' ' '; cat /etc/hostname"
        may.submit("n", "--network", "none", links)
        #expect(may.pod("wait", "n").status == 0 && may.pod("logs", "n").output == "lo may-n\n")
        may.submit("h", "--network", "host", links)
        #expect(may.pod("wait", "h").status == 0 && may.pod("logs", "h").output == "lo up0 may-h\n")
        may.submit("p", links)
        #expect(may.pod("wait", "p").status == 0 && may.pod("logs", "p").output == "eth0 lo may-p\n")
        let other = host.tenant("other", configuration: may.configuration)
        for words in [["--detach", "true"], ["true"]] {
            let refused = other.run(
                ["pod", "run", "--image", "demo-host", "--tenant", "other", "--network", "host"] + words)
            #expect(refused.status != 0, "\(refused)")
            #expect(
                refused.errors.hasPrefix(
                    "perigee: Permission denied: pods of tenant other may not be in the host's network\n"))
        }
        let foreground = may.run(["pod", "run", "--image", "demo-host", "--network", "pod", "ls /sys/class/net"])
        #expect(foreground.output == "eth0\nlo\n", "\(foreground)")
        #expect(may.clean() == [])
    }

    @Test("The pods of a group begin when all of them have their names (B21)")
    func group() throws {
        let host = try TestHost("group")
        let tenant = host.tenant("group")
        let steps = ["A", "B", "C"].map { id in
            TestTask.pod(id, "grep -c ^10.*group- /etc/hosts; sleep 0.5", "merge: true")
        }
        let file = try TestTask.file(tenant, steps.joined())
        let outcome = tenant.run(["pod", "run", "--tenant", tenant.name, file])
        #expect(outcome.status == 0, "\(outcome)")
        for name in ["a", "b", "c"] { #expect(tenant.pod("logs", name).output == "3\n") }
        #expect(tenant.clean() == [])
    }
}

extension StringProtocol {
    /// An octet of an address, as hardware addresses write it.
    fileprivate var hex: String {
        let text = String(Int(self) ?? 0, radix: 16)
        return (text.utf8.count < 2 ? "0" : "") + text
    }
}
