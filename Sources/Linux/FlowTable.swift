/// The flows that the kernel's packet filter knows, of the network namespace that this process is in: conntrack.
package enum FlowTable {
    /// Forgets the flows of UDP that were sent to `port`: whoever goes on sending from the same socket is a new flow, and led
    /// where the rules of now lead it. Wraps ctnetlink's IPCTNL_MSG_CT_DELETE with a filter, Linux 5.8.
    package static func forget(datagramsTo port: UInt16) throws(SystemError) {
        let socket = try NetlinkSocket.open(.netfilter)
        do throws(SystemError) {
            try socket.request(.deletion(ofDatagramFlowsTo: port), "flows to port \(port)/udp", "CT_DELETE")
        } catch  where error.code == .ENOENT || error.code == .EINVAL || error.code == .EOPNOTSUPP {
            // There is none, or nobody has made the kernel know flows.
        }
    }
}

extension NetlinkMessage {
    /// `struct nfgenmsg`, and a filter by the original direction's protocol and port.
    static func deletion(ofDatagramFlowsTo port: UInt16) -> NetlinkMessage {
        let original: UInt16 = 1, transport: UInt16 = 2, filter: UInt16 = 25
        let inet: UInt8 = 2, udp: UInt8 = 17
        // CTA_FILTER_F_CTA_PROTO_NUM, CTA_FILTER_F_CTA_PROTO_DST_PORT
        let flags: UInt32 = 1 << 3 | 1 << 5
        var message = NetlinkMessage(.deleteFlows, [], family: [inet, 0, 0, 0])
        message.nest(original) { tuple in
            tuple.nest(transport) { fields in
                fields.add(1, [udp])
                fields.add(3, [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)])
            }
        }
        message.nest(filter) { fields in
            fields.add(1, flags)
            fields.add(2, UInt32(0))
        }
        return message
    }
}
