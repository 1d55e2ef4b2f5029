import Foundation
import Linux
import Testing

@testable import Network

/// What the kernel has after it was given the rules, as nft(8) lists it; in network namespaces of the tests' own.
@Suite(.serialized) struct FirewallRulesTests {
    /// In a namespace of its own, on a thread of its own.
    private func listing(_ changes: [PacketFilter], _ table: String...) throws -> String {
        let outcome = Outcome()
        let thread = Thread {
            outcome.result = Result {
                let own = try OwnNetwork.remember()
                return try own.insideNew { (space: consuming OwnedDescriptor) throws(SystemError) in
                    for change in changes { try change.commit() }
                    return FirewallRulesTests.nft(["-s", "list", "table"] + table)
                }
            }
            outcome.done.signal()
        }
        thread.start()
        outcome.done.wait()
        return try #require(outcome.result).get()
    }

    /// What the thread came to; read once it has signalled.
    private final class Outcome: @unchecked Sendable {
        let done = DispatchSemaphore(value: 0)
        var result: Result<String, any Error>?
    }

    /// Executed from the thread, and so in its namespace.
    private static func nft(_ words: [String]) -> String {
        guard let output = popen("nft " + words.joined(separator: " ") + " 2>&1", "r") else { return "no nft" }
        defer { pclose(output) }
        var text = "", line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), output) != nil {
            text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return text.replacingOccurrences(of: "\t", with: "")
    }

    @Test("A router lets each port send as its own pod alone, and drops all else")
    func router() throws {
        let text = try listing([RouterRules.changes(AddressPool.standard.subnet(7))], "bridge", "perigee")
        #expect(text.contains("\"pod2\" . 02:50:0a:d2:07:02 . 10.210.7.2"), "\(text)")
        #expect(text.contains("\"pod253\" . 02:50:0a:d2:07:fd . 10.210.7.253"))
        let rules = """
            chain prerouting {
            type filter hook prerouting priority dstnat; policy drop;
            iifname "host" ether daddr 02:50:00:00:00:00/16 accept
            iifname . ether saddr . ip saddr @pods accept
            iifname . ether saddr . arp saddr ip @pods iifname . arp saddr ether . arp saddr ip @pods accept
            }
            }

            """
        // The type of a frame goes without saying there: a name of a field is of its protocol alone.
        #expect(text.hasSuffix(rules), "\(text)")
    }

    @Test("Every port of a host can be published; what the kernel does not take is an error")
    func many() throws {
        var rules = HostRules(root: "0123abcd")
        for number in UInt16(1)...UInt16.max {
            let address = IPv4Address(10, 210, 7, UInt8(2 + number % 200))
            rules.ports.append((PublishedPort(host: number, container: 80, transport: .tcp), address))
        }
        let text = try listing([rules.changes(replaces: false)], "ip", rules.table)
        #expect(text.contains("tcp . 1 : 10.210.7.3 . 80") && text.contains("tcp . 65535 : "))
        // One key with two values: late in the batch, and with a long answer.
        rules.ports.append((PublishedPort(host: 65535, container: 81, transport: .tcp), IPv4Address(10, 210, 7, 2)))
        let changes = rules.changes(replaces: false)
        #expect { try listing([changes], "ip", rules.table) } throws: { ($0 as? SystemError)?.code == .EEXIST }
    }

    @Test("The host's rules lead published ports to pods, and let nothing else through; they are replaced, and go")
    func host() throws {
        var rules = HostRules(root: "0123abcd")
        let empty = rules
        let address = IPv4Address(10, 210, 7, 2)
        rules.ports.append((PublishedPort(host: 8080, container: 80, transport: .tcp), address))
        rules.ports.append((PublishedPort(host: 53, container: 5353, transport: .udp), address))
        rules.outbound = ["pg0123abcd-7"]
        #expect(rules.table == "perigee-0123abcd")
        let text = try listing(
            [empty.changes(replaces: false), rules.changes(replaces: true)], "ip", rules.table)
        for element in ["tcp . 8080 : 10.210.7.2 . 80", "udp . 53 : 10.210.7.2 . 5353"] {
            #expect(text.contains(element), "\(text)")
        }
        let links = "\"pg0123abcd-*\""
        let chains = """
            set outbound {
            type ifname
            elements = { "pg0123abcd-7" }
            }

            chain prerouting {
            type nat hook prerouting priority dstnat; policy accept;
            fib daddr type local dnat ip to meta l4proto . th dport map @ports
            }

            chain output {
            type nat hook output priority -100; policy accept;
            fib daddr type local dnat ip to meta l4proto . th dport map @ports
            }

            chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            oifname \(links) ct status dnat ip saddr 127.0.0.0/8 masquerade
            iifname \(links) oifname \(links) ct status dnat masquerade
            iifname @outbound oifname != \(links) masquerade
            }

            chain input {
            type filter hook input priority filter; policy accept;
            ct state established,related accept
            iifname \(links) drop
            }

            chain forward {
            type filter hook forward priority filter; policy accept;
            ct state established,related accept
            oifname \(links) ct status dnat accept
            oifname \(links) drop
            iifname @outbound accept
            iifname \(links) drop
            }
            }

            """
        #expect(text.hasSuffix(chains), "\(text)")
        let without = try listing([empty.changes(replaces: false), rules.removal], "ip", rules.table)
        #expect(without.contains("No such file or directory"), "\(without)")
    }

    @Test("What the kernel refuses is told with the message that it refused; and nothing of it is done")
    func refused() throws {
        var filter = PacketFilter(.ip, "t")
        filter.addTable()
        filter.addChain("c", type: "filter", .forward, priority: 0)
        filter.addRule("c", [.lookup("missing", register: 0)])
        var seen: SystemError?
        do { _ = try listing([filter], "ip", "t") } catch { seen = error as? SystemError }
        #expect(seen?.code == .ENOENT && seen?.detail == "NFT_MSG_NEWRULE", "\(String(describing: seen))")
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
