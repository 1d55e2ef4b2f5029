internal import CLinux
internal import Glibc

/// Connections to AF_UNIX stream sockets, unix(7), by which open files are handed over.
package enum LocalSocket {
    /// Connects to the socket at `path`, of any length, which a link may lead to. Wraps connect(2).
    package static func connect(_ path: String) throws(SystemError) -> OwnedDescriptor {
        // By a descriptor, whose name is short whatever the path's length.
        let socket = try Descriptor.workingDirectory.openFollowing(path, O_PATH)
        let connected = clinux_connect("/proc/self/fd/\(socket.view.number)")
        return OwnedDescriptor(taking: Int32(try check(connected, "connect", path)))
    }
}

extension Descriptor {
    /// Sends `file` over this stream socket, with `text` for people. Wraps sendmsg(2) with SCM_RIGHTS.
    package func send(_ file: Descriptor, _ text: StaticString) throws(SystemError) {
        _ = try check(
            clinux_send_descriptor(number, file.number, text.utf8Start, text.utf8CodeUnitCount), "sendmsg", subject)
    }

    /// The open file that has come over this stream socket. EAGAIN: none has. Wraps recvmsg(2).
    package func receiveFile() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(taking: Int32(try check(clinux_receive_descriptor(number), "recvmsg", subject)))
    }

    /// Whether it is open, and was so when this process was executed: what we open ourselves closes on exec. Wraps
    /// fcntl(2) with F_GETFD.
    package var isInherited: Bool {
        let flags = clinux_fcntl(number, F_GETFD, 0)
        return flags >= 0 && flags & Int(FD_CLOEXEC) == 0
    }
}
