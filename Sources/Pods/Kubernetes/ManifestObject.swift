internal import Planning

/// The fields of one object of a manifest, for who reads it.
struct ManifestObject {
    /// Where it stands: `spec.containers[0]`; empty: the document.
    let path: String
    let position: TextPosition
    private let members: [YAML.Member]

    init(_ members: [YAML.Member], path: String, position: TextPosition) {
        self.members = members
        self.path = path
        self.position = position
    }

    /// The value of `key`; nil: it is not there, or null.
    subscript(key: String) -> YAML? {
        guard let value = members.first(where: { $0.key == key })?.value, !value.isNull else { return nil }
        return value
    }

    /// The keys that it has, and that are not null.
    var keys: [String] { members.filter { !$0.value.isNull }.map(\.key) }

    /// Where a message about `key` points: to its value, to the key where that is nothing, or to the whole.
    func position(of key: String) -> TextPosition {
        guard let member = members.first(where: { $0.key == key }) else { return position }
        return member.value.isNull ? member.keyPosition : member.value.position
    }

    /// `spec.containers[0].image`
    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

/// What is not read of an object, of all that Kubernetes knows there.
struct ForeignFields {
    /// Has no meaning on one machine: told, and left out.
    var ignored: [String] = []
    /// Would have one, and is not carried out: by name, why.
    var refused: [String: String] = [:]

    static let none = ForeignFields()
}

extension ManifestReader {
    mutating func problem(_ position: TextPosition, _ path: String, _ text: String) {
        complaints.problem(position, path.isEmpty ? text : "\(path): \(text)")
    }

    /// Of the value of `key`.
    mutating func problem(_ object: ManifestObject, _ key: String, _ text: String) {
        problem(object.position(of: key), object.path(of: key), text)
    }

    mutating func warning(_ object: ManifestObject, _ key: String, _ text: String) {
        complaints.warning(object.position(of: key), "\(object.path(of: key)): \(text)")
    }

    /// The fields of `value`, which must be a mapping with no other fields than `known` and those that are `foreign`. nil: it
    /// is none, which is told.
    mutating func object(
        _ value: YAML, _ path: String, _ known: [String], _ foreign: ForeignFields = .none
    ) -> ManifestObject? {
        guard case .mapping(let members) = value.content else {
            problem(value.position, path, "expected fields and values, found \(TaskComplaints.kind(of: value))")
            return nil
        }
        let object = ManifestObject(members, path: path, position: value.position)
        for member in members where !known.contains(member.key) {
            let place = printable(object.path(of: member.key))
            if foreign.ignored.contains(member.key) {
                complaints.warning(member.keyPosition, "\(place): it has no meaning on one machine, and is left out")
            } else if let why = foreign.refused[member.key] {
                // `false` and nothing are what Kubernetes takes where there is none.
                if member.value.isNull || member.value.content == .list([]) { continue }
                complaints.problem(member.keyPosition, "\(place): it is not supported\(why.isEmpty ? "" : ": " + why)")
            } else {
                let all = known + foreign.ignored + foreign.refused.keys
                let near = Spelling.nearest(to: member.key, among: all.sorted())
                complaints.problem(
                    member.keyPosition,
                    "\(place): unknown field"
                        + (near.map { "; did you mean '\($0)'?" }
                            ?? "; there are " + known.sorted().joined(separator: ", ")))
            }
        }
        return object
    }

    /// The object that `key` of `object` has; nil: there is none.
    mutating func object(
        _ object: ManifestObject, _ key: String, _ known: [String], _ foreign: ForeignFields = .none
    ) -> ManifestObject? {
        guard let value = object[key] else { return nil }
        return self.object(value, object.path(of: key), known, foreign)
    }

    /// The objects of a list.
    mutating func objects(
        _ object: ManifestObject, _ key: String, _ known: [String], _ foreign: ForeignFields = .none
    ) -> [ManifestObject] {
        var found: [ManifestObject] = []
        for (i, item) in list(object, key).enumerated() {
            if let read = self.object(item, "\(object.path(of: key))[\(i)]", known, foreign) { found.append(read) }
        }
        return found
    }

    mutating func list(_ object: ManifestObject, _ key: String) -> [YAML] {
        guard let value = object[key] else { return [] }
        guard case .list(let items) = value.content else {
            problem(object, key, "expected a list, found \(TaskComplaints.kind(of: value))")
            return []
        }
        return items
    }
}
