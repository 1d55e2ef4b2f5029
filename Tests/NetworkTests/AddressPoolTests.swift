import Linux
import Testing

@testable import Network

/// Addresses, the pool of tenants' networks, and ports as they are written.
@Suite struct AddressPoolTests {
    @Test("An address is four numbers without leading zeros")
    func addresses() {
        #expect(IPv4Address("10.210.0.7") == IPv4Address(10, 210, 0, 7))
        #expect(IPv4Address("10.210.0.7")?.description == "10.210.0.7")
        for text in ["", "10", "10.0.0", "10.0.0.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.-1", "10.0.0.+1", "a.b.c.d"] {
            #expect(IPv4Address(text) == nil, "\(text)")
        }
        let network = IPv4Network(IPv4Address(10, 210, 3, 0), length: 24)
        #expect(network.overlaps(IPv4Network(IPv4Address(10, 0, 0, 0), length: 8)))
        #expect(network.overlaps(IPv4Network(IPv4Address(10, 210, 3, 255), length: 32)))
        #expect(!network.overlaps(IPv4Network(IPv4Address(10, 210, 2, 0), length: 24)))
        #expect(network.overlaps(IPv4Network(IPv4Address(0, 0, 0, 0), length: 0)))
    }

    @Test("A pool is a private /16")
    func pools() {
        #expect(AddressPool("10.210.0.0/16") == .standard)
        for text in ["172.16.0.0/16", "172.31.0.0/16", "192.168.0.0/16", "10.0.0.0/16"] {
            #expect(AddressPool(text)?.description == text)
        }
        for text in [
            "10.210.0.0", "10.210.0.0/24", "10.210.1.0/16", "11.0.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "x/16",
            "10.210.0.0/16/16", "10.210.0.0/16 ",
        ] { #expect(AddressPool(text) == nil, "\(text)") }
    }

    @Test("A subnet that nobody has is found from the start on, and the host's routes are kept clear of")
    func subnets() throws {
        let pool = AddressPool.standard
        func free(_ used: [UInt8], _ routes: [IPv4Network] = [], _ start: Int = 0) -> UInt8? {
            pool.free(besides: Set(used.map(pool.subnet)), routes: routes, from: start)?.index
        }
        #expect(free([]) == 1 && free([], [], 253) == 254 && free([], [], 254) == 1)
        #expect(free([1, 2]) == 3 && free([254], [], 253) == 1)
        #expect(free([], [IPv4Network(IPv4Address(10, 210, 0, 0), length: 22)]) == 4)
        // The pool's addresses are a small part of a company's: ours go before.
        #expect(free([], [IPv4Network(IPv4Address(10, 0, 0, 0), length: 8)]) == 1)
        #expect(free(Array(1...254)) == nil)
        let subnet = pool.subnet(37)
        #expect(
            subnet.text == "10.210.37.0" && TenantSubnet(subnet.text) == subnet && TenantSubnet("10.210.0.0") == nil)
        #expect(subnet.hostLink(of: "0123abcd") == "pg0123abcd-37")
        #expect(pool.subnet(254).hostLink(of: "0123abcd").utf8.count < 16)
        #expect("\(subnet.gateway) \(subnet.network)" == "10.210.37.1 10.210.37.0/24")
    }

    @Test("A published port is HOST:CONTAINER, with the protocol behind it")
    func ports() {
        #expect(PublishedPort("8080:80")?.description == "8080:80/tcp")
        #expect(PublishedPort("53:5353/UDP")?.description == "53:5353/udp")
        #expect(PublishedPort("53:5353/udp")?.name == "53/udp")
        for text in [
            "", "80", "0:80", "80:0", "80:65536", "80:080", "a:80", "80:80:80", "80:80/sctp", "80:80/", "80:80/tcp/udp",
            "127.0.0.1:80:80", "+80:80", "80-90:80-90",
        ] { #expect(PublishedPort(text) == nil, "\(text)") }
    }
}
