/// How to run an image, and what its layers must unpack to (image-spec, config.md).
package struct ImageConfig: Sendable {
    package let platform: ImagePlatform
    /// RFC 3339, as it was written; nil: unknown.
    package let created: String?
    /// `NAME=value`
    package let environment: [String]
    package let entrypoint: [String]
    package let command: [String]
    /// Absolute or empty.
    package var workingDirectory: String
    /// `user`, `uid`, `user:group`, `uid:gid`; empty: root.
    package var user: String
    /// `SIGTERM` or a number, as it was written; nil: not said.
    package let stopSignal: String?
    /// Paths that should be volumes, in the order of the text.
    package let volumes: [String]
    /// `8080/tcp`, in the order of the text.
    package let exposedPorts: [String]
    package let labels: [String: String]
    /// Digests of the uncompressed layers, the lowest first.
    package let diffIDs: [Digest]

    /// The most strings in one list, and the most bytes in one string.
    package static let limits = (items: 4096, length: 131_072)

    /// Reads a config.
    package init(_ json: JSON) throws(JSONError) {
        platform = try ImagePlatform(json)
        created = try ImageConfig.text(json["created"])
        diffIDs = try ImageConfig.diffIDs(try json.required("rootfs"))
        let settings = json["config"] ?? JSON(.object([]))
        environment = try ImageConfig.list(settings["Env"])
        for (i, variable) in environment.enumerated() where !variable.dropFirst().contains("=") {
            throw JSONError("/config/Env/\(i)", "expected NAME=value")
        }
        entrypoint = try ImageConfig.list(settings["Entrypoint"])
        command = try ImageConfig.list(settings["Cmd"])
        workingDirectory = try ImageConfig.text(settings["WorkingDir"]) ?? ""
        user = try ImageConfig.text(settings["User"]) ?? ""
        stopSignal = try ImageConfig.text(settings["StopSignal"])
        volumes = try ImageConfig.names(settings["Volumes"])
        exposedPorts = try ImageConfig.names(settings["ExposedPorts"])
        var labels: [String: String] = [:]
        if let member = settings["Labels"] {
            _ = try ImageConfig.names(member)
            for (name, value) in try member.stringMap() { labels[name] = value }
        }
        self.labels = labels
    }

    private static func diffIDs(_ rootfs: JSON) throws(JSONError) -> [Digest] {
        let type = try rootfs.required("type")
        guard try type.string() == "layers" else { throw JSONError(type.pointer, "expected layers") }
        // Docker writes null for the empty list.
        guard let list = rootfs["diff_ids"] else { return [] }
        let items = try list.items()
        guard items.count <= ImageManifest.maximumLayers else {
            throw JSONError(list.pointer, "\(items.count) layers are more than \(ImageManifest.maximumLayers)")
        }
        var digests: [Digest] = []
        for item in items { digests.append(try Digest(item)) }
        return digests
    }

    private static func text(_ json: JSON?) throws(JSONError) -> String? {
        guard let json else { return nil }
        let text = try json.string()
        guard text.utf8.count <= limits.length else {
            throw JSONError(json.pointer, "\(text.utf8.count) bytes are more than \(limits.length)")
        }
        guard !text.utf8.contains(0) else { throw JSONError(json.pointer, "has a NUL byte") }
        return text
    }

    private static func list(_ json: JSON?) throws(JSONError) -> [String] {
        guard let json else { return [] }
        var texts: [String] = []
        for item in try bounded(try json.items(), at: json) { if let text = try text(item) { texts.append(text) } }
        return texts
    }

    /// The names of an object's members: sets are written so.
    private static func names(_ json: JSON?) throws(JSONError) -> [String] {
        guard let json else { return [] }
        return try bounded(try json.members(), at: json).map(\.name)
    }

    private static func bounded<Item>(_ items: [Item], at json: JSON) throws(JSONError) -> [Item] {
        guard items.count <= limits.items else {
            throw JSONError(json.pointer, "\(items.count) items are more than \(limits.items)")
        }
        return items
    }
}
