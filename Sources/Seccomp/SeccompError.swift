package import Linux
package import OCI

/// Why a profile can't become a filter.
package enum SeccompError: Error, Hashable, Sendable {
    /// No action of that name exists, or it can't stand there. `place` is a JSON pointer below the profile.
    case action(String, place: String)
    /// libseccomp knows no architecture of that name.
    case architecture(String)
    /// No comparison of that name exists.
    case comparison(String, place: String)
    /// No flag of that name exists, or it needs another that isn't there.
    case flag(String, why: String)
    /// A call has six arguments, 0 to 5.
    case argumentIndex(UInt64, place: String)
    /// An error number that a filter can't give: more than 16 bits.
    case errno(UInt64, place: String)
    /// A call in the profile has an empty name.
    case emptyName(place: String)
    /// The filter would wait for itself: the call hands the listener over.
    case notifyOnWrite(place: String)
    /// What libseccomp said of a step.
    case library(LibraryStep, subject: String, code: Errno)
    /// The filter is longer than the kernel takes (4096 instructions), or its jumps are too far.
    case tooLong(Int)
    /// The text of a profile or template is not what it should be.
    case template(JSONError)
    /// A file of the cache, or the scratch file for the program.
    case system(SystemError)
}

/// A function of libseccomp, by its man page's name.
package enum LibraryStep: String, Hashable, Sendable {
    case initialize = "seccomp_init"
    case addArchitecture = "seccomp_arch_add"
    case setAttribute = "seccomp_attr_set"
    case addRule = "seccomp_rule_add_array"
    case export = "seccomp_export_bpf"
}

extension SeccompError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .action(let name, let place): "seccomp \(place): no such action here, '\(name)'"
        case .architecture(let name): "seccomp /architectures: unknown architecture '\(name)'"
        case .comparison(let name, let place): "seccomp \(place): unknown comparison '\(name)'"
        case .flag(let name, let why): "seccomp /flags: '\(name)' \(why)"
        case .argumentIndex(let index, let place): "seccomp \(place): argument \(index) is not from 0 to 5"
        case .errno(let number, let place): "seccomp \(place): error number \(number) is not from 0 to 65535"
        case .emptyName(let place): "seccomp \(place): the name of the call is empty"
        case .notifyOnWrite(let place):
            "seccomp \(place): SCMP_ACT_NOTIFY cannot be used for the write syscall, which hands the listener over"
        case .library(let step, let subject, let code):
            "seccomp: \(step.rawValue)(3) of \(subject): \(code.name) (\(code.words))"
        case .tooLong(let count): "seccomp: the filter has \(count) instructions, the kernel takes at most 4096"
        case .template(let error): "seccomp profile: \(error)"
        case .system(let error): "seccomp: \(error)"
        }
    }
}
