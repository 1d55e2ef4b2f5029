/// Why a configuration can't be planned: where in it (a JSON pointer, or an option of ours), and why.
package enum PlanningError: Error, Hashable, Sendable {
    case unknownCapability(String, at: String)
    case unknownLimit(String, at: String)
    case mountOption(String, at: String, why: String)
    case needsNamespace(String, at: String)
    /// A value that means nothing.
    case invalid(String, at: String, why: String)
    case unsupported(String, at: String)
    case sysctl(String, why: String)
    /// A filter asks for a listener, and tells not where it is.
    case listener(String, at: String)
    /// The image's passwd or group file has no such name.
    case unknownUser(name: String)
    case unknownGroup(name: String)
    /// A user or group number that is not from 0 to 2147483647.
    case identityOutOfRange(text: String)
}

extension PlanningError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownCapability(let name, let at): "\(at): no capability '\(name)'; capabilities(7) lists them"
        case .unknownLimit(let name, let at): "\(at): no resource limit '\(name)'; getrlimit(2) lists them"
        case .mountOption(let option, let at, let why): "\(at): mount option '\(option)': \(why)"
        case .invalid(let value, let at, let why): "\(at): \(quoted(value)): \(why)"
        case .needsNamespace(let kind, let at): "\(at): needs a \(kind) namespace of the container's own"
        case .unsupported(let what, let at): "\(at): \(what) is not supported by perigee"
        case .listener(let why, let at): "\(at): \(why)"
        case .sysctl(let key, let why): "/linux/sysctl/\(key): \(why)"
        case .unknownUser(let name): "no user is named \(quoted(name)) in the image's /etc/passwd"
        case .unknownGroup(let name): "no group is named \(quoted(name)) in the image's /etc/group"
        case .identityOutOfRange(let text): "\(quoted(text)) is not a user or group number from 0 to 2147483647"
        }
    }
}
