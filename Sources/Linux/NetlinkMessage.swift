/// A request to the kernel's tables of links, addresses and routes, as bytes: rtnetlink(7), netlink(7). Numbers are in the
/// machine's own order, addresses in the network's.
package struct NetlinkMessage: Sendable {
    /// What is asked for, `RTM_*` and others. Each family of sockets has numbers of its own.
    package struct Kind: Hashable, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        static let newLink = Kind(rawValue: 16), deleteLink = Kind(rawValue: 17), getLink = Kind(rawValue: 18)
        static let setLink = Kind(rawValue: 19)
        static let newAddress = Kind(rawValue: 20), deleteAddress = Kind(rawValue: 21)
        static let newRoute = Kind(rawValue: 24)
        static let newNeighbour = Kind(rawValue: 28)
        /// `IPCTNL_MSG_CT_DELETE` of the subsystem `NFNL_SUBSYS_CTNETLINK`.
        static let deleteFlows = Kind(rawValue: 0x102)
    }

    /// `NLM_F_*`; each request is one, and asks for an answer.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        /// A request alone; with the answer that it has been carried out.
        static let silent = Flags(rawValue: 0x1)
        static let request = Flags(rawValue: 0x1 | 0x4)
        /// What is there is changed.
        package static let replace = Flags(rawValue: 0x100)
        /// What is there is an error, EEXIST.
        package static let exclusive = Flags(rawValue: 0x200)
        package static let create = Flags(rawValue: 0x400)
        /// Behind what is there.
        static let append = Flags(rawValue: 0x800)
    }

    /// The whole message, with its length.
    package private(set) var bytes: [UInt8]

    /// The header, and the structure `family` that goes with `kind`.
    ///
    /// - Parameter answered: whether the kernel says when it is done; what fails is answered in any case.
    package init(_ kind: Kind, _ flags: Flags, family: [UInt8], answered: Bool = true) {
        bytes = NetlinkMessage.bytes(UInt32(0)) + NetlinkMessage.bytes(kind.rawValue)
        bytes += NetlinkMessage.bytes(flags.union(answered ? .request : .silent).rawValue)
        bytes += NetlinkMessage.bytes(UInt32(0))
        bytes += NetlinkMessage.bytes(UInt32(0)) + family
        end()
    }

    /// The same, with no answer but an error.
    var unacknowledged: [UInt8] {
        var bytes = bytes
        let acknowledge: UInt8 = 0x4, flags = 6
        bytes[flags] &= ~acknowledge
        return bytes
    }

    /// Adds the attribute `type` with this value.
    package mutating func add(_ type: UInt16, _ value: [UInt8]) {
        bytes += NetlinkMessage.bytes(UInt16(4 + value.count)) + NetlinkMessage.bytes(type) + value
        end()
    }

    package mutating func add(_ type: UInt16, _ number: UInt32) { add(type, NetlinkMessage.bytes(number)) }

    /// A number in the network's order.
    package mutating func add(_ type: UInt16, big number: UInt32) { add(type, number.bigEndian) }

    /// A text, with the NUL behind it that the kernel expects.
    package mutating func add(_ type: UInt16, _ text: String) { add(type, Array(text.utf8) + [0]) }

    /// An attribute that holds what `body` adds.
    package mutating func nest(_ type: UInt16, _ body: (inout NetlinkMessage) -> Void) {
        let start = bytes.count
        add(type, [])
        body(&self)
        let length = NetlinkMessage.bytes(UInt16(bytes.count - start))
        bytes.replaceSubrange(start..<start + 2, with: length)
    }

    /// Adds bytes that are no attribute: a structure at the beginning of a nest.
    package mutating func add(structure: [UInt8]) {
        bytes += structure
        end()
    }

    /// To a multiple of four, and the length again.
    private mutating func end() {
        bytes += [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
        bytes.replaceSubrange(0..<4, with: NetlinkMessage.bytes(UInt32(bytes.count)))
    }

    static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number) { Array($0) }
    }
}
