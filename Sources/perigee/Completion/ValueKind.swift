/// What a value on the command line is, for those who complete one. It is read off the words that the help has for it.
enum ValueKind: Hashable {
    case file, directory, image, pod, container, project, volume, tenant, verb
    /// A container of the OCI verbs.
    case identifier
    /// One of these.
    case words([String])

    /// Of the value of `option`; nil: nothing can be said.
    init?(of option: Option) {
        guard let value = option.value else { return nil }
        switch (option.name, value) {
        case (_, "FILE"): self = .file
        case (_, "DIR"): self = .directory
        case (_, "IMAGE"): self = .image
        case ("--tenant", _): self = .tenant
        case ("--volume", _): self = .volume
        case ("--node", _): self = .words(["default", "fpga", "gpu", "mpu"])
        default:
            guard let choices = ValueKind.choices(value) else { return nil }
            self = .words(choices)
        }
    }

    /// Of the operand `index` of `verb`; several, where it could be one or the other.
    static func kinds(operand index: Int, of verb: Verb) -> [ValueKind] {
        let words = operands(verb.operands)
        guard !words.isEmpty else { return [] }
        let last = words.count - 1
        let repeated = words.firstIndex { $0.hasSuffix("...") }
        let from = min(index, repeated ?? index)
        let to = repeated == nil ? index : min(index, last)
        guard from <= to, to <= last else { return [] }
        return words[from...to].compactMap { word in
            ValueKind(word: word.hasSuffix("...") ? String(word.dropLast(3)) : word, in: verb.name)
        }
    }

    private init?(word: String, in verb: Verb.Name) {
        let group = verb.words.count > 1 ? String(verb.words[0]) : ""
        switch word {
        case "FILE", "PATH|-", "SOURCE": self = .file
        case "DIR", "DEST": self = .directory
        case "IMAGE": self = .image
        case "VERB": self = .verb
        case "ID" where verb != .run && verb != .create: self = .identifier
        case "VOLUME", "VOLUME[:DIR]", "VOLUME:PATH": self = .volume
        case "NAME" where group == "pod": self = .pod
        case "NAME" where verb == .containerDeploy || verb == .projectLaunch: self = .project
        case "NAME" where group == "container": self = .container
        default:
            guard let choices = ValueKind.choices(word) else { return nil }
            self = .words(choices)
        }
    }

    /// `table|json`
    private static func choices(_ text: String) -> [String]? {
        let words = text.split(separator: "|").map(String.init)
        return words.count > 1 && text == text.lowercased() ? words : nil
    }

    /// The words before a command, without the brackets around what may be left out.
    private static func operands(_ text: String) -> [String] {
        var found: [String] = []
        for part in text.split(separator: " ") {
            var word = String(part)
            if word.hasPrefix("-") || word.hasPrefix("[-") || word == "|" { break }
            if word.hasPrefix("[") {
                word.removeFirst()
                if word.hasSuffix("]") { word.removeLast() }
            }
            found.append(word)
        }
        return found
    }
}
