internal import OCI

/// A file of the Container Device Interface: what it takes to have a device in a container. From version 0.3.0 of the
/// specification to 1.0.0, which says what 0.8.0 does. Unknown members are refused, and so are those that are younger than
/// the version that the file is of.
struct CDIFile: Sendable {
    let path: String
    let kind: String
    let devices: [Device]
    /// Made with each of its devices.
    let edits: CDIEdits

    struct Device: Sendable {
        let name: String
        let edits: CDIEdits
    }

    init(parsing text: [UInt8], path: String) throws(PodsError) {
        // Whose edits are read, for the error.
        var device: String?
        do throws(JSONError) {
            let json = try JSON(parsing: text)
            let object = try StrictObject(
                json, known: ["cdiVersion", "kind", "annotations", "devices", "containerEdits"])
            let version = try CDIVersion(try json.required("cdiVersion"))
            kind = try CDIFile.kind(try json.required("kind"), version)
            if let notes = object["annotations"] { try CDIFile.check(notes, version) }
            edits = try CDIEdits(object["containerEdits"], version)
            let list = try json.required("devices")
            var devices: [Device] = []
            for item in try list.items() {
                let object = try StrictObject(item, known: ["name", "annotations", "containerEdits"])
                let name = try item.required("name")
                let text = try name.string()
                device = text
                guard CDIName.isDevice(text) else { throw JSONError(name.pointer, "'\(text)' is no device's name") }
                if text.utf8.first.map({ (48...57).contains($0) }) == true {
                    try version.require(0, 5, name, "a name that begins with a digit")
                }
                guard !devices.contains(where: { $0.name == text }) else {
                    throw JSONError(name.pointer, "'\(text)' stands twice")
                }
                if let notes = object["annotations"] { try CDIFile.check(notes, version) }
                devices.append(Device(name: text, edits: try CDIEdits(object["containerEdits"], version)))
            }
            guard !devices.isEmpty else { throw JSONError(list.pointer, "it has no device") }
            self.devices = devices
        } catch { throw .cdi(path: path, device: device, error) }
        self.path = path
    }

    private static func kind(_ json: JSON, _ version: CDIVersion) throws(JSONError) -> String {
        let text = try json.string()
        guard CDIName.isKind(text) else {
            throw JSONError(json.pointer, "'\(text)' is not VENDOR/CLASS, such as nvidia.com/gpu")
        }
        if text.split(separator: "/").last?.contains(".") == true {
            try version.require(0, 6, json, "a dot in the name of a class")
        }
        return text
    }

    private static func check(_ annotations: JSON, _ version: CDIVersion) throws(JSONError) {
        try version.require(0, 6, annotations, "annotations")
        _ = try annotations.stringMap()
    }
}

/// The version of the CDI specification that a file is of.
struct CDIVersion: Sendable {
    private let text: String
    private let number: Int

    init(_ json: JSON) throws(JSONError) {
        text = try json.string()
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { part in
            part.utf8.allSatisfy { (48...57).contains($0) } ? UInt16(part).map(Int.init) : nil
        }
        guard parts.count == 3, let major = parts[0], let minor = parts[1], parts[2] != nil else {
            throw JSONError(json.pointer, "'\(text)' is no version such as 0.8.0")
        }
        number = major * 1000 + minor
        guard (3...8).contains(number) || number == 1000 else {
            throw JSONError(json.pointer, "version \(text) is not one from 0.3.0 to 0.8.0, or 1.0.0")
        }
    }

    /// Refuses `what` at `json` in a file that is older.
    func require(_ major: Int, _ minor: Int, _ json: JSON, _ what: String) throws(JSONError) {
        guard number >= major * 1000 + minor else {
            throw JSONError(json.pointer, "\(what) needs cdiVersion \(major).\(minor).0, and the file says \(text)")
        }
    }
}
