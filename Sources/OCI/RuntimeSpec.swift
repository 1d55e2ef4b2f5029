/// A container's configuration, `config.json` of a bundle: runtime-spec 1.3, config.md and config-linux.md.
package struct RuntimeSpec: Hashable, Sendable {
    package var ociVersion = "1.3.0"
    package var root = Root()
    package var process: ProcessSpec?
    package var hostname: String?
    package var domainname: String?
    package var mounts: [MountSpec] = []
    /// More than anybody needs; each is compared with all that follow.
    package static let maximumMounts = 4096
    package var annotations: [Annotation] = []
    package var linux = LinuxSpec()
    /// nil: there are none.
    package var hooks: Hooks?

    package init() {}

    /// The root file system.
    package struct Root: Hashable, Sendable {
        /// Absolute, or relative to the bundle.
        package var path = "rootfs"
        package var readonly = false
        package init() {}
    }

    package struct Annotation: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }
}

extension RuntimeSpec {
    /// Reads and checks a configuration. Unknown properties are ignored, as the specification says.
    package init(decoding json: JSON) throws(SpecError) {
        do throws(JSONError) {
            ociVersion = try json.required("ociVersion").string()
            if let object = json["root"] {
                root.path = try object.required("path").string()
                root.readonly = try object["readonly"]?.bool() ?? false
            }
            hostname = try json["hostname"]?.string()
            domainname = try json["domainname"]?.string()
            for (name, value) in try json["annotations"]?.stringMap() ?? [] {
                annotations.append(Annotation(name: name, value: value))
            }
        } catch { throw .json(error) }
        guard ociVersion.hasPrefix("1.") else {
            throw .invalid(pointer: "/ociVersion", rule: "version '\(ociVersion)' is not 1.x")
        }
        if let object = json["process"] { process = try ProcessSpec(object) }
        do throws(JSONError) {
            let list = try json["mounts"]?.items() ?? []
            guard list.count <= RuntimeSpec.maximumMounts else {
                throw JSONError(
                    "/mounts", "\(list.count) mounts are too many, \(RuntimeSpec.maximumMounts) are the most")
            }
            for item in list { mounts.append(try MountSpec(item)) }
        } catch { throw .json(error) }
        if let object = json["linux"] { linux = try LinuxSpec(object) }
        if let object = json["hooks"] { hooks = try Hooks.read(object) }
        for kind in ["solaris", "windows", "vm", "zos", "freebsd"] where json[kind] != nil {
            throw .unsupported(pointer: "/\(kind)", what: "a configuration for \(kind)")
        }
    }

    /// The default specification, which the build embeds from Rootfs/default-spec.json.
    package static func standard() throws(SpecError) -> RuntimeSpec {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: defaultSpecText.withUTF8Buffer { Array($0) }) } catch {
            throw .json(error)
        }
        return try RuntimeSpec(decoding: json)
    }
}

/// A mount: config.md, "Mounts".
package struct MountSpec: Hashable, Sendable {
    /// Absolute inside the container.
    package var destination: String
    package var type: String?
    package var source: String?
    package var options: [String]
    /// Of an id-mapped mount.
    package var identityMaps: IdentityMaps?

    /// What the owners in the source are in the mount.
    package struct IdentityMaps: Hashable, Sendable {
        package var uid: [LinuxSpec.IdentityMapping]
        package var gid: [LinuxSpec.IdentityMapping]

        package init(uid: [LinuxSpec.IdentityMapping], gid: [LinuxSpec.IdentityMapping]) {
            self.uid = uid
            self.gid = gid
        }
    }

    package init(destination: String, type: String? = nil, source: String? = nil, options: [String] = []) {
        self.destination = destination
        self.type = type
        self.source = source
        self.options = options
    }

    fileprivate init(_ json: JSON) throws(JSONError) {
        // Relative destinations are old configurations'; the specification has them start at the root.
        let path = try json.required("destination").string()
        destination = path.hasPrefix("/") ? path : "/" + path
        type = try json["type"]?.string()
        source = try json["source"]?.string()
        options = try json["options"]?.strings() ?? []
        let uid = json["uidMappings"], gid = json["gidMappings"]
        if uid != nil || gid != nil {
            identityMaps = IdentityMaps(
                uid: try LinuxSpec.IdentityMapping.list(uid), gid: try LinuxSpec.IdentityMapping.list(gid))
        }
    }
}
