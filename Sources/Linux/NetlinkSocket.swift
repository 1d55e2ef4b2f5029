internal import CLinux
internal import Glibc

/// A socket for rtnetlink(7), or for another part of the kernel. It is of the network namespace in which it was opened, wherever the process is later.
package struct NetlinkSocket: ~Copyable {
    private let socket: OwnedDescriptor

    /// Whom it talks to, `NETLINK_*`.
    enum Family: Int32 {
        case route = 0, netfilter = 12
    }

    package static func open() throws(SystemError) -> NetlinkSocket { try open(.route) }

    static func open(_ family: Family) throws(SystemError) -> NetlinkSocket {
        let n = try check(clinux_netlink(family.rawValue), "socket", "", detail: "AF_NETLINK")
        return NetlinkSocket(OwnedDescriptor(taking: Int32(n)))
    }

    private init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

    /// Asks for `message`, and returns when the kernel has done it. `subject` and `what` are for the error.
    package func request(_ message: NetlinkMessage, _ subject: String, _ what: String) throws(SystemError) {
        _ = try answer(message, subject, what)
    }

    /// Asks for all of `messages` with one call, in their order, and returns when the kernel has done them. The first that it can't
    /// do is the error; those behind it are done all the same.
    package func request(all messages: [NetlinkMessage], _ subject: String, _ what: String) throws(SystemError) {
        guard let last = messages.last else { return }
        _ = try exchange(messages.dropLast().flatMap(\.unacknowledged) + last.bytes, subject, what)
    }

    /// The answer that is no acknowledgement: a message whole, or nothing.
    package func answer(_ message: NetlinkMessage, _ subject: String, _ what: String) throws(SystemError) -> [UInt8] {
        try exchange(message.bytes, subject, what)
    }

    private func exchange(_ bytes: [UInt8], _ subject: String, _ what: String) throws(SystemError) -> [UInt8] {
        let number = socket.view.number
        try send(bytes, subject, what)
        var found: [UInt8] = []
        while true {
            var buffer = [UInt8](repeating: 0, count: 32768)
            let n = try check(
                buffer.withUnsafeMutableBytes { bytes in
                    retrying { clinux_read(number, bytes.baseAddress, bytes.count) }
                },
                "netlink", subject, detail: what)
            buffer.removeLast(buffer.count - n)
            var rest = buffer[...]
            while let one = NetlinkSocket.next(&rest) {
                guard one.type == 2 else {  // NLMSG_ERROR, which is an acknowledgement too
                    found = Array(one.bytes)
                    continue
                }
                let code = one.bytes.count >= 20 ? one.bytes.integer(at: 16, Int32.self) : 0
                if code != 0 { throw SystemError("netlink", subject, detail: what, Errno(rawValue: -code)) }
                return found
            }
        }
    }

    private func send(_ bytes: [UInt8], _ subject: String, _ what: String) throws(SystemError) {
        let number = socket.view.number
        let sent = bytes.withUnsafeBytes { bytes in
            retrying { clinux_netlink_send(number, bytes.baseAddress, bytes.count) }
        }
        _ = try check(sent, "netlink", subject, detail: what)
    }

    /// Sends messages that the kernel carries out before it returns, and answers only where one of them fails: the first that
    /// did; nil: none.
    func failure(of bytes: [UInt8], _ subject: String) throws(SystemError) -> (kind: UInt16, code: Errno)? {
        try send(bytes, subject, "batch")
        let number = socket.view.number
        var buffer = [UInt8](repeating: 0, count: 32768)
        guard try Poll.readable([socket.view], timeout: 0)[0] else { return nil }
        let n = try check(
            buffer.withUnsafeMutableBytes { bytes in
                retrying { clinux_read(number, bytes.baseAddress, bytes.count) }
            },
            "netlink", subject, detail: "batch")
        var rest = buffer.prefix(n)
        while let one = NetlinkSocket.next(&rest) {
            let header = 36
            guard one.type == 2, one.bytes.count >= header else { continue }
            let code = one.bytes.integer(at: 16, Int32.self)
            if code != 0 { return (one.bytes.integer(at: 24, UInt16.self), Errno(rawValue: -code)) }
        }
        // What was said can't be read: then it was not done.
        throw SystemError("netlink", subject, detail: "batch", .EIO)
    }

    /// Does not close it: that is left to the end of the process.
    consuming func leave() { _ = socket.release() }

    private static func next(_ rest: inout ArraySlice<UInt8>) -> (type: UInt16, bytes: ArraySlice<UInt8>)? {
        guard rest.count >= 16 else { return nil }
        let length = Int(rest.integer(at: 0, UInt32.self)), type = rest.integer(at: 4, UInt16.self)
        guard length >= 16, length <= rest.count else { return nil }
        let one = rest.prefix(length)
        rest = rest.dropFirst((length + 3) & ~3)
        return (type, one)
    }
}

extension Collection<UInt8> {
    /// The number whose bytes, in the machine's order, begin at `offset`. There must be enough of them.
    func integer<Number: FixedWidthInteger>(at offset: Int, _: Number.Type) -> Number {
        var number: Number = 0
        withUnsafeMutableBytes(of: &number) { $0.copyBytes(from: self.dropFirst(offset).prefix($0.count)) }
        return number
    }
}
