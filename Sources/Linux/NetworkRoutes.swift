internal import Glibc

// Addresses and routes: the messages of ip-address(8) and ip-route(8).
extension NetlinkMessage {
    private static let inet: UInt8 = 2  // AF_INET
    private enum Attribute {
        // IFA_ADDRESS, IFA_LOCAL
        static let address: UInt16 = 1, local: UInt16 = 2
        // RTA_*
        static let destination: UInt16 = 1, link: UInt16 = 4, gateway: UInt16 = 5, source: UInt16 = 7
    }

    /// `struct ifaddrmsg`
    package static func address(_ address: IPv4Address, length: UInt8, on index: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(
            .newAddress, [.create, .replace], family: [inet, length, 0, 0] + bytes(index))
        message.add(Attribute.local, address.octets)
        message.add(Attribute.address, address.octets)
        return message
    }

    /// Takes away what ``address(_:length:on:)`` gives.
    package static func addressRemoval(_ address: IPv4Address, length: UInt8, on index: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(.deleteAddress, [], family: [inet, length, 0, 0] + bytes(index))
        message.add(Attribute.local, address.octets)
        return message
    }

    /// A route by the link `index`; `gateway` needs no route of its own. `struct rtmsg`: table main, RTPROT_STATIC.
    package static func route(
        to network: IPv4Network, by index: Int32, gateway: IPv4Address? = nil, source: IPv4Address? = nil
    ) -> NetlinkMessage {
        let universe: UInt8 = 0, link: UInt8 = 253, unicast: UInt8 = 1, onlink: UInt32 = 4
        let main: UInt8 = 254, byHand: UInt8 = 4
        var message = NetlinkMessage(
            .newRoute, [.create, .replace],
            family: [inet, network.length, 0, 0, main, byHand, gateway == nil ? link : universe, unicast]
                + bytes(gateway == nil ? UInt32(0) : onlink))
        if network.length > 0 { message.add(Attribute.destination, network.address.octets) }
        message.add(Attribute.link, UInt32(bitPattern: index))
        if let gateway { message.add(Attribute.gateway, gateway.octets) }
        if let source { message.add(Attribute.source, source.octets) }
        return message
    }
}

/// The routes of the network namespace that this process is in: /proc/net/route, proc_net(5).
package enum NetworkRoutes {
    /// Of the main table, but for the default one.
    package static func all() throws(SystemError) -> [IPv4Network] {
        let file = try Descriptor.workingDirectory.open("/proc/self/net/route", O_RDONLY)
        return parse(String(decoding: try file.view.readAll(limit: 16 << 20), as: UTF8.self))
    }

    /// Addresses are hexadecimal numbers as they lie in the machine's memory.
    static func parse(_ text: String) -> [IPv4Network] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard fields.count >= 8, let address = UInt32(fields[1], radix: 16), let mask = UInt32(fields[7], radix: 16)
            else { return nil }
            let length = UInt8(mask.nonzeroBitCount)
            return length == 0 ? nil : IPv4Network(IPv4Address(number: UInt32(bigEndian: address)), length: length)
        }
    }
}
