/// What a pod executes, as `command` and `args` say it. The image's part is put in when the image is known.
package enum TaskCommand: Hashable, Sendable {
    /// Neither: the image's entrypoint and command.
    case imageDefault
    /// `args` alone: they stand behind the image's entrypoint, in the place of its command.
    case entrypoint(arguments: [String])
    /// `command` as a list, or a string beside `args` split into words: nothing of the image's.
    case list(command: [String], arguments: [String])
    /// `command` as a string: /bin/sh -c gets it byte for byte.
    case shell(String)

    /// The words to execute. Empty: the image has neither an entrypoint nor a command.
    package func words(entrypoint: [String], command: [String]) -> [String] {
        switch self {
        case .imageDefault: entrypoint + command
        case .entrypoint(let arguments): entrypoint + arguments
        case .list(let command, let arguments): command + arguments
        case .shell(let text): ["/bin/sh", "-c", text]
        }
    }
}
