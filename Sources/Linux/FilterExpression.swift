/// A step of a rule for packets, as nf_tables carries it out: it loads something into registers, or ends the rule where what is
/// there is not as it must be, or says what becomes of the packet. Registers are those of four bytes, from 0 on.
package enum FilterExpression: Hashable, Sendable {
    package enum Base: UInt32, Sendable {
        case link = 0, network, transport
    }

    package enum Verdict: UInt32, Sendable {
        case drop = 0, accept
    }

    /// `NFT_META_*`
    package enum Property: UInt32, Sendable {
        case inputName = 6, outputName = 7, transport = 16
    }

    /// `NFT_CT_*`: of the flow that the packet is of.
    package enum Flow: UInt32, Sendable {
        case state = 0, status = 2
    }

    case load(Property, register: UInt32)
    /// Bytes of the packet.
    case payload(Base, offset: UInt32, size: UInt32, register: UInt32)
    case flow(Flow, register: UInt32)
    /// What the address that the packet is for is to this host, `RTN_*`.
    case destinationType(register: UInt32)
    /// Register `register` begins with these bytes, or with `isNot` does not.
    case compare(register: UInt32, [UInt8], isNot: Bool = false)
    /// Keeps these bits of a register alone, a number in the machine's order.
    case mask(register: UInt32, UInt32)
    /// What begins there is in the set; of a map, its value goes to `into`.
    case lookup(String, register: UInt32, into: UInt32? = nil)
    case verdict(Verdict)
    /// Another destination, of IPv4: address and port are in these.
    case destination(address: UInt32, port: UInt32)
    case masquerade

    /// Loads it, and goes on where it has one of these bits.
    package static func has(_ flow: Flow, anyOf bits: UInt32) -> [FilterExpression] {
        [.flow(flow, register: 0), .mask(register: 0, bits), .compare(register: 0, [0, 0, 0, 0], isNot: true)]
    }

    /// The kernel's name of it.
    var name: String {
        switch self {
        case .load: "meta"
        case .payload: "payload"
        case .flow: "ct"
        case .destinationType: "fib"
        case .compare: "cmp"
        case .mask: "bitwise"
        case .lookup: "lookup"
        case .verdict: "immediate"
        case .destination: "nat"
        case .masquerade: "masq"
        }
    }

    /// `NFT_REG32_00` and those behind it.
    private static func number(_ register: UInt32) -> UInt32 { 8 + register }

    /// The two attributes that most begin with.
    private static func pair(_ register: UInt32, _ key: UInt32, in message: inout NetlinkMessage) {
        message.add(1, big: number(register))
        message.add(2, big: key)
    }

    func add(to message: inout NetlinkMessage) {
        switch self {
        case .load(let property, let register): FilterExpression.pair(register, property.rawValue, in: &message)
        case .payload(let base, let offset, let size, let register):
            FilterExpression.pair(register, base.rawValue, in: &message)
            message.add(3, big: offset)
            message.add(4, big: size)
        case .flow(let flow, let register): FilterExpression.pair(register, flow.rawValue, in: &message)
        case .destinationType(let register):
            let kind: UInt32 = 3, destination: UInt32 = 2
            FilterExpression.pair(register, kind, in: &message)
            message.add(3, big: destination)
        case .compare(let register, let bytes, let isNot):
            FilterExpression.pair(register, isNot ? 1 : 0, in: &message)
            message.nest(3) { $0.add(1, bytes) }
        case .mask(let register, let bits):
            FilterExpression.pair(register, FilterExpression.number(register), in: &message)
            message.add(3, big: 4)
            message.nest(4) { $0.add(1, NetlinkMessage.bytes(bits)) }
            message.nest(5) { $0.add(1, NetlinkMessage.bytes(UInt32(0))) }
        case .lookup(let set, let register, let into):
            message.add(1, set)
            message.add(2, big: FilterExpression.number(register))
            if let into { message.add(3, big: FilterExpression.number(into)) }
        case .verdict(let verdict):
            message.add(1, big: 0)
            message.nest(2) { data in data.nest(2) { $0.add(1, big: verdict.rawValue) } }
        case .destination(let address, let port):
            let kind: UInt32 = 1, ip: UInt32 = 2
            message.add(1, big: kind)
            message.add(2, big: ip)
            message.add(3, big: FilterExpression.number(address))
            message.add(5, big: FilterExpression.number(port))
        case .masquerade: break
        }
    }
}
