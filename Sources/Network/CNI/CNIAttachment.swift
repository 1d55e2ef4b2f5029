internal import Linux
internal import OCI

/// A pod's part in a network of plugins: what was asked of them and what they have made. It is kept as text, so that it can be
/// taken away as it was made, whatever has become of the configuration, and whoever has died meanwhile.
struct CNIAttachment {
    private let network: CNINetwork
    private let settings: CNISettings
    let ports: [PublishedPort]
    /// What the last plugin that was asked has given.
    private var result: JSON.Value?
    /// All of them have been asked.
    private(set) var isWhole = false

    static let interface = "eth0"

    init(_ network: CNINetwork, _ settings: CNISettings, ports: [PublishedPort]) throws(CNIFailure) {
        self.network = network
        self.settings = settings
        self.ports = ports
        if !ports.isEmpty, !network.plugins.contains(where: CNIAttachment.publishes) {
            throw .noPorts(network: network.name)
        }
        // All that are missing are missed before the first has done anything.
        for json in network.plugins { _ = try plugin(json) }
    }

    // MARK: as text

    init(parsing text: String) throws(JSONError) {
        let json = try JSON(parsing: Array(text.utf8))
        network = try CNINetwork(JSON(try json.required("network").value))
        var settings = CNISettings()
        settings.programs = try json.required("programs").strings()
        settings.patience = try json.required("patience").integer(Int32.self)
        self.settings = settings
        ports = try json.required("ports").strings().compactMap { PublishedPort($0) }
        result = json["result"]?.value
        isWhole = try json.required("whole").bool()
    }

    var text: String {
        JSON.Value.members([
            ("network", network.json), ("programs", .strings(settings.programs)),
            ("patience", .integer(Int64(settings.patience))), ("ports", .strings(ports.map(\.description))),
            ("result", result), ("whole", .bool(isWhole)),
        ]).text()
    }

    // MARK: the plugins

    private static func publishes(_ plugin: JSON) -> Bool {
        (try? plugin["capabilities"]?["portMappings"]?.bool()) == true
    }

    /// What a plugin gets.
    private func configuration(_ plugin: JSON, previous: JSON.Value?) -> JSON.Value {
        let set = ["cniVersion", "name", "prevResult", "runtimeConfig"]
        var members: [(name: String, value: JSON.Value)] = []
        if case .object(let all) = plugin.value { members = all.filter { !set.contains($0.name) } }
        members = [("cniVersion", .string(network.version)), ("name", .string(network.name))] + members
        if CNIAttachment.publishes(plugin), !ports.isEmpty {
            let mappings = ports.map { port in
                JSON.Value.members([
                    ("hostPort", .integer(Int64(port.host))), ("containerPort", .integer(Int64(port.container))),
                    ("protocol", .string(port.transport.rawValue)),
                ])
            }
            members.append(("runtimeConfig", .members([("portMappings", .array(mappings))])))
        }
        if let previous { members.append(("prevResult", previous)) }
        return .object(members)
    }

    /// `space`: the path of the pod's namespace; empty: it is gone.
    private func subject(_ pod: CNIRecord, _ space: String) -> [String] {
        [
            "CNI_CONTAINERID=\(pod.id)", "CNI_NETNS=\(space)", "CNI_IFNAME=\(CNIAttachment.interface)",
            "CNI_ARGS=IgnoreUnknown=true;K8S_POD_NAMESPACE=\(pod.tenant);K8S_POD_NAME=\(pod.name)",
        ]
    }

    private func plugin(_ json: JSON) throws(CNIFailure) -> CNIPlugin {
        let type = (try? json.required("type").string()) ?? ""
        return try CNIPlugin(type, of: network.name, in: settings.programs, patience: settings.patience)
    }

    /// Has all plugins make their parts, each with the result of the one before. `keep` is called after each: to take its part
    /// away, the next one needs that result too.
    mutating func add(
        _ pod: CNIRecord, _ space: String, keep: (CNIAttachment) throws(NetworkError) -> Void
    ) throws(NetworkError) {
        for (i, json) in network.plugins.enumerated() {
            do throws(CNIFailure) {
                let plugin = try plugin(json)
                let said = try plugin.run("ADD", configuration(json, previous: result), subject(pod, space))
                do throws(JSONError) { result = try JSON(parsing: said).value } catch {
                    throw plugin.failure("ADD", "its result can't be read: \(error)")
                }
            } catch { throw .cni(error) }
            isWhole = i == network.plugins.count - 1
            try keep(self)
        }
    }

    /// Has all of them take it away, the last first, whatever each comes to; it does no harm where there is nothing.
    ///
    /// - Throws: the first failure.
    func remove(_ pod: CNIRecord, _ space: String) throws(CNIFailure) {
        var first: CNIFailure?
        for json in network.plugins.reversed() {
            do throws(CNIFailure) { try remove(json, pod, space) } catch { first = first ?? error }
        }
        if let first { throw first }
    }

    /// Twice where it fails: of what was half made some, as Debian's `bridge`, take a part away and fail at the next, which they
    /// then do not look for again.
    private func remove(_ json: JSON, _ pod: CNIRecord, _ space: String) throws(CNIFailure) {
        let plugin = try plugin(json), configuration = configuration(json, previous: result)
        do throws(CNIFailure) { _ = try plugin.run("DEL", configuration, subject(pod, space)) } catch {
            guard case .plugin = error else { throw error }
            _ = try plugin.run("DEL", configuration, subject(pod, space))
        }
    }

    // MARK: what they have made

    /// The pod's address: the first of IPv4.
    func address() throws(CNIFailure) -> IPv4Address {
        let problem: String
        do throws(JSONError) {
            for ip in try JSON(result ?? .null).required("ips").items() {
                let text = try ip.required("address").string()
                if let address = text.split(separator: "/").first.flatMap({ IPv4Address($0) }) { return address }
            }
            problem = "the result has no IPv4 address"
        } catch { problem = "its result can't be used: \(error)" }
        let type = (try? network.plugins.last?.required("type").string()) ?? ""
        throw .plugin(type, network: network.name, command: "ADD", problem)
    }

    /// A resolv.conf(5) of the name servers that the result has; nil: it has none.
    var resolver: String? {
        guard let dns = JSON(result ?? .null)["dns"] else { return nil }
        func texts(_ name: String) -> [String] {
            ((try? dns[name]?.strings()) ?? []).filter { text in
                !text.isEmpty && text.utf8.allSatisfy { (33...126).contains($0) }
            }
        }
        let servers = texts("nameservers")
        if servers.isEmpty { return nil }
        var text = servers.map { "nameserver \($0)\n" }.joined()
        for name in ["search", "options"] {
            let words = texts(name)
            if !words.isEmpty { text += "\(name) \(words.joined(separator: " "))\n" }
        }
        return text
    }
}
