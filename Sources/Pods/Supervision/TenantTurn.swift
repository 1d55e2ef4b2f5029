internal import Glibc
internal import Linux

/// A tenant's turn to have pods counted and accepted, waited for: one process at a time does that.
struct TenantTurn: ~Copyable {
    private let file: OwnedDescriptor

    /// Tenants whose pods could have one host name, as `a` and `a-b`, have their turns in common.
    static func take(of tenant: String, in pods: String) throws(PodsError) -> TenantTurn {
        let tenant = tenant.prefix { $0 != "-" }
        do throws(SystemError) {
            let here = Descriptor.workingDirectory
            try here.makeDirectories(pods, mode: 0o700)
            let file = try here.open("\(pods)/.accept-\(tenant)", O_RDWR | O_CREAT, mode: 0o600)
            _ = try file.view.lock(exclusive: true, waiting: true)
            return TenantTurn(file)
        } catch { throw .pods(error) }
    }

    private init(_ file: consuming OwnedDescriptor) { self.file = file }

    /// The next one's turn; said, since the compiler may let go of a value earlier than the scope does.
    consuming func end() { do throws(SystemError) { try file.close() } catch {} }
}
