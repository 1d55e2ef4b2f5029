internal import Planning

/// What is told of verbs to those who ask, or who mistype one. All of it is read off the table of verbs.
enum Help {
    /// The help of the whole.
    static var overview: String {
        """
        perigee: a container runtime for Linux

        usage: perigee [GLOBAL OPTIONS] VERB [OPTIONS] [...]

        verbs:
        \(list(Verb.Name.listed))
        global options:
        \(Verb.table(GlobalOptions.table))
        perigee help VERB tells more of one. \(exitCodes)

        """
    }

    static var exitCodes: String {
        """
        Exit codes: of a command that was run, its own, 128 + n for a signal,
        124 at its deadline, 125 if perigee failed, 126 not executable, 127 not found; of all that manages: 0,
        1 failed, 2 usage or invalid file, 3 busy, 4 not found, 5 not permitted.
        """
    }

    /// Of a verb, of those that begin with a word (`pod`), or of the whole where there is none.
    static func of(_ words: [String]) throws(UsageError) -> String {
        guard let first = words.first, !isAsked(by: first) else { return overview }
        let group = group(first)
        if !group.isEmpty, words.count == 1 || isAsked(by: words[1]) { return help(first, group) }
        return try verb(words).help
    }

    /// The verb that all of `words` name.
    static func verb(_ words: [String]) throws(UsageError) -> Verb {
        let name = words.joined(separator: " ")
        if let name = Verb.Name.named(name) ?? .hyphenated(name) { return name.verb }
        throw unknownVerb(words[...])
    }

    /// The help that a command line of no verb asks for: `pod --help`, `pod help run`; nil: it asks for none.
    static func asked(by words: ArraySlice<String>) throws(UsageError) -> String? {
        guard let first = words.first, let second = words.dropFirst().first, isAsked(by: second),
            !group(first).isEmpty
        else { return nil }
        return try of([first] + words.dropFirst(2))
    }

    /// Of a command line that begins with none.
    static func unknownVerb(_ words: ArraySlice<String>) -> UsageError {
        let first = words.first ?? ""
        let group = group(first)
        guard group.isEmpty else {
            guard let second = words.dropFirst().first else {
                return UsageError("\(first): needs a verb\n\n" + help(first, group).dropLast())
            }
            let names = group.map { String($0.words[1]) }
            if second.hasPrefix("-"), second != "-" {
                return UsageError("\(first): the verb comes first, and '\(second)' behind it\(hint(first))")
            }
            return UsageError(
                "\(first): no verb '\(second)'; "
                    + (question(meant(by: second, among: names)) ?? "there are \(names.joined(separator: ", "))"))
        }
        let all = Verb.Name.listed.map(\.words)
        let seconds = all.filter { $0.count > 1 && $0[1] == first }.map { $0.joined(separator: " ") }
        let near = Spelling.nearest(to: first, among: all.map { String($0[0]) }).map { [$0] } ?? []
        return UsageError(
            "no verb '\(first)'; " + (question(seconds.isEmpty ? near : seconds) ?? "perigee --help lists them"))
    }

    /// What other tools call alike.
    private static let alike: [Set<String>] = [
        ["list", "ls", "ps"], ["rm", "remove", "delete", "retire"], ["stop", "kill"],
        ["run", "start", "create", "deploy"],
    ]

    private static func meant(by word: String, among names: [String]) -> [String] {
        let others = alike.first { $0.contains(word) }.map { words in names.filter(words.contains) } ?? []
        return others.isEmpty ? Spelling.nearest(to: word, among: names).map { [$0] } ?? [] : others
    }

    private static func question(_ words: [String]) -> String? {
        words.isEmpty ? nil : "did you mean \(words.map { "'\($0)'" }.joined(separator: " or "))?"
    }

    private static func isAsked(by word: String) -> Bool { ["help", "--help", "-h"].contains(word) }

    private static func hint(_ group: String) -> String { "\n  hint: perigee help \(group) lists the verbs" }

    /// The verbs of two words that begin with `word`.
    private static func group(_ word: String) -> [Verb.Name] {
        Verb.Name.listed.filter { $0.words.count > 1 && $0.words[0] == word }
    }

    private static func help(_ word: String, _ group: [Verb.Name]) -> String {
        """
        usage: perigee [GLOBAL OPTIONS] \(word) VERB [OPTIONS] [...]

        verbs:
        \(list(group))
        perigee help \(word) VERB tells more of one.

        """
    }

    /// A line for each, with what it does.
    private static func list(_ names: [Verb.Name]) -> String {
        let width = (names.map(\.rawValue.utf8.count).max() ?? 0) + 3
        return names.map { name in
            "  " + name.rawValue + String(repeating: " ", count: width - name.rawValue.utf8.count) + name.verb.summary
                + "\n"
        }.joined()
    }
}
