internal import Linux
package import OCI

extension Container {
    /// What has gone over its network's links, as a line of `runc events` has it; nil: it does not run.
    package borrowing func links() throws(ContainersError) -> JSON.Value? {
        guard let process = try process() else { return nil }
        do throws(SystemError) {
            return .array(
                try LinkCounters.all(of: process).map { link in
                    .object([
                        ("name", .string(link.name)), ("rx_bytes", .unsigned(link.receivedBytes)),
                        ("rx_packets", .unsigned(link.receivedPackets)), ("tx_bytes", .unsigned(link.sentBytes)),
                        ("tx_packets", .unsigned(link.sentPackets)),
                    ])
                })
        } catch {
            // It has ended meanwhile.
            if error.code == .ENOENT || error.code == .ESRCH || error.code == .EINVAL { return nil }
            throw .state(error)
        }
    }
}
