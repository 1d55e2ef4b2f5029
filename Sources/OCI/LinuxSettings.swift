/// Of config-linux.md what few configurations have.
package struct LinuxSettings: Hashable, Sendable {
    package var timeOffsets: TimeOffsets?
    package var personality: Personality?
    package var memoryPolicy: MemoryPolicy?
    /// Interfaces of the host that become the container's.
    package var netDevices: [NetDevice] = []
    package var intelRdt: IntelRdt?
    /// The SELinux context of the files in the container's mounts.
    package var mountLabel: String?

    package init() {}

    /// time_namespaces(7).
    package struct TimeOffsets: Hashable, Sendable {
        package var monotonic: Offset?
        package var boottime: Offset?

        package struct Offset: Hashable, Sendable {
            package var seconds: Int64
            package var nanoseconds: UInt32
            package init(seconds: Int64, nanoseconds: UInt32) {
                self.seconds = seconds
                self.nanoseconds = nanoseconds
            }
        }

        package init(monotonic: Offset? = nil, boottime: Offset? = nil) {
            self.monotonic = monotonic
            self.boottime = boottime
        }
    }

    /// personality(2).
    package struct Personality: Hashable, Sendable {
        /// `LINUX` or `LINUX32`.
        package var domain: String
        /// The specification knows none.
        package var flags: [String]

        package init(domain: String, flags: [String] = []) {
            self.domain = domain
            self.flags = flags
        }
    }

    /// set_mempolicy(2).
    package struct MemoryPolicy: Hashable, Sendable {
        /// `MPOL_*`.
        package var mode: String
        /// `0-3,7`
        package var nodes: String
        /// `MPOL_F_*`.
        package var flags: [String]

        package init(mode: String, nodes: String = "", flags: [String] = []) {
            self.mode = mode
            self.nodes = nodes
            self.flags = flags
        }
    }

    package struct NetDevice: Hashable, Sendable {
        /// In the runtime's network namespace.
        package var hostName: String
        /// In the container's.
        package var name: String

        package init(hostName: String, name: String) {
            self.hostName = hostName
            self.name = name
        }
    }

    /// A class of service of the kernel's resctrl file system.
    package struct IntelRdt: Hashable, Sendable {
        /// nil: a class of the container's own.
        package var closID: String?
        package var schemata: [String] = []
        package var l3CacheSchema: String?
        package var memBwSchema: String?
        package var enableMonitoring = false

        package init() {}
    }
}

extension LinuxSettings {
    /// nil: the object /linux `json` has none of them.
    init?(of json: JSON) throws(JSONError) {
        let offsets = json["timeOffsets"], personality = json["personality"], policy = json["memoryPolicy"]
        let devices = json["netDevices"], rdt = json["intelRdt"], label = try json.label("mountLabel")
        guard
            offsets != nil || personality != nil || policy != nil || devices != nil || rdt != nil || label != nil
        else { return nil }
        mountLabel = label
        if let offsets { timeOffsets = try TimeOffsets(offsets) }
        if let personality {
            self.personality = Personality(
                domain: try personality.required("domain").string(), flags: try personality["flags"]?.strings() ?? [])
        }
        if let policy {
            memoryPolicy = MemoryPolicy(
                mode: try policy.required("mode").string(), nodes: try policy["nodes"]?.string() ?? "",
                flags: try policy["flags"]?.strings() ?? [])
        }
        if let devices { netDevices = try NetDevice.list(devices) }
        if let rdt { intelRdt = try IntelRdt(rdt) }
    }
}

extension LinuxSettings.TimeOffsets {
    fileprivate init(_ json: JSON) throws(JSONError) {
        // Another clock has no offset: the kernel would not take it.
        for member in try json.members() where member.name != "monotonic" && member.name != "boottime" {
            throw JSONError(json.pointer + "/" + member.name, "only the clocks monotonic and boottime have offsets")
        }
        if let clock = json["monotonic"] { monotonic = try Offset(clock) }
        if let clock = json["boottime"] { boottime = try Offset(clock) }
    }
}

extension LinuxSettings.TimeOffsets.Offset {
    fileprivate init(_ json: JSON) throws(JSONError) {
        seconds = try json["secs"]?.integer() ?? 0
        nanoseconds = try json["nanosecs"]?.integer() ?? 0
        guard nanoseconds < 1_000_000_000 else {
            throw JSONError(json.pointer + "/nanosecs", "\(nanoseconds) is a second or more")
        }
    }
}

extension LinuxSettings.NetDevice {
    fileprivate static func list(_ json: JSON) throws(JSONError) -> [LinuxSettings.NetDevice] {
        var list: [LinuxSettings.NetDevice] = []
        for member in try json.members() {
            let at = json.pointer + "/" + member.name
            let name = try json[member.name]?.label("name") ?? member.name
            for text in [member.name, name] where !isName(text) {
                throw JSONError(at, "'\(text)' can't be the name of a network interface")
            }
            list.append(LinuxSettings.NetDevice(hostName: member.name, name: name))
        }
        return list
    }

    /// As the kernel has it: 1 to 15 bytes, no slash, colon or space, not `.` or `..`.
    private static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...15).contains(bytes.count) && text != "." && text != ".."
            && bytes.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    }
}

extension LinuxSettings.IntelRdt {
    fileprivate init(_ json: JSON) throws(JSONError) {
        closID = try json.label("closID")
        schemata = try json["schemata"]?.strings() ?? []
        l3CacheSchema = try json.label("l3CacheSchema")
        memBwSchema = try json.label("memBwSchema")
        enableMonitoring = try json["enableMonitoring"]?.bool() ?? false
        if let closID, closID != "/" {
            let isName =
                closID != "." && closID != ".." && !closID.utf8.contains { $0 == 0x2f || $0 == 0x0a || $0 == 0 }
            guard isName else { throw JSONError(json.pointer + "/closID", "'\(closID)' is not the name of a class") }
        }
        for text in schemata + [l3CacheSchema, memBwSchema].compactMap({ $0 }) where text.utf8.contains(0x0a) {
            throw JSONError(json.pointer, "a line of a schemata file can't have a newline")
        }
        if let memBwSchema, !memBwSchema.hasPrefix("MB:") {
            throw JSONError(json.pointer + "/memBwSchema", "it does not begin with 'MB:'")
        }
    }
}
