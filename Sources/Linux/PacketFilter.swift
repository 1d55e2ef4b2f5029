/// Changes of the kernel's rules for packets, nf_tables, that are made all or none: what nft(8) does, without a process. Numbers
/// are in the network's order where nothing else is said. Attributes are those of linux/netfilter/nf_tables.h.
package struct PacketFilter {
    /// What a table is of, `NFPROTO_*`.
    package enum Family: UInt8, Sendable {
        case ip = 2, bridge = 7
    }

    /// Where packets come by, `NF_INET_*` and `NF_BR_*`.
    package enum Hook: UInt32, Sendable {
        case prerouting = 0, input, forward, output, postrouting
    }

    /// What nft(8) calls the types of a set's key or of a map's values, by its numbers for them, with their sizes in bytes. The
    /// kernel does not look at the numbers: they are for who lists the rules.
    package enum DataType: UInt32, Sendable {
        case address = 7, hardware = 9, transport = 12, port = 13, interface = 41

        var size: Int {
            switch self {
            case .transport: 1
            case .port: 2
            case .address: 4
            case .hardware: 6
            case .interface: 16
            }
        }

        /// Several types as one: each begins at a multiple of four.
        fileprivate static func joined(_ types: [DataType]) -> (number: UInt32, size: UInt32) {
            let number = types.reduce(0) { $0 << 6 | $1.rawValue }
            let size = types.count == 1 ? types[0].size : types.reduce(0) { $0 + ($1.size + 3) & ~3 }
            return (number, UInt32(size))
        }
    }

    private enum Kind: UInt16 {
        case newTable = 0xa00, getTable, deleteTable, newChain, getChain
        case newRule = 0xa06
        case newSet = 0xa09
        case newElement = 0xa0c

        var name: String {
            switch self {
            case .newTable: "NFT_MSG_NEWTABLE"
            case .getTable: "NFT_MSG_GETTABLE"
            case .deleteTable: "NFT_MSG_DELTABLE"
            case .newChain: "NFT_MSG_NEWCHAIN"
            case .getChain: "NFT_MSG_GETCHAIN"
            case .newRule: "NFT_MSG_NEWRULE"
            case .newSet: "NFT_MSG_NEWSET"
            case .newElement: "NFT_MSG_NEWSETELEM"
            }
        }
    }

    private let family: Family
    private let table: String
    private var messages: [NetlinkMessage] = []
    private var sets: UInt32 = 0
    private var deletes = false

    /// Changes of one table.
    package init(_ family: Family, _ table: String) {
        self.family = family
        self.table = table
    }

    private static func message(
        _ kind: Kind, _ family: Family, _ flags: NetlinkMessage.Flags = [], answered: Bool = false
    ) -> NetlinkMessage {
        NetlinkMessage(
            .init(rawValue: kind.rawValue), flags, family: [family.rawValue, 0, 0, 0], answered: answered)
    }

    private func message(_ kind: Kind, _ flags: NetlinkMessage.Flags = []) -> NetlinkMessage {
        var message = PacketFilter.message(kind, family, flags)
        message.add(1, table)
        return message
    }

    // MARK: what is changed

    package mutating func addTable() { messages.append(message(.newTable, .create)) }

    /// With all that is in it. It must be there.
    package mutating func deleteTable() {
        messages.append(message(.deleteTable))
        deletes = true
    }

    /// A chain that packets come by.
    ///
    /// - Parameter type: `filter` or `nat`.
    package mutating func addChain(
        _ name: String, type: String, _ hook: Hook, priority: Int32, drops: Bool = false
    ) {
        var message = message(.newChain, .create)
        message.add(3, name)
        message.nest(4) { place in
            place.add(1, big: hook.rawValue)
            place.add(2, big: UInt32(bitPattern: priority))
        }
        if drops { message.add(5, big: 0) }
        message.add(7, type)
        messages.append(message)
    }

    /// A set of keys, or with `values` a map.
    package mutating func addSet(
        _ name: String, _ types: [DataType], values: [DataType] = [], _ elements: [(key: [UInt8], value: [UInt8])]
    ) {
        sets += 1
        let isMap: UInt32 = 8
        let key = DataType.joined(types), value = DataType.joined(values)
        var set = message(.newSet, .create)
        set.add(2, name)
        set.add(3, big: values.isEmpty ? 0 : isMap)
        set.add(4, big: key.number)
        set.add(5, big: key.size)
        if !values.isEmpty {
            set.add(6, big: value.number)
            set.add(7, big: value.size)
        }
        set.add(10, big: sets)
        // In the machine's order: for nft(8), that a name of an interface is not read backwards.
        if types == [.interface] { set.add(13, [0, 4] + NetlinkMessage.bytes(UInt32(1))) }
        messages.append(set)
        // The length of an attribute has 16 bits.
        let most = 256
        for start in stride(from: 0, to: elements.count, by: most) {
            var message = message(.newElement, .create)
            message.add(2, name)
            message.nest(3) { list in
                for element in elements[start...].prefix(most) {
                    list.nest(1) { item in
                        item.nest(1) { $0.add(1, element.key) }
                        if !values.isEmpty { item.nest(2) { $0.add(1, element.value) } }
                    }
                }
            }
            messages.append(message)
        }
    }

    package mutating func addRule(_ chain: String, _ expressions: [FilterExpression]) {
        var message = message(.newRule, [.create, .append])
        message.add(2, chain)
        message.nest(4) { list in
            for expression in expressions {
                list.nest(1) { item in
                    item.add(1, expression.name)
                    item.nest(2) { expression.add(to: &$0) }
                }
            }
        }
        messages.append(message)
    }

    // MARK: to the kernel

    /// Carries all of it out, or nothing, in the network namespace that this process is in.
    package func commit() throws(SystemError) {
        let subsystem: [UInt8] = [0, 0, 0, 10]
        var bytes = NetlinkMessage(.init(rawValue: 0x10), [], family: subsystem, answered: false).bytes
        for message in messages { bytes += message.bytes }
        bytes += NetlinkMessage(.init(rawValue: 0x11), [], family: subsystem, answered: false).bytes
        let socket = try NetlinkSocket.open(.netfilter)
        let failure = try socket.failure(of: bytes, "table \(table)")
        // close(2) would wait until the kernel has let go of what was deleted, 10 ms and more. So would the end of this process,
        // but nobody waits for that.
        if deletes { socket.leave() }
        guard let failure else { return }
        let name = Kind(rawValue: failure.kind)?.name ?? "nf_tables"
        throw SystemError("netlink", "table \(table)", detail: name, failure.code)
    }

    /// Whether the table is there.
    package func exists() throws(SystemError) -> Bool {
        var message = PacketFilter.message(.getTable, family, answered: true)
        message.add(1, table)
        do throws(SystemError) {
            _ = try NetlinkSocket.open(.netfilter).answer(message, "table \(table)", Kind.getTable.name)
            return true
        } catch  where error.code == .ENOENT { return false }
    }

    /// Whether chain `name` of the table may drop a packet: it has rules, or a policy other than to accept. Without such a chain:
    /// no.
    package func mayDrop(_ name: String) throws(SystemError) -> Bool {
        var message = PacketFilter.message(.getChain, family, answered: true)
        message.add(1, table)
        message.add(3, name)
        let answer: [UInt8]
        do throws(SystemError) {
            answer = try NetlinkSocket.open(.netfilter).answer(message, "chain \(name)", Kind.getChain.name)
        } catch  where error.code == .ENOENT { return false }
        let header = 20, accept: UInt32 = 1
        var rest = answer.dropFirst(header)
        var policy = accept, uses: UInt32 = 0
        while rest.count >= 4 {
            let length = Int(rest.integer(at: 0, UInt16.self)), type = rest.integer(at: 2, UInt16.self)
            guard length >= 4, length <= rest.count else { break }
            if length == 8, type == 5 { policy = UInt32(bigEndian: rest.integer(at: 4, UInt32.self)) }
            if length == 8, type == 6 { uses = UInt32(bigEndian: rest.integer(at: 4, UInt32.self)) }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return policy != accept || uses > 0
    }
}
