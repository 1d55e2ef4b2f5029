/// Limits of a container's cgroup: config-linux.md, "Control groups".
package struct LinuxResources: Hashable, Sendable {
    /// A row of the device list; the last row that fits decides.
    package struct DeviceRule: Hashable, Sendable {
        package var allow: Bool
        /// `a` (all), `b` (block) or `c` (character).
        package var type: Character
        /// nil: every number.
        package var major: Int64?
        package var minor: Int64?
        /// Of `r`, `w` and `m` (mknod).
        package var access: String

        package init(
            allow: Bool, type: Character = "a", major: Int64? = nil, minor: Int64? = nil, access: String = "rwm"
        ) {
            self.allow = allow
            self.type = type
            self.major = major
            self.minor = minor
            self.access = access
        }
    }

    /// Bytes; -1: no limit.
    package struct Memory: Hashable, Sendable {
        package var limit: Int64?
        package var reservation: Int64?
        /// Memory and swap together.
        package var swap: Int64?
        /// 0 to 100, v1 alone.
        package var swappiness: Int64?
        package var disableOOMKiller: Bool?
        /// v1 alone, as the next two.
        package var kernel: Int64?
        package var kernelTCP: Int64?
        package var useHierarchy: Bool?
        /// A limit below what is used is refused.
        package var checkBeforeUpdate: Bool?

        package init() {}
    }

    package struct CPU: Hashable, Sendable {
        package var shares: UInt64?
        /// Microseconds of processor time in each `period`.
        package var quota: Int64?
        package var burst: UInt64?
        /// Microseconds.
        package var period: UInt64?
        package var realtimeRuntime: Int64?
        package var realtimePeriod: UInt64?
        /// As cpuset(7) lists them: `0-3,7`.
        package var cpus: String?
        package var mems: String?
        package var idle: Int64?
        /// Whether the configuration has the object, be it empty: it stands for two subsystems, cpu and cpuset.
        package var isNamed = false

        package init() {}
    }

    package var devices: [DeviceRule] = []
    package var memory = Memory()
    package var cpu = CPU()
    /// The most processes; -1: no limit.
    package var pids: Int64?
    package var hugepageLimits: [(pageSize: String, limit: UInt64)] = []
    /// Files of the v2 group, name and text.
    package var unified: [(name: String, value: String)] = []
    /// What few configurations limit; nil: none of it.
    package var rare: Rare?

    package init() {}

    package static func == (a: LinuxResources, b: LinuxResources) -> Bool {
        a.devices == b.devices && a.memory == b.memory && a.cpu == b.cpu && a.pids == b.pids && a.rare == b.rare
            && a.hugepageLimits.elementsEqual(b.hugepageLimits) { $0 == $1 }
            && a.unified.elementsEqual(b.unified) { $0 == $1 }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(devices)
        hasher.combine(memory)
        hasher.combine(cpu)
        hasher.combine(pids)
    }
}

extension LinuxResources.CPU {
    /// Whether the container has a group of its own in cpuset too. Where nothing is said of processors, the one that the
    /// runtime is in does as well, and a move is saved.
    package var namesSets: Bool { isNamed || cpus ?? "" != "" || mems ?? "" != "" }
}

extension LinuxResources {
    /// Reads the object `json`.
    package init(_ json: JSON) throws(SpecError) {
        do throws(JSONError) {
            for item in try json["devices"]?.items() ?? [] { devices.append(try DeviceRule(item)) }
            if let object = json["memory"] { memory = try Memory(object) }
            if let object = json["cpu"] { cpu = try CPU(object) }
            pids = try json["pids"]?["limit"]?.integer()
            for item in try json["hugepageLimits"]?.items() ?? [] {
                hugepageLimits.append((try item.required("pageSize").string(), try item.required("limit").integer()))
            }
            unified = try json["unified"]?.stringMap() ?? []
            rare = try Rare(of: json)
        } catch { throw .json(error) }
    }
}

extension LinuxResources.DeviceRule {
    fileprivate init(_ json: JSON) throws(JSONError) {
        self.init(allow: try json.required("allow").bool())
        if let item = json["type"] {
            guard let letter = try item.string().first, "abcup".contains(letter), try item.string().count == 1 else {
                throw item.expected("one of a, b, c, u")
            }
            type = letter == "u" ? "c" : letter
        }
        major = try json["major"]?.integer()
        minor = try json["minor"]?.integer()
        if let number = major, number < 0 { major = nil }
        if let number = minor, number < 0 { minor = nil }
        if let item = json["access"] {
            access = try item.string()
            guard access.allSatisfy({ "rwm".contains($0) }) else { throw item.expected("letters of rwm") }
        }
    }
}

extension LinuxResources.Memory {
    fileprivate init(_ json: JSON) throws(JSONError) {
        limit = try json["limit"]?.integer()
        reservation = try json["reservation"]?.integer()
        swap = try json["swap"]?.integer()
        swappiness = try json["swappiness"]?.integer()
        disableOOMKiller = try json["disableOOMKiller"]?.bool()
        kernel = try json["kernel"]?.integer()
        kernelTCP = try json["kernelTCP"]?.integer()
        useHierarchy = try json["useHierarchy"]?.bool()
        checkBeforeUpdate = try json["checkBeforeUpdate"]?.bool()
    }
}

extension LinuxResources.CPU {
    fileprivate init(_ json: JSON) throws(JSONError) {
        shares = try json["shares"]?.integer()
        quota = try json["quota"]?.integer()
        burst = try json["burst"]?.integer()
        period = try json["period"]?.integer()
        realtimeRuntime = try json["realtimeRuntime"]?.integer()
        realtimePeriod = try json["realtimePeriod"]?.integer()
        cpus = try json["cpus"]?.string()
        mems = try json["mems"]?.string()
        idle = try json["idle"]?.integer()
        isNamed = true
    }
}
