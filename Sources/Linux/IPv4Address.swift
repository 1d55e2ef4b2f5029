/// An address of IPv4.
package struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
    /// The first octet is the highest byte.
    package let number: UInt32

    package init(number: UInt32) { self.number = number }

    package init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        number = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// Four decimal numbers without leading zeros; nil: `text` is no such thing.
    package init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            let digits = String(decoding: part, as: UTF8.self)
            guard part.allSatisfy({ (48...57).contains($0) }), let octet = UInt8(digits), String(octet) == digits else {
                return nil
            }
            number = number << 8 | UInt32(octet)
        }
        self.number = number
    }

    /// In the order of the network, which is that of the text.
    package var octets: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }

    package var description: String { octets.map { String($0) }.joined(separator: ".") }
}

/// The addresses that share their first `length` bits.
package struct IPv4Network: Hashable, Sendable, CustomStringConvertible {
    package let address: IPv4Address
    /// 0 to 32.
    package let length: UInt8

    package init(_ address: IPv4Address, length: UInt8) {
        self.address = address
        self.length = length
    }

    /// Whether they have an address in common.
    package func overlaps(_ other: IPv4Network) -> Bool {
        let mask = IPv4Network.mask(min(length, other.length))
        return address.number & mask == other.address.number & mask
    }

    static func mask(_ length: UInt8) -> UInt32 { length == 0 ? 0 : UInt32.max << (32 - UInt32(min(length, 32))) }

    package var description: String { "\(address)/\(length)" }
}
