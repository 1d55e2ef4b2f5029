internal import CLinux

/// A port of all IPv4 addresses of the host, held by a socket that nobody can connect to. It is free again when this value
/// goes. Wraps bind(2).
package final class HeldPort: Sendable {
    private let socket: OwnedDescriptor

    /// EADDRINUSE: somebody else has it.
    package init(_ port: UInt16, datagrams: Bool) throws(SystemError) {
        let n = clinux_bind_port(datagrams ? 1 : 0, port)
        socket = OwnedDescriptor(
            taking: Int32(try check(n, "bind", "port \(port)/\(datagrams ? "udp" : "tcp")")))
    }
}
