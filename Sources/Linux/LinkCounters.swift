internal import Glibc

/// What has gone over a link: a line of /proc/PID/net/dev, proc_pid_net(5).
package struct LinkCounters: Hashable, Sendable {
    package let name: String
    package let receivedBytes: UInt64
    package let receivedPackets: UInt64
    package let sentBytes: UInt64
    package let sentPackets: UInt64

    /// Of the links in the network namespace that the process is in.
    package static func all(of process: Int32) throws(SystemError) -> [LinkCounters] {
        let file = try Descriptor.workingDirectory.open("/proc/\(process)/net/dev", O_RDONLY)
        return parse(String(decoding: try file.view.readAll(limit: 1 << 20), as: UTF8.self))
    }

    static func parse(_ text: String) -> [LinkCounters] {
        text.split(separator: "\n").compactMap { line in
            guard let colon = line.lastIndex(of: ":") else { return nil }
            let fields = line[line.index(after: colon)...].split(separator: " ").map { UInt64($0) }
            guard fields.count >= 16, let received = fields[0], let packets = fields[1], let sent = fields[8],
                let sentPackets = fields[9]
            else { return nil }
            return LinkCounters(
                name: String(line[..<colon].drop { $0 == " " }), receivedBytes: received, receivedPackets: packets,
                sentBytes: sent, sentPackets: sentPackets)
        }
    }
}
