internal import Planning

/// An option of a verb, as the parser and the help both read it.
struct Option: Sendable {
    /// With the dashes: `--bundle`.
    let name: String
    /// `-b`, where there is one.
    var short: String?
    /// What the value is called in the help; nil: it takes none.
    var value: String?
    /// The value may be left out, and is given as `--name=value` alone.
    var isOptional = false
    let help: String

    init(_ name: String, short: String? = nil, value: String? = nil, isOptional: Bool = false, _ help: String) {
        self.name = name
        self.short = short
        self.value = value
        self.isOptional = isOptional
        self.help = help
    }
}

/// A command line that can't be understood: exit code 2.
struct UsageError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// What a command line said.
struct Arguments {
    /// Options in the order given; a flag's value is "".
    private(set) var options: [(name: String, value: String)] = []
    private(set) var operands: [String] = []
    /// What stands behind `--`; nil: there was none.
    private(set) var command: [String]?

    /// Reads `words` by the table `table`. With `stopAtOperand` it stops at the first operand (for options before the
    /// verb), and `rest` is where it stopped.
    init(_ words: ArraySlice<String>, _ table: [Option], stopAtOperand: Bool = false) throws(UsageError) {
        rest = words[words.endIndex...]
        var at = words.startIndex
        while at < words.endIndex {
            let word = words[at]
            if word == "--" {
                command = Array(words[(at + 1)...])
                at = words.endIndex
            } else if word.hasPrefix("-"), word != "-" {
                at += try readOption(word, next: at + 1 < words.endIndex ? words[at + 1] : nil, table)
            } else if stopAtOperand {
                break
            } else {
                operands.append(word)
                at += 1
            }
        }
        rest = words[at...]
    }

    /// What was not read.
    private(set) var rest: ArraySlice<String>

    /// The last value of an option, nil where it was not given.
    subscript(name: String) -> String? { options.last { $0.name == name }?.value }

    /// All values of an option that may stand several times.
    func all(_ name: String) -> [String] { options.filter { $0.name == name }.map(\.value) }

    /// Whether an option was given.
    func has(_ name: String) -> Bool { options.contains { $0.name == name } }

    private mutating func readOption(_ word: String, next: String?, _ table: [Option]) throws(UsageError) -> Int {
        var name = word
        var attached: String?
        if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
            name = String(word[..<equals])
            attached = String(word[word.index(after: equals)...])
        }
        guard let option = table.first(where: { $0.name == name || $0.short == name }) else {
            let isGlobal = GlobalOptions.table.contains { $0.name == name }
            throw UsageError(
                isGlobal
                    ? "option '\(name)' stands before the verb"
                    : "unknown option '\(name)'" + suggestion(for: name, table))
        }
        guard let value = option.value else {
            guard attached == nil else { throw UsageError("option '\(name)' takes no value") }
            options.append((option.name, ""))
            return 1
        }
        if let attached {
            options.append((option.name, attached))
            return 1
        }
        if option.isOptional {
            options.append((option.name, ""))
            return 1
        }
        guard let next else { throw UsageError("option '\(name)' needs a value: \(value)") }
        options.append((option.name, next))
        return 2
    }

    private func suggestion(for name: String, _ table: [Option]) -> String {
        guard let near = Spelling.nearest(to: name, among: table.map(\.name)) else { return "" }
        return "; did you mean '\(near)'?"
    }
}
