internal import Planning

/// The keys of one mapping, for who reads it.
struct TaskFields {
    /// Whose they are, for messages: `task A`.
    let owner: String
    /// What stands before a key's name in messages: `image.`.
    let prefix: String
    let position: TextPosition
    private let members: [String: YAML.Member]

    init(_ members: [YAML.Member], position: TextPosition, owner: String, prefix: String = "") {
        self.owner = owner
        self.prefix = prefix
        self.position = position
        self.members = Dictionary(members.map { ($0.key, $0) }) { first, _ in first }
    }

    /// The value of `key`; nil: it is not there, or null.
    subscript(key: String) -> YAML? {
        guard let value = members[key]?.value, !value.isNull else { return nil }
        return value
    }

    /// Where a message about `key` points: to its value, to the key where that is nothing, or to the whole.
    func position(of key: String) -> TextPosition {
        guard let member = members[key] else { return position }
        return member.value.isNull ? member.keyPosition : member.value.position
    }
}

/// Collects what is wrong while a file is read, so that all is told at once.
struct TaskComplaints {
    private(set) var problems: [FileProblem] = []
    private(set) var warnings: [FileProblem] = []

    mutating func problem(_ position: TextPosition, _ text: String) { problems.append(.init(position, text)) }
    mutating func warning(_ position: TextPosition, _ text: String) { warnings.append(.init(position, text)) }

    /// The keys of `value`, which must be a mapping with no other keys than `known`. `renamed` has what is to be said of
    /// keys that other forms of the same thing have.
    mutating func fields(
        _ value: YAML, _ known: [String], owner: String, prefix: String = "", renamed: [String: String] = [:]
    ) -> TaskFields? {
        guard case .mapping(let members) = value.content else {
            let name = prefix.isEmpty ? "" : prefix.dropLast() + ": "
            problem(value.position, "\(owner): \(name)expected keys and values, found \(Self.kind(of: value))")
            return nil
        }
        for member in members where !known.contains(member.key) {
            var text = "\(owner): unknown key \(quotedAlways(prefix + member.key))"
            if let hint = renamed[member.key] {
                text += "; " + hint
            } else if let near = Spelling.nearest(to: member.key, among: known) {
                text += "; did you mean '\(near)'?"
            } else {
                text += "; there are " + known.joined(separator: ", ")
            }
            problem(member.keyPosition, text)
        }
        return TaskFields(members, position: value.position, owner: owner, prefix: prefix)
    }

    /// The source text of a scalar; nil: it is not there, or is none, which is told.
    mutating func text(_ fields: TaskFields, _ key: String) -> String? {
        guard let value = fields[key] else { return nil }
        guard case .scalar(let text, _) = value.content else {
            wrongType(fields, key, "a text")
            return nil
        }
        return text
    }

    /// `true` or `false` as they stand; nil: it is not there, or is neither, which is told.
    mutating func truth(_ fields: TaskFields, _ key: String) -> Bool? {
        guard let value = fields[key] else { return nil }
        switch value.content {
        case .scalar("true", .plain): return true
        case .scalar("false", .plain): return false
        default:
            wrongType(fields, key, "true or false")
            return nil
        }
    }

    /// The items of a list; nil: it is not there, or is none, which is told.
    mutating func list(_ fields: TaskFields, _ key: String) -> [YAML]? {
        guard let value = fields[key] else { return nil }
        guard case .list(let items) = value.content else {
            wrongType(fields, key, "a list")
            return nil
        }
        return items
    }

    /// The source texts of a list's items; nil: it is not there, or is none, which is told.
    mutating func texts(_ fields: TaskFields, _ key: String) -> [(text: String, position: TextPosition)]? {
        guard let items = list(fields, key) else { return nil }
        var texts: [(text: String, position: TextPosition)] = []
        var isWhole = true
        for (i, item) in items.enumerated() {
            if case .scalar(let text, _) = item.content, !item.isNull {
                texts.append((text, item.position))
            } else {
                isWhole = false
                problem(
                    item.position,
                    "\(fields.owner): \(fields.prefix)\(key)[\(i)]: expected a text, found \(Self.kind(of: item))"
                        + (item.isNull ? "; in quotes it is a text" : ""))
            }
        }
        return isWhole ? texts : nil
    }

    /// One of `Choice`'s names as it stands; nil: it is not there, or another, which is told.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ fields: TaskFields, _ key: String, _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let text = text(fields, key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        problem(
            fields.position(of: key),
            "\(fields.owner): \(fields.prefix)\(key): no value \(quotedAlways(text)); there are \(names)")
        return nil
    }

    /// Tells that `key` is not `what`.
    mutating func wrongType(_ fields: TaskFields, _ key: String, _ what: String) {
        let found = fields[key].map(Self.kind) ?? "nothing"
        problem(
            fields.position(of: key), "\(fields.owner): \(fields.prefix)\(key): expected \(what), found \(found)")
    }

    static func kind(of value: YAML) -> String {
        switch value.content {
        case .scalar where value.isNull: "nothing"
        case .scalar(let text, .plain): quoted(text)
        case .scalar(let text, _): "the text \(quotedAlways(text))"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// A text of the file in quotes, and harmless for a terminal.
func quotedAlways(_ text: String) -> String {
    let shown = quoted(text)
    return shown.utf8.first == UInt8(ascii: "\"") ? shown : "\"\(shown)\""
}
