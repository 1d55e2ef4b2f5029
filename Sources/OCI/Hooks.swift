/// Programs that are run at points of a container's life: config.md, "POSIX-platform Hooks". A class, so that a
/// configuration without any carries one word.
package final class Hooks: Hashable, Sendable {
    /// When a hook is run, in the order of a container's life.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case prestart, createRuntime, createContainer, startContainer, poststart, poststop
    }

    /// One program.
    package struct Hook: Hashable, Sendable {
        /// Absolute; of the host, with `startContainer` of the container.
        package var path: String
        /// From `argv[0]` on; empty: the path alone.
        package var args: [String] = []
        /// `NAME=VALUE`: all of its environment.
        package var env: [String] = []
        /// In seconds, then it is killed; nil: as long as it takes.
        package var timeout: Int?

        package init(path: String, args: [String] = [], env: [String] = [], timeout: Int? = nil) {
            self.path = path
            self.args = args
            self.env = env
            self.timeout = timeout
        }

        /// What is executed with the path.
        package var arguments: [String] { args.isEmpty ? [path] : args }
    }

    private let lists: [[Hook]]

    /// In the order of ``Kind/allCases``; kinds that are missing have none.
    package init(_ hooks: KeyValuePairs<Kind, [Hook]>) {
        lists = Kind.allCases.map { kind in hooks.first { $0.key == kind }?.value ?? [] }
    }

    private init(lists: [[Hook]]) { self.lists = lists }

    /// The hooks of a kind, in the order in which they are run.
    package subscript(kind: Kind) -> [Hook] {
        Kind.allCases.firstIndex(of: kind).map { lists[$0] } ?? []
    }

    /// Only those of `kinds`; nil: none is left.
    package func only(_ kinds: [Kind]) -> Hooks? {
        let rest = Kind.allCases.map { kinds.contains($0) ? self[$0] : [] }
        return rest.allSatisfy(\.isEmpty) ? nil : Hooks(lists: rest)
    }

    package static func == (a: Hooks, b: Hooks) -> Bool { a.lists == b.lists }

    package func hash(into hasher: inout Hasher) { hasher.combine(lists) }
}

// MARK: - As JSON

extension Hooks {
    /// More than anybody needs, of a kind.
    package static let maximum = 256

    /// Reads the object `json`; nil: it has no hook.
    package static func read(_ json: JSON) throws(SpecError) -> Hooks? {
        var lists: [[Hook]] = []
        do throws(JSONError) {
            _ = try json.members()
            for kind in Kind.allCases {
                let items = try json[kind.rawValue]?.items() ?? []
                guard items.count <= maximum else {
                    throw JSONError(
                        "\(json.pointer)/\(kind.rawValue)", "\(items.count) hooks are too many, \(maximum) are the most"
                    )
                }
                var list: [Hook] = []
                for item in items { list.append(try Hook(item)) }
                lists.append(list)
            }
        } catch { throw .json(error) }
        return lists.allSatisfy(\.isEmpty) ? nil : Hooks(lists: lists)
    }

    package var json: JSON.Value {
        .object(
            Kind.allCases.compactMap { kind in
                let list = self[kind]
                return list.isEmpty ? nil : (kind.rawValue, .array(list.map(\.json)))
            })
    }
}

extension Hooks.Hook {
    fileprivate init(_ json: JSON) throws(JSONError) {
        let place = try json.required("path")
        path = try place.string()
        guard path.hasPrefix("/") else { throw JSONError(place.pointer, "'\(path)' is not absolute") }
        args = try json["args"]?.strings() ?? []
        for item in try json["env"]?.items() ?? [] {
            let entry = try item.string()
            guard entry.contains("=") else { throw JSONError(item.pointer, "'\(entry)' is not NAME=VALUE") }
            env.append(entry)
        }
        guard let limit = json["timeout"] else { return }
        let seconds = try limit.integer(Int.self)
        guard seconds > 0 else { throw JSONError(limit.pointer, "\(seconds) is not greater than zero") }
        timeout = seconds
    }

    fileprivate var json: JSON.Value {
        .members([
            ("path", .string(path)), ("args", args.isEmpty ? nil : .strings(args)),
            ("env", env.isEmpty ? nil : .strings(env)), ("timeout", timeout.map { .integer(Int64($0)) }),
        ])
    }
}
