internal import CLinux
internal import Glibc

/// A TCP connection of this process's network namespace that nobody waits for: connect(2), send(2).
package struct Connection: ~Copyable {
    private let socket: OwnedDescriptor

    /// Begins one to an address, of 4 bytes or of 16. Its end comes by poll(2): it can be written to.
    package static func begin(_ address: [UInt8], port: UInt16) throws(SystemError) -> Connection {
        let n = address.withUnsafeBytes { clinux_begin_connection($0.baseAddress, $0.count, port) }
        return Connection(OwnedDescriptor(taking: Int32(try check(n, "connect", "port \(port)"))))
    }

    private init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

    /// For poll(2).
    package var view: Descriptor { socket.view }

    /// What has kept it from being made, once it can be written to.
    package func confirm() throws(SystemError) {
        _ = try check(clinux_socket_error(socket.view.number), "connect", "the socket")
    }

    /// Sends what there is room for: how many bytes. EAGAIN: none.
    package func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        let n = bytes.withUnsafeBytes { clinux_send(socket.view.number, $0.baseAddress, $0.count) }
        return try check(n, "send", "the socket")
    }
}
