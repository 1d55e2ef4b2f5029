internal import Containers
internal import Linux

/// What engines say to `create`, `run` and `exec` of what passes between them and the container.
extension Verb {
    static let handoverOptions = [
        Option("--pid-file", value: "FILE", "write the number of the process to FILE"),
        Option("--console-socket", value: "PATH", "the AF_UNIX socket that takes the terminal"),
        Option("--pidfd-socket", value: "PATH", "the AF_UNIX socket that takes the pidfd of the process"),
        Option("--preserve-fds", value: "N", "leave N more descriptors, from 3 on, to the command"),
        Option("--no-new-keyring", "leave it the caller's session keyring"),
        Option("--no-pivot", "refused: a root that is not left can be come back to"),
    ]

    /// What the options say.
    static func handover(_ arguments: Arguments, _ verb: String, isDetached: Bool) throws -> Handover {
        if arguments.has("--no-pivot") {
            throw UsageError("\(verb): --no-pivot: refused: a root that is not left can be come back to")
        }
        var handover = Handover()
        handover.pidFile = arguments["--pid-file"]
        handover.consoleSocket = arguments["--console-socket"]
        handover.pidfdSocket = arguments["--pidfd-socket"]
        handover.hasKeyring = !arguments.has("--no-new-keyring")
        handover.isDetached = isDetached
        if let text = arguments["--preserve-fds"] {
            guard let count = Int(text), (0...Handover.limit).contains(count) else {
                throw UsageError("\(verb): --preserve-fds '\(text)' is not a number from 0 to \(Handover.limit)")
            }
            handover.preserved = count
        }
        return handover
    }
}
