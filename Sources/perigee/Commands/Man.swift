internal import Linux

extension Verb {
    /// `perigee man`: manual pages.
    static let man = Verb(
        .man, operands: "[VERB]", summary: "print a manual page, of the whole or of a verb, for man(1)",
        options: [Option("--output", short: "-o", value: "DIR", "write all pages into DIR instead")],
        notes: "`perigee man pod run | man -l -` shows one; `make install` installs them.",
        run: { arguments, _ in
            guard arguments.command == nil else { throw UsageError("man: takes the name of a verb") }
            if let directory = arguments["--output"] {
                guard arguments.operands.isEmpty else {
                    throw UsageError("man: --output writes the pages of all verbs")
                }
                return writePages(into: directory)
            }
            if arguments.operands.isEmpty { return CommandLineTool.printed(ManualPage.overview) }
            return CommandLineTool.printed(ManualPage.of(try Help.verb(arguments.operands)))
        })

    private static func writePages(into path: String) -> Int32 {
        do throws(SystemError) {
            let here = Descriptor.workingDirectory
            try here.makeDirectories(path, mode: 0o755)
            let directory = try here.openFollowing(path, 0)
            func write(_ name: String, _ text: String) throws(SystemError) {
                try directory.view.replaceFile(name + ".1", with: Array(text.utf8), mode: 0o644)
            }
            try write("perigee", ManualPage.overview)
            for name in Name.listed { try write(ManualPage.pageName(name), ManualPage.of(name.verb)) }
            return 0
        } catch { return Report.failed("man: \(error)", status: 1) }
    }
}
