import Foundation
import Linux
import Testing

@testable import Network

/// The text that nft(8) gets. Whether the kernel takes it is tried in a network namespace of the test's own.
@Suite struct FirewallRulesTests {
    private func check(_ rules: String) throws {
        let file = "/tmp/perigee-test-rules-\(UUID().uuidString)"
        try Data(rules.utf8).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = ["-n", "sh", "-c", "nft -f \(file) && nft -f - < \(file)"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(rules)")
    }

    @Test("A router lets each port send as its own pod alone, and drops all else")
    func router() throws {
        let text = RouterRules.text(AddressPool.standard.subnet(7))
        #expect(text.contains("\"pod2\" . 02:50:0a:d2:07:02 . 10.210.7.2"))
        #expect(text.contains("\"pod253\" . 02:50:0a:d2:07:fd . 10.210.7.253"))
        #expect(text.components(separatedBy: " accept").count == 3 && text.contains("policy drop"))
        try check("add table bridge perigee\ndelete table bridge perigee\n" + text)
    }

    @Test("The host's rules lead published ports to pods, and let nothing else through")
    func host() throws {
        var rules = HostRules(root: "0123abcd")
        try check(rules.text)
        let address = IPv4Address(10, 210, 7, 2)
        rules.ports.append((PublishedPort(host: 8080, container: 80, transport: .tcp), address))
        rules.ports.append((PublishedPort(host: 53, container: 5353, transport: .udp), address))
        rules.outbound = ["pg0123abcd-7"]
        #expect(rules.text.contains("tcp . 8080 : 10.210.7.2 . 80,\nudp . 53 : 10.210.7.2 . 5353"))
        #expect(rules.text.contains("oifname \"pg0123abcd-*\" ct status dnat accept"))
        #expect(rules.text.hasPrefix("add table ip perigee-0123abcd\ndelete table ip perigee-0123abcd\n"))
        try check(rules.text)
        try check(rules.removal)
    }

    @Test("A pod's record is read as it was written, and nothing else is one")
    func record() {
        var record = NetworkRecord(
            id: "c-web-1", address: IPv4Address(10, 210, 7, 9), hostname: "c-web", name: "web")
        #expect(NetworkRecord(id: "c-web-1", record.text) == record)
        record.ports = [
            .init(host: 8080, container: 80, transport: .tcp), .init(host: 53, container: 53, transport: .udp),
        ]
        #expect(NetworkRecord(id: "c-web-1", record.text) == record)
        #expect(record.slot == 7 && record.octet == 9)
        for text in ["", "10.210.7.9\n", "10.210.7.9 a b c\n", "10.210.7.9 a b\npublish x\n", "10.210.7.9 a b\nwhat\n"]
        {
            #expect(NetworkRecord(id: "x-1", text) == nil, "\(text)")
        }
    }
}
