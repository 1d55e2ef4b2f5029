internal import CLinux
internal import Glibc

extension ProcessHandle {
    /// A copy of the process's descriptor `number`. Wraps pidfd_getfd(2); needs the right to trace the process.
    package func descriptor(_ number: Int32) throws(SystemError) -> OwnedDescriptor {
        let n = clinux_pidfd_getfd(view.number, number)
        return OwnedDescriptor(
            taking: Int32(try check(n, "pidfd_getfd", "descriptor \(number) of process \(identifier)")))
    }
}

extension Descriptor {
    /// Sends `bytes` over this stream socket, in one message where they fit, and `file` with the first of them. Who does
    /// not read for `seconds` is EAGAIN. Wraps sendmsg(2) with SCM_RIGHTS.
    package func send(_ file: Descriptor, _ bytes: [UInt8], within seconds: Int) throws(SystemError) {
        clinux_limit_sending(number, seconds)
        var sent = try check(
            bytes.withUnsafeBytes { clinux_send_descriptor(number, file.number, $0.baseAddress, $0.count) }, "sendmsg",
            subject)
        while sent < bytes.count {
            let n = bytes.withUnsafeBytes { all in
                retrying { clinux_send(number, all.baseAddress.map { $0 + sent }, all.count - sent) }
            }
            sent += try check(n, "sendto", subject)
        }
    }
}
