internal import Glibc
internal import Linux
internal import Planning

/// Finds the verb, runs it, and says what went wrong.
enum CommandLineTool {
    static let version = "0.1.0"

    static func run(_ words: [String]) -> Int32 {
        ensureStandardStreams()
        Children.keep()
        do {
            let global = try globalOptions(words[...])
            try useEngineOptions(global)
            if global.has("--version") { return printed("perigee \(version)\nspec: 1.3.0\n") }
            if global.has("--help") { return printed(Help.overview) }
            guard !global.rest.isEmpty else { throw UsageError("no verb given; perigee --help lists them") }
            return try dispatch(global)
        } catch let error as UsageError {
            complain(error.message)
            return 2
        } catch {
            complain("\(error)")
            return 1
        }
    }

    /// The options before the verb.
    private static func globalOptions(_ words: ArraySlice<String>) throws(UsageError) -> Arguments {
        do throws(UsageError) { return try Arguments(words, GlobalOptions.table, stopAtOperand: true) } catch {
            throw UsageError(
                error.message
                    + "\n  hint: perigee --help lists the options that stand before a verb; its own stand behind it")
        }
    }

    private static func dispatch(_ global: Arguments) throws -> Int32 {
        let words = global.rest
        if words.first == "help" { return printed(try Help.of(Array(words.dropFirst()))) }
        guard let (verb, rest) = Verb.named(by: words) else {
            if let help = try Help.asked(by: words) { return printed(help) }
            throw Help.unknownVerb(words)
        }
        let arguments: Arguments
        do {
            let table = verb.options + [Option("--help", short: "-h", "print this")]
            arguments = try Arguments(rest, table, stopAtOperand: verb.takesCommand)
        } catch {
            let name = verb.name.rawValue
            throw UsageError("\(name): \(error.message)\n  hint: perigee help \(name) lists the options")
        }
        if arguments.has("--help") { return printed(verb.help) }
        var options = GlobalOptions()
        if let store = global["--store"] { options.store = try absolute(store) }
        if let root = global["--root"] { options.root = try absolute(root) }
        options.configuration = global["--config-file"]
        return try verb.run(arguments, options)
    }

    /// What engines say to every runtime.
    private static func useEngineOptions(_ global: Arguments) throws {
        var format = ErrorLog.Format.text
        if let name = global["--log-format"] {
            guard let named = ErrorLog.Format(rawValue: name) else {
                throw UsageError("--log-format '\(name)' is neither text nor json")
            }
            format = named
        }
        if let path = global["--log"], !path.isEmpty { ErrorLog(path: path, format: format).use() }
        if global.has("--systemd-cgroup") {
            throw UsageError(
                "--systemd-cgroup: groups are made in the file system\n  hint: give the engine the cgroup manager cgroupfs"
            )
        }
        if let manager = global["--cgroup-manager"], manager != "cgroupfs" {
            throw UsageError("--cgroup-manager '\(manager)': there is cgroupfs alone")
        }
        if let answer = global["--rootless"], !["", "false", "auto", "0"].contains(answer) {
            throw UsageError("--rootless '\(answer)': perigee runs as root")
        }
    }

    /// `path` from `/` on: plans and records hold it, and mean the same wherever they are read.
    private static func absolute(_ path: String) throws -> String {
        guard !path.isEmpty else { throw UsageError("--store and --root need the name of a directory") }
        if path.hasPrefix("/") { return path }
        return try AbsolutePath.workingDirectory() + "/" + path
    }

    // MARK: output

    /// Writes to the standard output; what can't be written is an error like any other.
    static func printed(_ text: String) -> Int32 {
        do throws(SystemError) { try Descriptor.standardOutput.write(text) } catch {
            if error.code != .EPIPE { complain("standard output: \(error)") }
            return 1
        }
        return 0
    }

    /// Writes a message to the standard error, without what a name of an image's could do to a terminal.
    static func complain(_ text: String) {
        try? Descriptor.standardError.write("perigee: \(printable(text))\n")
        ErrorLog.add(text)
    }

    private static func isClosed(_ descriptor: Descriptor) -> Bool {
        do throws(SystemError) { _ = try descriptor.status() } catch { return error.code == .EBADF }
        return false
    }

    /// A caller that closed 0, 1 or 2 would have our next files there, and the container would get them.
    private static func ensureStandardStreams() {
        for number: Int32 in 0...2 {
            guard isClosed(Descriptor(number)) else { continue }
            guard let null = nullDevice() else { return }
            // A copy: what we open ourselves closes when the container's command is executed, and a stream must not.
            Descriptor(number).become(null.view)
        }
    }

    /// The null device at a number above the standard streams'.
    private static func nullDevice() -> OwnedDescriptor? {
        guard let null = try? Descriptor.workingDirectory.openFollowing("/dev/null", O_RDWR) else { return nil }
        return try? null.view.duplicate()
    }
}
