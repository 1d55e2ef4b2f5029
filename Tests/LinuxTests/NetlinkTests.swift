import Testing

@testable import Linux

/// rtnetlink messages, byte for byte as iproute2 sends them.
@Suite struct NetlinkTests {
    @Test("A message has its length, its kind, its flags, and attributes on boundaries of four bytes")
    func bytes() {
        var message = NetlinkMessage(.newLink, [.create, .exclusive], family: [UInt8](repeating: 0, count: 16))
        message.add(3, "lo")
        #expect(
            message.bytes == [
                40, 0, 0, 0, 16, 0, 0x05, 0x06, 0, 0, 0, 0, 0, 0, 0, 0,  // nlmsghdr
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // ifinfomsg
                7, 0, 3, 0, 0x6c, 0x6f, 0, 0,  // IFLA_IFNAME "lo"
            ])
    }

    @Test("What is nested counts for the nest")
    func nests() {
        var message = NetlinkMessage(.setLink, [], family: [])
        message.nest(18) { info in
            info.add(1, "veth")
            info.nest(2) { $0.add(1, UInt32(7)) }
        }
        #expect(
            message.bytes.dropFirst(16) == [
                28, 0, 18, 0, 9, 0, 1, 0, 0x76, 0x65, 0x74, 0x68, 0, 0, 0, 0, 12, 0, 2, 0, 8, 0, 1, 0, 7, 0, 0, 0,
            ])
        #expect(message.bytes[0] == 44)
    }

    @Test("An address and a route")
    func routes() {
        let address = NetlinkMessage.address(IPv4Address(10, 210, 1, 2), length: 24, on: 5)
        #expect(
            address.bytes.dropFirst(16) == [
                2, 24, 0, 0, 5, 0, 0, 0, 8, 0, 2, 0, 10, 210, 1, 2, 8, 0, 1, 0, 10, 210, 1, 2,
            ])
        let removal = NetlinkMessage.addressRemoval(IPv4Address(10, 210, 1, 2), length: 24, on: 5)
        #expect(removal.bytes[4] == 21)
        #expect(removal.bytes.dropFirst(16) == [2, 24, 0, 0, 5, 0, 0, 0, 8, 0, 2, 0, 10, 210, 1, 2])
        let all = IPv4Network(IPv4Address(number: 0), length: 0)
        let route = NetlinkMessage.route(to: all, by: 5, gateway: IPv4Address(10, 210, 1, 1))
        #expect(
            route.bytes.dropFirst(16) == [
                2, 0, 0, 0, 254, 4, 0, 1, 4, 0, 0, 0,  // rtmsg: onlink
                8, 0, 4, 0, 5, 0, 0, 0, 8, 0, 5, 0, 10, 210, 1, 1,
            ])
    }

    @Test("A bridge's port has its learning and its flooding switched off, and its station told")
    func ports() {
        let closed = NetlinkMessage.closedPort(3).bytes
        #expect(closed.suffix(20) == [20, 0, 5, 0, 5, 0, 8, 0, 0, 0, 0, 0, 5, 0, 9, 0, 0, 0, 0, 0])
        let deaf = NetlinkMessage.closedPort(3, isDeaf: true).bytes
        #expect(deaf.suffix(16) == [5, 0, 27, 0, 0, 0, 0, 0, 5, 0, 30, 0, 0, 0, 0, 0])
        let station = NetlinkMessage.station(HardwareAddress(of: IPv4Address(10, 210, 1, 2)), behind: 3).bytes
        #expect(
            station.dropFirst(16) == [7, 0, 0, 0, 3, 0, 0, 0, 0x40, 0, 4, 0, 10, 0, 2, 0, 2, 0x50, 10, 210, 1, 2, 0, 0])
    }

    @Test("A neighbour for good, and several messages of which the last is answered")
    func neighbours() {
        let message = NetlinkMessage.neighbour(
            IPv4Address(10, 210, 1, 3), HardwareAddress(of: IPv4Address(10, 210, 1, 3)), on: 5)
        #expect(
            message.bytes.dropFirst(16) == [
                2, 0, 0, 0, 5, 0, 0, 0, 0x80, 0, 0, 0,  // ndmsg: NUD_PERMANENT
                8, 0, 1, 0, 10, 210, 1, 3, 10, 0, 2, 0, 2, 0x50, 10, 210, 1, 3, 0, 0,
            ])
        #expect(message.bytes[6] == 0x05 && message.unacknowledged[6] == 0x01)
        #expect(message.unacknowledged.count == message.bytes.count)
    }

    @Test("What has gone over links is read from /proc/net/dev")
    func counters() {
        let text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
              eth0: 5000 40 0 0 0 0 0 0 3000 30 0 0 0 0 0 0
            """
        let links = LinkCounters.parse(text)
        #expect(links.map(\.name) == ["lo", "eth0"])
        #expect(links.last?.receivedBytes == 5000 && links.last?.receivedPackets == 40)
        #expect(links.last?.sentBytes == 3000 && links.last?.sentPackets == 30)
        #expect(LinkCounters.parse("eth0: 1 2 3\nx").isEmpty)
    }

    @Test("The host's routes are read from /proc/net/route")
    func kernelsRoutes() {
        let text = """
            Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
            eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
            eth0\t0003D20A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0

            """
        #expect(NetworkRoutes.parse(text) == [IPv4Network(IPv4Address(10, 210, 3, 0), length: 24)])
        #expect(NetworkRoutes.parse("nothing\nof\nthe kind") == [])
    }
}
