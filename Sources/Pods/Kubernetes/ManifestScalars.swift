internal import Planning

// Scalars as Kubernetes reads them: by the core schema of YAML 1.2, and with leading zeros as octal, as modes are written. A
// number is no text: the API refuses `value: 5` where it wants a string.
extension ManifestReader {
    /// A text; nil: there is none, or it is something else, which is told.
    mutating func text(_ object: ManifestObject, _ key: String) -> String? {
        guard let value = object[key] else { return nil }
        guard let text = CoreSchema.text(value) else {
            problem(object, key, "expected a text, found \(TaskComplaints.kind(of: value))" + CoreSchema.hint(value))
            return nil
        }
        return text
    }

    /// A text that must be there, and is not empty.
    mutating func requiredText(_ object: ManifestObject, _ key: String) -> String? {
        guard let value = object[key], value.content != .scalar("", .quoted) else {
            problem(object, key, "it is missing")
            return nil
        }
        return text(object, key)
    }

    mutating func texts(_ object: ManifestObject, _ key: String) -> [String] {
        var texts: [String] = []
        for (i, item) in list(object, key).enumerated() {
            if let text = CoreSchema.text(item) {
                texts.append(text)
            } else {
                let found = TaskComplaints.kind(of: item)
                problem(
                    item.position, "\(object.path(of: key))[\(i)]",
                    "expected a text, found \(found)" + CoreSchema.hint(item))
            }
        }
        return texts
    }

    /// Names and texts.
    mutating func textMap(_ object: ManifestObject, _ key: String) -> [(name: String, value: String)] {
        guard let value = object[key] else { return [] }
        guard case .mapping(let members) = value.content else {
            problem(object, key, "expected names and texts, found \(TaskComplaints.kind(of: value))")
            return []
        }
        var pairs: [(name: String, value: String)] = []
        for member in members {
            if let text = CoreSchema.text(member.value) {
                pairs.append((member.key, text))
            } else {
                let found = TaskComplaints.kind(of: member.value)
                problem(
                    member.value.position, "\(object.path(of: key)).\(printable(member.key))",
                    "expected a text, found \(found)" + CoreSchema.hint(member.value))
            }
        }
        return pairs
    }

    mutating func truth(_ object: ManifestObject, _ key: String) -> Bool? {
        guard let value = object[key] else { return nil }
        guard case .scalar(let text, .plain) = value.content, let answer = CoreSchema.truth(text) else {
            problem(object, key, "expected true or false, found \(TaskComplaints.kind(of: value))")
            return nil
        }
        return answer
    }

    /// A whole number within `range`.
    mutating func integer(_ object: ManifestObject, _ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard let value = object[key] else { return nil }
        guard case .scalar(let text, .plain) = value.content, let number = CoreSchema.integer(text) else {
            problem(object, key, "expected a whole number, found \(TaskComplaints.kind(of: value))")
            return nil
        }
        guard range.contains(number) else {
            problem(object, key, "\(number) is not from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// One of `Choice`'s names as it stands.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ object: ManifestObject, _ key: String, _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let text = text(object, key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map(\.rawValue).filter { !$0.isEmpty }.joined(separator: ", ")
        problem(object, key, "no value \(quotedAlways(text)); there are \(names)")
        return nil
    }

    /// An amount of something, as text or as a number.
    mutating func quantity(_ object: ManifestObject, _ key: String) -> ResourceQuantity? {
        guard let value = object[key] else { return nil }
        guard case .scalar(let text, _) = value.content, let quantity = ResourceQuantity(text) else {
            problem(object, key, "expected an amount such as 500m, 2 or 64Mi, found \(TaskComplaints.kind(of: value))")
            return nil
        }
        return quantity
    }
}

/// What plain scalars are: YAML 1.2, 10.3.2.
enum CoreSchema {
    static func truth(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }

    static func integer(_ text: String) -> Int64? {
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
            return unsigned(String(text.dropFirst(2)), radix)
        }
        let isNegative = text.hasPrefix("-")
        let digits = isNegative || text.hasPrefix("+") ? String(text.dropFirst()) : text
        // `0644`: of YAML 1.1, which Kubernetes' own documents have.
        let isOctal = digits.utf8.count > 1 && digits.hasPrefix("0")
        guard let number = unsigned(digits, isOctal ? 8 : 10) else { return nil }
        return isNegative ? -number : number
    }

    private static func unsigned(_ digits: String, _ radix: Int) -> Int64? {
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        return Int64(digits, radix: radix)
    }

    /// nil: it is no text, but a number, a truth value, nothing, or no scalar.
    static func text(_ value: YAML) -> String? {
        guard case .scalar(let text, let style) = value.content else { return nil }
        if style != .plain { return text }
        if value.isNull || truth(text) != nil || isNumber(text) { return nil }
        return text
    }

    /// For a scalar that would be a text in quotes.
    static func hint(_ value: YAML) -> String {
        if case .scalar(_, .plain) = value.content { "; in quotes it is a text" } else { "" }
    }

    private static func isNumber(_ text: String) -> Bool {
        if integer(text) != nil { return true }
        var rest = Substring(text)
        if rest.hasPrefix("+") || rest.hasPrefix("-") { rest = rest.dropFirst() }
        if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(rest) { return true }
        func figures() -> Int {
            let count = rest.utf8.prefix { (48...57).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        var count = figures()
        if rest.hasPrefix(".") {
            rest = rest.dropFirst()
            count += figures()
        }
        guard count > 0 else { return false }
        if rest.hasPrefix("e") || rest.hasPrefix("E") {
            rest = rest.dropFirst()
            if rest.hasPrefix("+") || rest.hasPrefix("-") { rest = rest.dropFirst() }
            guard figures() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
