import Foundation
import Linux
import Testing

@testable import Network

/// The hosts file of a tenant's pods.
@Suite struct HostsFileTests {
    private func scratch() throws -> (path: String, file: Descriptor) {
        let path = "/tmp/perigee-test-hosts-\(UUID().uuidString)"
        try HostsFile.make(path, in: .workingDirectory)
        return (path, Descriptor(open(path, O_RDWR | O_CLOEXEC)))
    }

    private func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map(String.init)
    }

    @Test("A pod's line is there when it is published and a comment when it is not, and all lines have one length")
    func lines() throws {
        let (path, file) = try scratch()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let hosts = HostsFile(file)
        try hosts.publish(IPv4Address(10, 210, 1, 4), ["client1-web", "web"], slot: 2)
        #expect(try lines(path).prefix(2) == ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"])
        let rest = try lines(path).dropFirst(2)
        #expect(rest.count == 3 && rest.allSatisfy { $0.utf8.count == 159 })
        #expect(rest.last?.trimmingCharacters(in: .whitespaces) == "10.210.1.4 client1-web web")
        #expect(rest.dropLast().allSatisfy { $0.hasPrefix("#") })
        try hosts.withdraw(slot: 2, now: 100)
        #expect(try lines(path).dropFirst(2).allSatisfy { $0.hasPrefix("#") })
        #expect(try !hosts.isFree(slot: 2, now: 109) && hosts.isFree(slot: 2, now: 110))
        #expect(try hosts.isFree(slot: 0, now: 0) && hosts.isFree(slot: 200, now: 0))
        // Names as long as they can be leave room for the time.
        let long = String(repeating: "x", count: 63), short = String(repeating: "x", count: 61)
        try hosts.publish(IPv4Address(192, 168, 254, 253), [long, short], slot: 2)
        #expect(try lines(path).last == "192.168.254.253 \(long) \(short)" + String(repeating: " ", count: 18))
    }

    @Test("Whoever reads while pods come and go sees whole lines, in whatever pieces he reads")
    func readers() throws {
        let (path, file) = try scratch()
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Two of each kind have a slot in turn, which is all rules but the rest, for which a test has no time: so the
        // reader is faster than that.
        let allowed: Set<String> = ["10.210.1.2 t-first first", "10.210.1.3 t-a a", "10.210.1.4 t-third-pod third-pod"]
        let end = Date().addingTimeInterval(1)
        let writer = Thread {
            let hosts = HostsFile(file)
            while Date() < end {
                for (slot, text) in ["t-first first", "t-a a", "t-third-pod third-pod"].enumerated() {
                    let address = IPv4Address(10, 210, 1, UInt8(2 + slot))
                    try? hosts.publish(address, text.split(separator: " ").map(String.init), slot: slot)
                }
                for slot in 0..<3 { try? hosts.withdraw(slot: slot, now: 1) }
            }
        }
        writer.start()
        var seen: Set<String> = []
        while Date() < end {
            let handle = try #require(FileHandle(forReadingAtPath: path))
            var data = Data()
            while let part = try handle.read(upToCount: 37), !part.isEmpty { data += part }
            for line in String(decoding: data, as: UTF8.self).split(separator: "\n").dropFirst(2) {
                let text = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
                if !text.isEmpty { seen.insert(text) }
            }
        }
        #expect(seen == allowed, "\(seen)")
    }
}
