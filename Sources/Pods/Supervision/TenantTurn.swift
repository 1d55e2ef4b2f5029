internal import Glibc
internal import Linux

/// A lock of one tenant's, waited for: what is done under it is done by one process at a time.
struct TenantTurn: ~Copyable {
    /// What is done.
    enum Purpose: String {
        /// Pods are counted and accepted.
        case accepting = "accept"
    }

    private let file: OwnedDescriptor

    static func take(_ purpose: Purpose, of tenant: String, in pods: String) throws(PodsError) -> TenantTurn {
        do throws(SystemError) {
            let here = Descriptor.workingDirectory
            try here.makeDirectories(pods, mode: 0o700)
            let file = try here.open("\(pods)/.\(purpose.rawValue)-\(tenant)", O_RDWR | O_CREAT, mode: 0o600)
            _ = try file.view.lock(exclusive: true, waiting: true)
            return TenantTurn(file)
        } catch { throw .pods(error) }
    }

    private init(_ file: consuming OwnedDescriptor) { self.file = file }

    /// The next one's turn; said, since the compiler may let go of a value earlier than the scope does.
    consuming func end() { do throws(SystemError) { try file.close() } catch {} }
}
