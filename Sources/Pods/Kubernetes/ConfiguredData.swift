/// What a document of the file holds by keys: a core/v1 ConfigMap or Secret.
struct ConfiguredData: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable {
        case configMap = "ConfigMap"
        /// What it holds is told to nobody but the containers.
        case secret = "Secret"
    }

    struct Entry: Hashable, Sendable {
        var key: String
        var value: [UInt8]

        /// For a variable; nil: it is no text.
        var text: String? { value.contains(0) ? nil : String(validating: value, as: UTF8.self) }
    }

    var entries: [Entry] = []

    /// nil: it has no such key.
    subscript(key: String) -> Entry? { entries.first { $0.key == key } }

    mutating func set(_ key: String, _ value: [UInt8]) {
        entries.removeAll { $0.key == key }
        entries.append(Entry(key: key, value: value))
    }
}
