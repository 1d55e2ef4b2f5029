internal import Linux
package import OCI
internal import Seccomp

/// The seccomp filter of a container.
package enum Filter: Hashable, Sendable {
    case none
    /// Of a configuration.
    case profile(LinuxSeccomp)
    /// The default profile, which the build embeds, for a container with this bounding set.
    case standard(capabilities: Set<String>)

    /// The compiled filter, from the root's cache where it was made before.
    func program(in root: borrowing RuntimeRoot) throws(ContainersError) -> SeccompProgram? {
        if case .none = self { return nil }
        let directory: OwnedDescriptor
        do throws(SystemError) { directory = try root.directory(named: "filters") } catch { throw .state(error) }
        let cache = SeccompCache(directory: directory.view)
        do throws(SeccompError) {
            switch self {
            case .none: return nil
            case .profile(let profile): return try cache.program(for: profile)
            case .standard(let capabilities):
                let target = SeccompTemplate.Target(capabilities: capabilities, kernel: Kernel.version)
                return try cache.defaultProgram(for: target)
            }
        } catch { throw .seccomp(error) }
    }
}
