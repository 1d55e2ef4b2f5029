import Foundation
import Testing

/// Many pods of several tenants at once, in a host of their own: who reaches whom, and what is left.
@Suite(.serialized) struct PodCrowdTests {
    private static let tenants = (1...5).map { "t\($0)" }
    private static let pods = 20
    private static let configuration = #"{"defaults": {"mode": "parallel", "max_pods": 25}}"#

    /// A server, which asks each pod of its tenant by both of its names for its host name, and writes down who has answered.
    private static func command(_ tenant: String) -> String {
        """
        mkdir /w && hostname > /w/name && httpd -p 8080 -h /w && cd /tmp; n=0; \
        ask() { wget -q -O - http://$1:8080/name 2>/dev/null; }; \
        for i in $(seq \(pods)); do tries=0; \
        until [ \\"$(ask \(tenant)-p$i)\\" = \(tenant)-p$i ]; do tries=$((tries+1)); [ $tries -lt 300 ] || exit 1; sleep 0.1; done; \
        [ \\"$(ask p$i)\\" = \(tenant)-p$i ] && n=$((n+1)); done; \
        echo $n $(grep -c ^10[.] /etc/hosts) > /data/.$(hostname) && mv /data/.$(hostname) /data/$(hostname); \
        while :; do sleep 1000; done
        """
    }

    private static func tasks(_ tenant: String) -> String {
        (1...pods).map { i in
            let ports = i == 1 && tenant == "t1" ? "\n  ports: [{container: 8080, host: 18090, protocol: tcp}]" : ""
            return """
                - id: P\(i)
                  type: dphi.space.cg2.pod.run
                  pod_name: p\(i)
                  image: {name: demo-host, tag: latest}
                  command: [/bin/sh]
                  args: [-c, "\(command(tenant))"]
                  volume: v
                  merge: true\(ports)

                """
        }.joined()
    }

    @Test(
        "100 pods of 5 tenants: each reaches its tenant's, by name; none another's, the host, or what is outside; nothing stays"
    )
    func crowd() throws {
        let host = try TestHost("crowd")
        let before = try host.state()
        let configuration = try host.configuration(Self.configuration)
        let tenants = Self.tenants.map { host.tenant($0, configuration: configuration) }
        defer { for tenant in tenants { _ = tenant.clean() } }
        for tenant in tenants {
            let file = try TestTask.file(tenant, Self.tasks(tenant.name))
            let accepted = tenant.run(["pod", "run", "--detach", "--tenant", tenant.name, file])
            try #require(accepted.status == 0, "\(accepted)")
        }
        try awaitReach(tenants)
        // In each tenant one pod that asks, and one that is looked at; a server for each protocol wherever one could be reached.
        var asking: [String] = [], looking: [String] = [], addresses: [[String]] = []
        var running: [TestHost.Background] = []
        for tenant in tenants {
            asking.append(try tenant.space(of: "p\(Self.pods)"))
            looking.append(try tenant.space(of: "p2"))
            let own = (1...Self.pods).map { tenant.address(of: "p\($0)", from: "p1") }
            try #require(Set(own).count == Self.pods && own.allSatisfy { $0.hasPrefix("10.") }, "\(own)")
            addresses.append(own)
        }
        for space in looking + [host.space, host.outside] {
            for kind in ["tcp", "udp"] { running.append(try host.begin("serve", kind, "9001", in: space)) }
        }
        let ears =
            try looking.map { try host.begin("hear", "0", in: $0) }
            + [host.space, host.outside].map { try host.begin("hear", "0", "up0", in: $0) }
        let probes = asking.indices.map { Probe(host, asking[$0], of: $0, among: addresses) }
        DispatchQueue.concurrentPerform(iterations: probes.count) { probes[$0].run() }
        for (i, ear) in ears.enumerated() {
            check(try ear.endedOutput(), ear: i, askers: addresses.map { $0[Self.pods - 1] })
        }
        _ = consume running
        try remove(tenants, host)
        try host.checkUnchanged(since: before)
    }

    /// What one pod of a tenant tries, with all rights over its own network.
    private struct Probe: Sendable {
        let host: TestHost
        let space: String
        let tenant: Int
        /// A pod of its own tenant's.
        let friend: String
        /// Pods of the other tenants, their routers, the host, and outside.
        let foreign: [String]

        init(_ host: TestHost, _ space: String, of tenant: Int, among addresses: [[String]]) {
            (self.host, self.space, self.tenant) = (host, space, tenant)
            friend = addresses[tenant][1]
            let others = addresses.enumerated().filter { $0.offset != tenant }.map(\.element)
            let routers = others.map { $0[0].split(separator: ".").dropLast().joined(separator: ".") + ".1" }
            foreign = others.flatMap { $0 } + routers + [TestHost.address, TestHost.outsideAddress]
        }

        func run() {
            let comment: Comment = "tenant \(tenant + 1)"
            let found = host.run("reach", ["9001", friend] + foreign, in: space)
            #expect(found == "\(friend) icmp\n\(friend) tcp\n\(friend) udp\n", comment)
            #expect(host.run("forge-out", foreign, in: space) == "", comment)
            #expect(host.run("forge", [friend, PodCrowdTests.hardware(friend)], in: space) == "", comment)
            #expect(host.shell("wc -l < /proc/net/if_inet6", in: space).output == "1\n", comment)
        }
    }

    /// Each has reached all of its tenant, and its hosts file has those and no others.
    private func awaitReach(_ tenants: [TestTenant]) throws {
        let end = Date().addingTimeInterval(180)
        for tenant in tenants {
            for i in 1...Self.pods {
                let path = tenant.perigee.store + "/volumes/\(tenant.name)/v/\(tenant.name)-p\(i)"
                while !FileManager.default.fileExists(atPath: path) {
                    try #require(Date() < end, "\(tenant.name) p\(i): \(tenant.pod("status", "p\(i)").output)")
                    Thread.sleep(forTimeInterval: 0.02)
                }
                let text = try String(contentsOfFile: path, encoding: .utf8)
                #expect(text == "\(Self.pods) \(Self.pods)\n", "\(tenant.name) p\(i)")
            }
        }
    }

    /// What comes to a pod is its own tenant's, and from who says so; to the host and outside comes nothing of pods at all.
    private func check(_ heard: String, ear i: Int, askers: [String]) {
        let lines = Set(heard.split(separator: "\n").map(String.init))
        #expect(!lines.contains { $0.contains("forged") }, "ear \(i): \(lines)")
        let pods = lines.compactMap { $0.split(separator: " ").first.map(String.init) }.filter {
            $0.hasPrefix("02:50:")
        }
        if i < askers.count {
            let network = Self.hardware(askers[i]).split(separator: ":").prefix(5)
            #expect(pods.contains(Self.hardware(askers[i])), "ear \(i) has heard nothing: \(lines)")
            #expect(pods.allSatisfy { $0.split(separator: ":").prefix(5) == network }, "ear \(i): \(lines)")
        } else {
            #expect(pods.isEmpty, "ear \(i): \(lines)")
        }
    }

    /// A pod's hardware address is made of its own.
    fileprivate static func hardware(_ address: String) -> String {
        "02:50:" + address.split(separator: ".").map { String(format: "%02x", Int($0) ?? 0) }.joined(separator: ":")
    }

    private func remove(_ tenants: [TestTenant], _ host: TestHost) throws {
        // As many commands at once as there are tenants.
        let lines = tenants.map { tenant in
            let words = tenant.perigee.command(["pod", "rm", "--force", "--tenant", tenant.name]).joined(separator: " ")
            return "for i in $(seq \(Self.pods)); do \(words) p$i || exit 1; done &"
        }
        let removed = Perigee.shell(lines.joined(separator: "\n") + "\nwait")
        #expect(removed.status == 0 && removed.errors.isEmpty, "\(removed.errors)")
        for tenant in tenants {
            #expect(try tenant.list().isEmpty)
            #expect(tenant.leftovers() == [])
        }
    }
}
