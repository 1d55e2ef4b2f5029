/// A port of the host that is a pod's.
package struct PublishedPort: Hashable, Sendable {
    package enum Transport: String, Hashable, Sendable, CaseIterable {
        case tcp, udp
    }

    package let host: UInt16
    package let container: UInt16
    package let transport: Transport

    package init(host: UInt16, container: UInt16, transport: Transport) {
        self.host = host
        self.container = container
        self.transport = transport
    }

    /// `HOST:CONTAINER`, with or without `/tcp` or `/udp` behind it; nil: `text` is no such thing.
    package init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        let transport = halves.count == 2 ? Transport(rawValue: halves[1].lowercased()) : .tcp
        guard halves.count <= 2, let transport else { return nil }
        let ports = halves[0].split(separator: ":", omittingEmptySubsequences: false).map(PublishedPort.number)
        guard ports.count == 2, let host = ports[0], let container = ports[1] else { return nil }
        self.init(host: host, container: container, transport: transport)
    }

    /// Decimal digits without leading zeros, 1 to 65535.
    private static func number(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), text.utf8.first != 48 else { return nil }
        return UInt16(text)
    }

    /// What ``init(_:)`` reads.
    package var description: String { "\(host):\(container)/\(transport.rawValue)" }

    /// Of the host: `8080/tcp`.
    package var name: String { "\(host)/\(transport.rawValue)" }
}
