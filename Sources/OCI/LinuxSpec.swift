/// What is Linux's own in a configuration: config-linux.md.
package struct LinuxSpec: Hashable, Sendable {
    package var namespaces: [Namespace] = []
    package var uidMappings: [IdentityMapping] = []
    package var gidMappings: [IdentityMapping] = []
    package var devices: [Device] = []
    package var cgroupsPath: String?
    package var resources = LinuxResources()
    package var seccomp: LinuxSeccomp?
    /// `shared`, `slave`, `private` or `unbindable`, with or without an `r`.
    package var rootfsPropagation: String?
    package var maskedPaths: [String] = []
    package var readonlyPaths: [String] = []
    package var sysctl: [Sysctl] = []
    /// What few configurations have; nil: none of it.
    package var settings: LinuxSettings?

    package init() {}

    package struct Namespace: Hashable, Sendable {
        /// `pid`, `network`, `mount`, `ipc`, `uts`, `user`, `cgroup`, `time`.
        package var type: String
        /// To join; nil: a new one.
        package var path: String?
        package init(type: String, path: String? = nil) {
            self.type = type
            self.path = path
        }
    }

    package struct IdentityMapping: Hashable, Sendable {
        package var containerID: UInt32
        package var hostID: UInt32
        package var size: UInt32

        package init(containerID: UInt32, hostID: UInt32, size: UInt32) {
            self.containerID = containerID
            self.hostID = hostID
            self.size = size
        }
    }

    package struct Device: Hashable, Sendable {
        package var path: String
        /// `c`, `b`, `u` or `p`.
        package var type: String
        package var major: Int64
        package var minor: Int64
        package var fileMode: UInt32?
        package var uid: UInt32
        package var gid: UInt32

        package init(
            path: String, type: String, major: Int64, minor: Int64, fileMode: UInt32?, uid: UInt32, gid: UInt32
        ) {
            self.path = path
            self.type = type
            self.major = major
            self.minor = minor
            self.fileMode = fileMode
            self.uid = uid
            self.gid = gid
        }
    }

    package struct Sysctl: Hashable, Sendable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }
}

extension LinuxSpec {
    /// What there is of namespaces(7).
    package static let namespaceTypes = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]

    init(_ json: JSON) throws(SpecError) {
        do throws(JSONError) {
            for item in try json["namespaces"]?.items() ?? [] { namespaces.append(try Namespace(item)) }
            uidMappings = try IdentityMapping.list(json["uidMappings"])
            gidMappings = try IdentityMapping.list(json["gidMappings"])
            for item in try json["devices"]?.items() ?? [] { devices.append(try Device(item)) }
            cgroupsPath = try json["cgroupsPath"]?.string()
            if let object = json["seccomp"] { seccomp = try LinuxSeccomp(object) }
            rootfsPropagation = try json["rootfsPropagation"]?.string()
            maskedPaths = try json["maskedPaths"]?.strings() ?? []
            readonlyPaths = try json["readonlyPaths"]?.strings() ?? []
            for (key, value) in try json["sysctl"]?.stringMap() ?? [] { sysctl.append(Sysctl(key: key, value: value)) }
            settings = try LinuxSettings(of: json)
        } catch { throw .json(error) }
        if let object = json["resources"] { resources = try LinuxResources(object) }
        try check(json)
    }

    private func check(_ json: JSON) throws(SpecError) {
        let at = json.pointer
        for (i, namespace) in namespaces.enumerated() {
            guard LinuxSpec.namespaceTypes.contains(namespace.type) else {
                throw .invalid(pointer: at + "/namespaces/\(i)/type", rule: "no namespace '\(namespace.type)'")
            }
            // Few are known, so that this is no long search.
            guard !namespaces[..<i].contains(where: { $0.type == namespace.type }) else {
                throw .invalid(pointer: at + "/namespaces/\(i)", rule: "\(namespace.type) stands twice")
            }
            if let path = namespace.path, !path.hasPrefix("/") {
                throw .invalid(pointer: at + "/namespaces/\(i)/path", rule: "'\(path)' is not absolute")
            }
        }
        if let user = namespaces.first(where: { $0.type == "user" }), user.path == nil {
            guard !uidMappings.isEmpty, !gidMappings.isEmpty else {
                throw .invalid(pointer: at, rule: "a new user namespace needs uidMappings and gidMappings")
            }
        }
    }
}

extension LinuxSpec.Namespace {
    fileprivate init(_ json: JSON) throws(JSONError) {
        type = try json.required("type").string()
        path = try json["path"]?.string()
        if path == "" { path = nil }
    }
}

extension LinuxSpec.IdentityMapping {
    static func list(_ json: JSON?) throws(JSONError) -> [LinuxSpec.IdentityMapping] {
        var list: [LinuxSpec.IdentityMapping] = []
        for item in try json?.items() ?? [] { list.append(try LinuxSpec.IdentityMapping(item)) }
        return list
    }

    fileprivate init(_ json: JSON) throws(JSONError) {
        containerID = try json.required("containerID").integer()
        hostID = try json.required("hostID").integer()
        size = try json.required("size").integer()
    }
}

extension LinuxSpec.Device {
    fileprivate init(_ json: JSON) throws(JSONError) {
        path = try json.required("path").string()
        type = try json.required("type").string()
        guard ["c", "b", "u", "p"].contains(type) else { throw try json.required("type").expected("one of c, b, u, p") }
        major = try json["major"]?.integer() ?? 0
        minor = try json["minor"]?.integer() ?? 0
        fileMode = try json["fileMode"]?.integer()
        uid = try json["uid"]?.integer() ?? 0
        gid = try json["gid"]?.integer() ?? 0
    }
}
