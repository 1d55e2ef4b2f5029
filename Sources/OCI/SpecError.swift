/// Why a configuration is not one that the runtime specification allows, or that this runtime can carry out.
package enum SpecError: Error, Hashable, Sendable {
    /// The text is not what the field holds.
    case json(JSONError)
    /// The value breaks a rule of the specification: where, and which.
    case invalid(pointer: String, rule: String)
    /// What the field asks for is beyond this runtime: where, and what.
    case unsupported(pointer: String, what: String)
}

extension SpecError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .json(let error): "\(error)"
        case .invalid(let pointer, let rule): "\(pointer): \(rule)"
        case .unsupported(let pointer, let what): "\(pointer): \(what) is not supported by perigee"
        }
    }
}
