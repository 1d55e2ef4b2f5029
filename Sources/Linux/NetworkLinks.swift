/// A link's hardware address.
package struct HardwareAddress: Hashable, Sendable, CustomStringConvertible {
    /// What all begin with that are made of an address: locally administered, and nobody's but one's.
    package static let prefix: [UInt8] = [0x02, 0x50]

    package let octets: [UInt8]

    /// Of the one that has the address `address`: `02:50:…`.
    package init(of address: IPv4Address) { octets = HardwareAddress.prefix + address.octets }

    package var description: String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

// Links: the messages of ip-link(8) and bridge(8).
extension NetlinkMessage {
    private enum Attribute {
        static let address: UInt16 = 1, name: UInt16 = 3, master: UInt16 = 10, info: UInt16 = 18, space: UInt16 = 28
        // Of IFLA_LINKINFO.
        static let kind: UInt16 = 1, data: UInt16 = 2, slaveKind: UInt16 = 4, slaveData: UInt16 = 5
        // VETH_INFO_PEER
        static let peer: UInt16 = 1
        // IFLA_BRPORT_LEARNING, IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_BCAST_FLOOD
        static let learning: UInt16 = 8, flood: UInt16 = 9, multicast: UInt16 = 27, broadcast: UInt16 = 30
        // IFLA_BR_MCAST_SNOOPING
        static let multicastSnooping: UInt16 = 23
        // NDA_DST, NDA_LLADDR
        static let destination: UInt16 = 1, neighbour: UInt16 = 2
    }
    private static let up: UInt32 = 1, noARP: UInt32 = 0x80  // IFF_UP, IFF_NOARP

    /// `struct ifinfomsg`
    private static func link(index: Int32 = 0, flags: UInt32 = 0, change: UInt32 = 0) -> [UInt8] {
        [0, 0, 0, 0] + bytes(index) + bytes(flags) + bytes(change)
    }

    package static func bridge(_ name: String, _ address: HardwareAddress) -> NetlinkMessage {
        var message = NetlinkMessage(.newLink, [.create, .exclusive], family: link(flags: up, change: up))
        message.add(Attribute.name, name)
        message.add(Attribute.address, address.octets)
        message.nest(Attribute.info) { info in
            info.add(Attribute.kind, "bridge")
            // It would send messages of its own to find out who listens to what.
            info.nest(Attribute.data) { $0.add(Attribute.multicastSnooping, [0]) }
        }
        return message
    }

    /// A pair of veth(4); the other end is made in the network namespace `space`. An end without a hardware address gets one that
    /// nobody knows, and one without an index the next that is free in its namespace.
    package static func pair(
        _ name: String, index: Int32 = 0, peer: String, in space: Descriptor, _ peerAddress: HardwareAddress
    ) -> NetlinkMessage {
        var message = NetlinkMessage(.newLink, [.create, .exclusive], family: link(index: index))
        message.add(Attribute.name, name)
        message.nest(Attribute.info) { info in
            info.add(Attribute.kind, "veth")
            info.nest(Attribute.data) { data in
                data.nest(Attribute.peer) { end in
                    end.add(structure: link())
                    end.add(Attribute.name, peer)
                    end.add(Attribute.address, peerAddress.octets)
                    end.add(Attribute.space, UInt32(bitPattern: space.number))
                }
            }
        }
        return message
    }

    package static func deletion(of name: String) -> NetlinkMessage {
        var message = NetlinkMessage(.deleteLink, [], family: link())
        message.add(Attribute.name, name)
        return message
    }

    package static func bringUp(_ index: Int32) -> NetlinkMessage {
        NetlinkMessage(.setLink, [], family: link(index: index, flags: up, change: up))
    }

    /// The same of a link that neither asks nor answers by ARP: it reaches those whose ``neighbour(_:_:on:)`` it was told.
    package static func bringUpWithoutARP(_ index: Int32) -> NetlinkMessage {
        let flags = up | noARP
        return NetlinkMessage(.setLink, [], family: link(index: index, flags: flags, change: flags))
    }

    /// Gives the link another hardware address.
    package static func change(_ index: Int32, to address: HardwareAddress) -> NetlinkMessage {
        var message = NetlinkMessage(.setLink, [], family: link(index: index))
        message.add(Attribute.address, address.octets)
        return message
    }

    /// Has the link belong to a bridge.
    package static func join(_ index: Int32, bridge: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(.setLink, [], family: link(index: index, flags: up, change: up))
        message.add(Attribute.master, UInt32(bitPattern: bridge))
        return message
    }

    /// A bridge's port that learns no address from what comes in, and gets no frame whose receiver is unknown.
    ///
    /// Frames to the bridge protocols' addresses are learnt from before any rule sees them: who could have it learn would get
    /// what is for another pod. `RTM_SETLINK` does not look at a port's settings.
    ///
    /// - Parameter isDeaf: it also gets nothing that is for everybody or for a group, but only what is for its station.
    package static func closedPort(_ index: Int32, isDeaf: Bool = false) -> NetlinkMessage {
        var message = NetlinkMessage(.newLink, [], family: link(index: index))
        message.nest(Attribute.info) { info in
            info.add(Attribute.slaveKind, "bridge")
            info.nest(Attribute.slaveData) { data in
                data.add(Attribute.learning, [0])
                data.add(Attribute.flood, [0])
                guard isDeaf else { return }
                data.add(Attribute.multicast, [0])
                data.add(Attribute.broadcast, [0])
            }
        }
        return message
    }

    /// Who is behind a bridge's port: `struct ndmsg`, NUD_NOARP, NTF_MASTER.
    package static func station(_ address: HardwareAddress, behind index: Int32) -> NetlinkMessage {
        let bridgeFamily: UInt8 = 7
        var message = NetlinkMessage(
            .newNeighbour, [.create, .replace],
            family: [bridgeFamily, 0, 0, 0] + bytes(index) + bytes(UInt16(0x40)) + [0x04, 0])
        message.add(Attribute.neighbour, address.octets)
        return message
    }

    /// Who has `address` on the link `index`, for as long as the link is there: `struct ndmsg`, NUD_PERMANENT.
    package static func neighbour(
        _ address: IPv4Address, _ hardware: HardwareAddress, on index: Int32
    ) -> NetlinkMessage {
        let inet: UInt8 = 2
        var message = NetlinkMessage(
            .newNeighbour, [.create, .replace],
            family: [inet, 0, 0, 0] + bytes(index) + bytes(UInt16(0x80)) + [0, 0])
        message.add(Attribute.destination, address.octets)
        message.add(Attribute.neighbour, hardware.octets)
        return message
    }

    package static func question(after name: String) -> NetlinkMessage {
        var message = NetlinkMessage(.getLink, [], family: link())
        message.add(Attribute.name, name)
        return message
    }
}

extension NetlinkSocket {
    /// The number of the link `name`. ENODEV: there is none.
    package func index(of name: String) throws(SystemError) -> Int32 {
        let found = try answer(.question(after: name), name, "RTM_GETLINK")
        guard found.count >= 24 else { throw SystemError("netlink", name, detail: "RTM_GETLINK", .EIO) }
        return found.integer(at: 20, Int32.self)
    }

    /// Has the kernel see now that the link `name` has come up, and not when it comes to that by itself: before, a bridge drops
    /// what is for it. Kernels before 6.9 only answer. linkwatch_sync_dev in net/core/link_watch.c.
    package func settle(_ name: String) throws(SystemError) { _ = try index(of: name) }

    /// Removes the link `name` if it is there; of a pair both ends.
    package func delete(_ name: String) throws(SystemError) {
        do throws(SystemError) { try request(.deletion(of: name), name, "RTM_DELLINK") } catch
            where error.code == .ENODEV
        {}
    }
}
