package import OCI
internal import Planning

/// The value of a ``LimitKey``.
package enum LimitValue: Hashable, Sendable {
    case unlimited
    /// Bytes, thousandths of a processor, a count, seconds; of hours milliseconds.
    case amount(Int64)
    case word(String)
    case words([String])
    case flag(Bool)

    /// The longest run time that can be set: ten years, in milliseconds.
    private static let longestRuntime: Int64 = 87_600 * 3_600_000
    /// The longest grace that can be set: a day, in seconds.
    private static let longestGrace: Int64 = 86_400
    /// Namespaces of the host's that a pod may ask for.
    private static let namespaces = ["network", "pid", "ipc", "uts"]

    /// Reads what stands at `key`; `json` is not null.
    init(_ key: LimitKey, _ json: JSON) throws(JSONError) {
        switch key.kind {
        case .bytes:
            let bytes = try LimitValue.bytes(json)
            guard bytes >= key.least else {
                throw JSONError(json.pointer, "it must be at least \(key.least) bytes; null is no limit")
            }
            self = .amount(bytes)
        case .processors: self = .amount(try LimitValue.thousandths(json))
        case .count: self = .amount(try LimitValue.count(json, 1...Int64(Int32.max)))
        case .hours:
            let hours = try LimitValue.number(json, "a number of hours")
            let milliseconds = (hours * 3_600_000).rounded()
            guard milliseconds >= 1, milliseconds <= Double(LimitValue.longestRuntime) else {
                throw JSONError(json.pointer, "it must be more than 0 and at most 87600 hours; null is no limit")
            }
            self = .amount(Int64(milliseconds))
        case .seconds: self = .amount(try LimitValue.count(json, 1...LimitValue.longestGrace))
        case .mode: self = .word(try LimitValue.choice(json, PodMode.allCases.map(\.rawValue)))
        case .paths:
            let paths = try json.items()
            for item in paths {
                let path = try item.string()
                guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                    throw JSONError(item.pointer, "'\(path)' is not an absolute path without '..'")
                }
            }
            self = .words(try json.strings())
        case .flag: self = .flag(try json.bool())
        case .workspaces:
            let text = try json.string()
            if let problem = WorkspacePlace.problem(with: text) {
                throw JSONError(json.pointer, "'\(text)' \(problem)")
            }
            self = .word(text)
        case .namespaces:
            var names: [String] = []
            for item in try json.items() { names.append(try LimitValue.choice(item, LimitValue.namespaces)) }
            self = .words(names)
        }
    }

    private static func bytes(_ json: JSON) throws(JSONError) -> Int64 {
        if case .string(let text) = json.value {
            guard let bytes = Quantity.bytes(text), bytes > 0 else {
                throw JSONError(json.pointer, "'\(text)' is not a size such as \"512m\"; null is no limit")
            }
            return bytes
        }
        guard case .integer(let bytes) = json.value else { throw json.expected("a size such as \"512m\"") }
        guard bytes > 0 else { throw JSONError(json.pointer, "\(bytes) is not a size; null is no limit") }
        return bytes
    }

    private static func thousandths(_ json: JSON) throws(JSONError) -> Int64 {
        if case .string(let text) = json.value {
            guard let amount = Quantity.thousandths(text) else {
                throw JSONError(json.pointer, "'\(text)' is not a number of processors such as 0.5")
            }
            return amount
        }
        let number = try number(json, "a number of processors such as 0.5") * 1000
        guard number.rounded() >= 1, number <= 1e9, (number - number.rounded()).magnitude < 1e-6 else {
            throw JSONError(
                json.pointer, "it must be from 0.001 to 1000000, with at most three decimals; null is no limit")
        }
        return Int64(number.rounded())
    }

    private static func number(_ json: JSON, _ what: String) throws(JSONError) -> Double {
        switch json.value {
        case .integer(let number): return Double(number)
        case .real(let number) where number.isFinite: return number
        default: throw json.expected(what)
        }
    }

    static func count(_ json: JSON, _ range: ClosedRange<Int64>) throws(JSONError) -> Int64 {
        let number = try json.integer()
        guard range.contains(number) else {
            throw JSONError(json.pointer, "\(number) is not from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// One of `words`.
    static func choice(_ json: JSON, _ words: [String]) throws(JSONError) -> String {
        let word = try json.string()
        guard words.contains(word) else {
            let near = Spelling.nearest(to: word, among: words).map { "; did you mean '\($0)'?" }
            throw JSONError(json.pointer, "'\(word)' is none of " + words.joined(separator: ", ") + (near ?? ""))
        }
        return word
    }

    /// As the configuration would have it; sizes in bytes, hours with decimals.
    package func json(of key: LimitKey) -> JSON.Value {
        switch self {
        case .unlimited: .null
        case .amount(let number):
            switch key.kind {
            case .processors: number % 1000 == 0 ? .integer(number / 1000) : .real(Double(number) / 1000)
            case .hours: number % 3_600_000 == 0 ? .integer(number / 3_600_000) : .real(Double(number) / 3_600_000)
            default: .integer(number)
            }
        case .word(let word): .string(word)
        case .words(let words): .strings(words)
        case .flag(let answer): .bool(answer)
        }
    }
}
