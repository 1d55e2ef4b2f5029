internal import OCI

/// What the configuration says of a node.
struct NodeSettings: Hashable, Sendable {
    /// `arm64` or `amd64`; nil: whatever runs here.
    var architecture: String?
    var isEnabled = true
    /// As cpuset(7) lists them: `0-3,7`; nil: all.
    var processors: String?
    /// Device nodes of the host's, absolute.
    var devices: [String] = []
    /// Each is one pod's at a time.
    var slots: [String] = []
    /// CDI devices, `VENDOR/CLASS=DEVICE`, or `VENDOR/CLASS` for the one that is named like the slot.
    var cdi: [String] = []

    /// Where no configuration says otherwise: the machine itself is the `mpu`, and has no other.
    static func builtIn(_ name: NodeName) -> NodeSettings {
        var settings = NodeSettings()
        settings.isEnabled = name == .mpu
        return settings
    }

    init() {}

    init(_ json: JSON) throws(JSONError) {
        let object = try StrictObject(json, known: ["arch", "enabled", "cpus", "devices", "gpu_slots", "cdi"])
        if let item = object["arch"] { architecture = try NodeSettings.architecture(item) }
        isEnabled = try object["enabled"]?.bool() ?? true
        if let item = object["cpus"] {
            let list = try item.string()
            guard NodeSettings.isProcessorList(list) else {
                throw JSONError(item.pointer, "'\(list)' is not a list of processors such as \"0-3,7\"")
            }
            processors = list
        }
        for item in try object["devices"]?.items() ?? [] {
            let path = try item.string()
            guard path.hasPrefix("/dev/"), !path.split(separator: "/").contains("..") else {
                throw JSONError(item.pointer, "'\(path)' is not a path below /dev")
            }
            devices.append(path)
        }
        for item in try object["gpu_slots"]?.items() ?? [] {
            let slot = try item.string()
            guard CDIName.isDevice(slot) else {
                throw JSONError(
                    item.pointer, "'\(slot)': letters, digits and _ - . are allowed, and the last not at an end")
            }
            guard !slots.contains(slot) else { throw JSONError(item.pointer, "'\(slot)' stands twice") }
            slots.append(slot)
        }
        if let item = object["cdi"] {
            if case .string = item.value { cdi = [try item.string()] } else { cdi = try item.strings() }
            for name in cdi {
                guard CDIName(name) != nil || CDIName.isKind(name) else {
                    throw JSONError(item.pointer, "'\(name)' is neither VENDOR/CLASS nor VENDOR/CLASS=DEVICE")
                }
                guard CDIName(name) != nil || !slots.isEmpty else {
                    throw JSONError(item.pointer, "'\(name)' names no device, and there are no gpu_slots to name one")
                }
            }
        }
    }

    private static func architecture(_ json: JSON) throws(JSONError) -> String {
        switch try json.string() {
        case "arm64", "aarch64": "arm64"
        case "amd64", "x86_64": "amd64"
        default: throw JSONError(json.pointer, "'\(try json.string())' is neither arm64 nor amd64")
        }
    }

    private static func isProcessorList(_ text: String) -> Bool {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { end -> UInt16? in
                end.utf8.allSatisfy { (48...57).contains($0) } ? UInt16(end) : nil
            }
            switch ends.count {
            case 1: return ends[0] != nil
            case 2:
                guard let first = ends[0], let last = ends[1] else { return false }
                return first <= last
            default: return false
            }
        }
    }
}
