internal import Linux
package import OCI
internal import Seccomp

/// The seccomp filter of a container.
package enum Filter: Hashable, Sendable {
    case none
    /// Of a configuration.
    case profile(LinuxSeccomp)
    /// Of a configuration, where that has it.
    case text(ConfigurationText, Range<Int>)
    /// The default profile, which the build embeds, for a container with this bounding set.
    case standard(capabilities: Set<String>)

    /// The compiled filter, from the root's cache where it was made before. Where it is not, its profile is read into `spec`,
    /// of which it is a part; and so it is each time where a launch needs to know more of it.
    func program(in root: borrowing RuntimeRoot, of spec: inout RuntimeSpec) throws(ContainersError) -> SeccompProgram?
    {
        if case .none = self { return nil }
        let directory: OwnedDescriptor
        do throws(SystemError) { directory = try root.directory(named: "filters") } catch { throw .state(error) }
        let cache = SeccompCache(directory: directory.view)
        if case .text(let text, let range) = self {
            let key = SeccompKey(profile: text.bytes, in: range)
            if let program = cache.stored(key) { return program }
            guard let profile = try text.profile() else { preconditionFailure("it was there when the text was read") }
            spec.linux.seccomp = profile
            do throws(SeccompError) {
                let isAll = profile.flags.isEmpty && profile.listenerPath == nil
                return isAll ? try cache.program(for: key) { profile } : try cache.program(for: profile)
            } catch { throw .seccomp(error) }
        }
        do throws(SeccompError) {
            switch self {
            case .none, .text: return nil
            case .profile(let profile): return try cache.program(for: profile)
            case .standard(let capabilities):
                let target = SeccompTemplate.Target(capabilities: capabilities, kernel: Kernel.version)
                return try cache.defaultProgram(for: target)
            }
        } catch { throw .seccomp(error) }
    }
}
