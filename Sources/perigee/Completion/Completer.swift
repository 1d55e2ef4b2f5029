/// What could stand at the end of a command line: read by the tables that the parser has, and by what is there.
struct Completer {
    /// What could be typed, with what it is.
    typealias Candidate = (word: String, help: String)

    /// Lines for a shell's script: a word, and behind a tabulator its help; `:file` and `:directory` stand for those names.
    let lines: [String]

    /// `words` stand behind `perigee`, the last is being typed. `values` tells what there is of a kind, with the global
    /// options that stand there, or else those of `standard`.
    init(
        _ words: [String], _ standard: GlobalOptions,
        values: (ValueKind, _ global: GlobalOptions, _ tenant: String?) -> [Candidate]
    ) {
        let current = words.last ?? ""
        let global = Scan(words.dropLast(), GlobalOptions.table, stopsAtOperand: true)
        var options = standard
        options.store = global["--store"] ?? options.store
        options.root = global["--root"] ?? options.root
        options.configuration = global["--config-file"] ?? options.configuration
        let place = Completer.place(global, current)
        var lines: [String] = []
        for kind in place.kinds {
            switch kind {
            case .file: lines.append(":file")
            case .directory: lines.append(":directory")
            case .words(let words): lines += Completer.lines(words.map { ($0, "") }, after: place.prefix, current)
            default:
                var found = values(kind, options, place.tenant)
                // A tag that need not be typed is offered to who types one.
                if kind == .image, !current.dropFirst(place.prefix.count).contains(":") {
                    found = found.map {
                        ($0.word.hasSuffix(":latest") ? String($0.word.dropLast(7)) : $0.word, $0.help)
                    }
                }
                lines += Completer.lines(found, after: place.prefix, current)
            }
        }
        self.lines = lines + Completer.lines(place.candidates, after: "", current)
    }

    private static func lines(_ all: [Candidate], after prefix: String, _ current: String) -> [String] {
        all.filter { (prefix + $0.word).hasPrefix(current) }.map { candidate in
            prefix + candidate.word + (candidate.help.isEmpty ? "" : "\t" + candidate.help)
        }
    }

    /// What is to be typed at one place.
    private struct Place {
        var candidates: [Candidate] = []
        var kinds: [ValueKind] = []
        /// Before a value: `--tenant=`.
        var prefix = ""
        var tenant: String?
    }

    private static func place(_ global: Scan, _ current: String) -> Place {
        guard !global.rest.isEmpty else {
            return option(global, GlobalOptions.table, current)
                ?? Place(candidates: beginnings() + [("help", "print the help of a verb")])
        }
        if global.rest.first == "help" { return Place(candidates: verbs(behind: global.rest.dropFirst())) }
        guard let (verb, rest) = Verb.named(by: global.rest) else {
            return Place(candidates: verbs(behind: global.rest))
        }
        let table = verb.options + [Option("--help", short: "-h", "print this")]
        let scan = Scan(rest, table, stopsAtOperand: verb.takesCommand)
        if scan.isCommand { return Place() }
        var place = Place()
        if let found = option(scan, table, current) {
            place = found
        } else {
            let count = scan.operands.count + scan.rest.count
            place.kinds = ValueKind.kinds(operand: count, of: verb)
            if ValueKind.kinds(operand: 0, of: verb) == [.verb] {
                place = Place(candidates: verbs(behind: scan.operands[...]))
            }
        }
        place.tenant = scan["--tenant"]
        return place
    }

    /// An option, or the value of one; nil: it is an operand.
    private static func option(_ scan: Scan, _ table: [Option], _ current: String) -> Place? {
        if let pending = scan.pending { return Place(kinds: ValueKind(of: pending).map { [$0] } ?? []) }
        guard scan.rest.isEmpty, current.hasPrefix("-") else { return nil }
        if let equals = current.firstIndex(of: "=") {
            let named = table.first { $0.name == current[..<equals] }
            return Place(
                kinds: named.flatMap { ValueKind(of: $0) }.map { [$0] } ?? [], prefix: String(current[...equals]))
        }
        return Place(candidates: table.map { ($0.name, $0.help) })
    }

    /// The first words of all verbs.
    private static func beginnings() -> [Candidate] {
        var found: [Candidate] = []
        for name in Verb.Name.listed {
            let word = String(name.words[0])
            guard !found.contains(where: { $0.word == word }) else { continue }
            found.append((word, name.words.count > 1 ? "" : name.verb.summary))
        }
        return found
    }

    /// Verbs, of which the first word may be there already.
    private static func verbs(behind words: ArraySlice<String>) -> [Candidate] {
        guard let first = words.first else { return beginnings() }
        guard words.count == 1 else { return [] }
        return Verb.Name.listed.filter { $0.words.count > 1 && $0.words[0] == first }.map {
            (String($0.words[1]), $0.verb.summary)
        }
    }
}

/// Words that are finished, as the parser would read them if the rest came.
private struct Scan {
    private(set) var operands: [String] = []
    /// From the first operand on, where it stops there.
    private(set) var rest: ArraySlice<String> = []
    /// An option that waits for its value.
    private(set) var pending: Option?
    /// A `--` was there.
    private(set) var isCommand = false
    private var values: [(name: String, value: String)] = []

    init(_ words: ArraySlice<String>, _ table: [Option], stopsAtOperand: Bool) {
        for (at, word) in zip(words.indices, words) {
            if let option = pending {
                values.append((option.name, word))
                pending = nil
            } else if word == "--" {
                isCommand = true
                return
            } else if word.hasPrefix("-"), word != "-" {
                read(word, table)
            } else if stopsAtOperand {
                rest = words[at...]
                return
            } else {
                operands.append(word)
            }
        }
    }

    private mutating func read(_ word: String, _ table: [Option]) {
        if let equals = word.firstIndex(of: "=") {
            values.append((String(word[..<equals]), String(word[word.index(after: equals)...])))
        } else if let option = table.first(where: { $0.name == word || $0.short == word }), option.value != nil,
            !option.isOptional
        {
            pending = option
        }
    }

    subscript(name: String) -> String? { values.last { $0.name == name }?.value }
}
