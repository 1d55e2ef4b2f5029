internal import Network
internal import OCI
internal import Planning

/// An object whose members are known: any other is refused, with what was meant.
struct StrictObject {
    private let members: [(name: String, value: JSON)]

    init(_ json: JSON, known: [String]) throws(JSONError) {
        members = try json.members()
        for (name, value) in members where !known.contains(name) {
            let near = Spelling.nearest(to: name, among: known)
            let words = near.map { "did you mean '\($0)'?" } ?? "known are " + known.joined(separator: ", ")
            throw JSONError(value.pointer, "unknown key; \(words)")
        }
    }

    /// The member `name`, which may be null; nil: there is none.
    subscript(name: String) -> JSON? { members.first { $0.name == name }?.value }
}

extension Configuration {
    private static let keys = [
        "nodes", "default_node", "cdi_dirs", "address_pool", "cni", "defaults", "groups", "tenants",
    ]

    mutating func fill(_ json: JSON) throws(JSONError) {
        let top = try StrictObject(json, known: Configuration.keys)
        if let object = top["nodes"] {
            let names = NodeName.allCases.map(\.rawValue)
            let nodes = try StrictObject(object, known: names)
            for node in NodeName.allCases {
                if let value = nodes[node.rawValue] { self.nodes[node] = try NodeSettings(value) }
            }
        }
        if let item = top["default_node"] {
            let name = try LimitValue.choice(item, NodeName.allCases.map(\.rawValue))
            defaultNode = NodeName(rawValue: name) ?? defaultNode
        }
        if let item = top["cdi_dirs"] {
            cdiDirectories = try Configuration.absolutePaths(item)
        }
        if let object = top["cni"] { cni = try Configuration.cni(object) }
        if let item = top["address_pool"] {
            let text = try item.string()
            guard let pool = AddressPool(text) else {
                throw JSONError(item.pointer, "'\(text)' is no private network such as 10.210.0.0/16")
            }
            addressPool = pool
        }
        if let object = top["defaults"] { defaults = try Limits.Changes(object) }
        for (name, object) in try top["groups"]?.members() ?? [] {
            try Configuration.check(name, object)
            groups.append((name, try Limits.Changes(object)))
        }
        for (name, object) in try top["tenants"]?.members() ?? [] { try addTenant(name, object) }
        try checkGraces(json)
    }

    private static func absolutePaths(_ json: JSON) throws(JSONError) -> [String] {
        let paths = try json.strings()
        for (i, path) in paths.enumerated() where !path.hasPrefix("/") {
            throw JSONError("\(json.pointer)/\(i)", "'\(path)' is not absolute")
        }
        return paths
    }

    private static func cni(_ json: JSON) throws(JSONError) -> CNISettings {
        let object = try StrictObject(json, known: ["conf_dir", "bin_dirs", "network", "timeout_seconds"])
        var settings = CNISettings()
        if let item = object["conf_dir"] {
            settings.directory = try item.string()
            guard settings.directory.hasPrefix("/") else {
                throw JSONError(item.pointer, "'\(settings.directory)' is not absolute")
            }
        }
        if let item = object["bin_dirs"] {
            settings.programs = try absolutePaths(item)
            if let path = settings.programs.first(where: { $0.contains(":") }) {
                throw JSONError(item.pointer, "'\(path)' has a ':', which separates such directories")
            }
        }
        settings.network = try object["network"]?.string()
        let longest: Int64 = 600
        if let item = object["timeout_seconds"] {
            settings.patience = Int32(try LimitValue.count(item, 1...longest))
        }
        return settings
    }

    private static func check(_ name: String, _ json: JSON) throws(JSONError) {
        guard Volume.isLabel(name) else {
            let rule = "1 to 63 lower-case letters, digits and '-' are allowed, and not '-' at an end"
            throw JSONError(json.pointer, "the name '\(name)': \(rule)")
        }
    }

    private mutating func addTenant(_ name: String, _ json: JSON) throws(JSONError) {
        try Configuration.check(name, json)
        var entry = TenantEntry(name: name)
        entry.changes = try Limits.Changes(json, besides: ["group", "uids"])
        if let item = json["group"] {
            let group = try item.string()
            guard groups.contains(where: { $0.name == group }) else {
                throw JSONError(item.pointer, "there is no group '\(group)'")
            }
            entry.group = group
        }
        for item in try json["uids"]?.items() ?? [] {
            let user = UInt32(clamping: try LimitValue.count(item, 0...Int64(Int32.max)))
            if let other = tenants.first(where: { $0.users.contains(user) })?.name {
                throw JSONError(item.pointer, "user \(user) is tenant \(other)'s already")
            }
            entry.users.append(user)
        }
        tenants.append(entry)
    }

    /// A pod must be able to stop within what the grace is for; of each tenant that there is, and of one that is not named.
    private func checkGraces(_ json: JSON) throws(JSONError) {
        for entry in tenants + [TenantEntry(name: "default")] {
            let limits: Limits
            do throws(PodsError) { limits = try tenant(named: entry.name).limits } catch { continue }
            guard limits.terminationGrace >= limits.grace else { continue }
            let keys: [LimitKey] = [.terminationGrace, .grace]
            let key = keys.first { limits.source(of: $0) != .builtIn } ?? .grace
            let level =
                switch limits.source(of: key) {
                case .builtIn: ""
                case .defaults: "/defaults"
                case .group(let name): "/groups/\(name)"
                case .tenant(let name): "/tenants/\(name)"
                }
            throw JSONError(
                "\(level)/\(key.rawValue)",
                "termination_grace_seconds (\(limits.terminationGrace)) must be less than grace_seconds "
                    + "(\(limits.grace)), of which it is a part; tenant \(entry.name)")
        }
    }
}

extension Limits.Changes {
    /// Reads a level's object, which may have the members `others` too.
    init(_ json: JSON, besides others: [String] = []) throws(JSONError) {
        let object = try StrictObject(json, known: others + LimitKey.allCases.map(\.rawValue))
        for key in LimitKey.allCases {
            guard let item = object[key.rawValue] else { continue }
            if case .null = item.value {
                guard key.mayBeUnlimited else { throw JSONError(item.pointer, "it can't be without limit") }
                values[key] = .unlimited
            } else {
                values[key] = try LimitValue(key, item)
            }
        }
    }
}
