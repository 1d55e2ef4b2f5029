internal import OCI

/// What a CDI device changes in a container's configuration: CDI specification, "OCI Edits".
struct CDIEdits: Sendable {
    private var environment: [String] = []
    private var devices: [DeviceNode] = []
    private var mounts: [Mount] = []
    private var groups: [UInt32] = []
    /// What can't be done for a pod: where it stands, and what it is.
    private var refused: [JSONError] = []

    private struct DeviceNode: Sendable {
        var path: String
        var hostPath: String
        var type: String?
        var major: Int64?
        var minor: Int64?
        var mode: UInt32?
        var access: String
        var user: UInt32?
        var group: UInt32?
    }

    private struct Mount: Sendable {
        var hostPath: String
        var spec: MountSpec
        var isBind: Bool
    }

    /// Reads the object; nil: there is none, and nothing is changed.
    init(_ json: JSON?, _ version: CDIVersion) throws(JSONError) {
        guard let json else { return }
        let object = try StrictObject(
            json, known: ["env", "deviceNodes", "mounts", "hooks", "additionalGids", "intelRdt"])
        for item in try object["env"]?.items() ?? [] {
            let entry = try item.string()
            guard let equals = entry.firstIndex(of: "="), equals != entry.startIndex else {
                throw JSONError(item.pointer, "'\(entry)' is not NAME=VALUE")
            }
            environment.append(entry)
        }
        for item in try object["deviceNodes"]?.items() ?? [] { devices.append(try CDIEdits.device(item, version)) }
        for item in try object["mounts"]?.items() ?? [] { mounts.append(try CDIEdits.mount(item, version)) }
        for item in try object["hooks"]?.items() ?? [] { refused.append(try CDIEdits.hook(item)) }
        if let list = object["additionalGids"] {
            try version.require(0, 7, list, "additionalGids")
            for item in try list.items() {
                let group = try item.integer(UInt32.self)
                if group != 0 { groups.append(group) }
            }
        }
        if let item = object["intelRdt"] {
            try version.require(0, 7, item, "intelRdt")
            refused.append(JSONError(item.pointer, "intelRdt is not supported for pods"))
        }
    }

    private static func device(_ json: JSON, _ version: CDIVersion) throws(JSONError) -> DeviceNode {
        let object = try StrictObject(
            json,
            known: ["path", "hostPath", "type", "major", "minor", "fileMode", "permissions", "uid", "gid"])
        let path = try absolute(try json.required("path"))
        var node = DeviceNode(path: path, hostPath: path, access: "rwm")
        if let item = object["hostPath"] {
            try version.require(0, 5, item, "hostPath")
            node.hostPath = try absolute(item)
        }
        if let item = object["type"] {
            let type = try item.string()
            guard ["b", "c", "u", "p", ""].contains(type) else {
                throw JSONError(item.pointer, "'\(type)' is none of b, c, u, p")
            }
            node.type = type.isEmpty ? nil : type == "u" ? "c" : type
        }
        if let item = object["major"] { node.major = try LimitValue.count(item, 0...0xfff) }
        if let item = object["minor"] { node.minor = try LimitValue.count(item, 0...0xfffff) }
        if let item = object["fileMode"] { node.mode = UInt32(try LimitValue.count(item, 0...0o7777)) }
        if let item = object["permissions"] {
            let text = try item.string()
            guard text == "none" || text.allSatisfy({ "rwm".contains($0) }) else {
                throw JSONError(item.pointer, "'\(text)' has other letters than r, w and m")
            }
            node.access = text == "none" ? "" : text.isEmpty ? "rwm" : text
        }
        node.user = try object["uid"]?.integer(UInt32.self)
        node.group = try object["gid"]?.integer(UInt32.self)
        return node
    }

    private static func mount(_ json: JSON, _ version: CDIVersion) throws(JSONError) -> Mount {
        let object = try StrictObject(json, known: ["hostPath", "containerPath", "type", "options"])
        let source = try json.required("hostPath").string()
        let destination = try absolute(try json.required("containerPath"))
        let type = try object["type"]?.string()
        if let item = object["type"] { try version.require(0, 4, item, "a mount's type") }
        var options = try object["options"]?.strings() ?? []
        let isBind = options.contains("bind") || options.contains("rbind") || [nil, "", "none", "bind"].contains(type)
        if isBind {
            guard source.hasPrefix("/") else {
                throw JSONError(try json.required("hostPath").pointer, "'\(source)' is not absolute")
            }
            if !options.contains("bind"), !options.contains("rbind") { options.append("rbind") }
        }
        return Mount(
            hostPath: source,
            spec: MountSpec(
                destination: destination, type: isBind ? "bind" : type, source: source, options: options),
            isBind: isBind)
    }

    /// A pod of an image has no bundle, which is what hooks of devices look for its files in.
    private static func hook(_ json: JSON) throws(JSONError) -> JSONError {
        _ = try StrictObject(json, known: ["hookName", "path", "args", "env", "timeout"])
        let name = try json.required("hookName"), path = try absolute(try json.required("path"))
        let kinds = Hooks.Kind.allCases.map(\.rawValue)
        guard kinds.contains(try name.string()) else {
            throw JSONError(name.pointer, "'\(try name.string())' is none of " + kinds.joined(separator: ", "))
        }
        return JSONError(
            json.pointer, "the hook \(try name.string()) \(path) can't be run: a pod has no bundle for it to work on")
    }

    private static func absolute(_ json: JSON) throws(JSONError) -> String {
        let path = try json.string()
        guard path.hasPrefix("/") else { throw JSONError(json.pointer, "'\(path)' is not absolute") }
        return path
    }

    /// Makes the changes. `file` and `device` tell whose they are.
    func apply(to spec: inout RuntimeSpec, file: String, device: String) throws(PodsError) {
        if let first = refused.first { throw .cdi(path: file, device: device, first) }
        for entry in environment {
            let name = entry.prefix { $0 != "=" }
            spec.process?.env.removeAll { $0.prefix { $0 != "=" } == name }
            spec.process?.env.append(entry)
        }
        for node in devices {
            var host: HostDevice
            if let type = node.type, type == "p" || node.major != nil && node.minor != nil {
                host = HostDevice(
                    type: type, major: node.major ?? 0, minor: node.minor ?? 0, mode: 0o666, user: 0, group: 0)
            } else {
                host = try HostDevice.at(node.hostPath, file: file)
                if let type = node.type, type != host.type { throw .notADevice(node.hostPath, file: file) }
                host.major = node.major ?? host.major
                host.minor = node.minor ?? host.minor
            }
            host.mode = node.mode ?? host.mode
            host.user = node.user ?? host.user
            host.group = node.group ?? host.group
            spec.add(host, at: node.path, access: node.access)
        }
        for mount in mounts {
            if mount.isBind { try CDIDevices.check(mount.hostPath, file: file) }
            spec.mounts.append(mount.spec)
        }
        for group in groups where spec.process?.user.additionalGids.contains(group) == false {
            spec.process?.user.additionalGids.append(group)
        }
    }
}
