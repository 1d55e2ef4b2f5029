extension LinuxResources {
    /// Limits that few configurations have: of block devices, network and RDMA.
    package struct Rare: Hashable, Sendable {
        package var blockIO: BlockIO?
        /// `network.classID`: the class of the packets, v1 alone.
        package var classID: UInt32?
        /// `network.priorities`: of the packets by interface, v1 alone.
        package var priorities: [(name: String, priority: UInt32)] = []
        package var rdma: [RDMA] = []

        package init() {}

        package static func == (a: Rare, b: Rare) -> Bool {
            a.blockIO == b.blockIO && a.classID == b.classID && a.rdma == b.rdma
                && a.priorities.elementsEqual(b.priorities) { $0 == $1 }
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(blockIO)
            hasher.combine(classID)
            hasher.combine(rdma)
        }
    }

    package struct BlockIO: Hashable, Sendable {
        /// 10 to 1000, as all weights here.
        package var weight: UInt16?
        package var leafWeight: UInt16?
        package var weights: [DeviceWeight] = []
        package var rates: [DeviceRate] = []

        package init() {}

        /// Engines send an object of zeros where nothing is limited.
        var isEmpty: Bool { weight == nil && leafWeight == nil && weights.isEmpty && rates.isEmpty }
    }

    package struct BlockDevice: Hashable, Sendable, CustomStringConvertible {
        package var major: UInt32
        package var minor: UInt32

        package init(major: UInt32, minor: UInt32) {
            self.major = major
            self.minor = minor
        }

        /// `8:16`
        package var description: String { "\(major):\(minor)" }
    }

    package struct DeviceWeight: Hashable, Sendable {
        package var device: BlockDevice
        package var weight: UInt16?
        package var leafWeight: UInt16?

        package init(device: BlockDevice, weight: UInt16?, leafWeight: UInt16?) {
            self.device = device
            self.weight = weight
            self.leafWeight = leafWeight
        }
    }

    package struct DeviceRate: Hashable, Sendable {
        /// With the word of v2's `io.max`: bytes, or operations, a second.
        package enum Limit: String, Hashable, Sendable, CaseIterable { case rbps, wbps, riops, wiops }
        package var limit: Limit
        package var device: BlockDevice
        package var rate: UInt64

        package init(limit: Limit, device: BlockDevice, rate: UInt64) {
            self.limit = limit
            self.device = device
            self.rate = rate
        }
    }

    package struct RDMA: Hashable, Sendable {
        package var device: String
        package var handles: UInt32?
        package var objects: UInt32?

        package init(device: String, handles: UInt32?, objects: UInt32?) {
            self.device = device
            self.handles = handles
            self.objects = objects
        }
    }
}

extension LinuxResources.Rare {
    /// nil: the resources `json` have none of them.
    init?(of json: JSON) throws(JSONError) {
        let blockIO = json["blockIO"], network = json["network"], rdma = json["rdma"]
        guard blockIO != nil || network != nil || rdma != nil else { return nil }
        if let blockIO {
            let limits = try LinuxResources.BlockIO(blockIO)
            if !limits.isEmpty { self.blockIO = limits }
        }
        classID = try network?["classID"]?.integer()
        for item in try network?["priorities"]?.items() ?? [] {
            priorities.append((try item.required("name").string(), try item.required("priority").integer()))
        }
        for member in try rdma?.members() ?? [] {
            let handles: UInt32? = try member.value["hcaHandles"]?.integer()
            let objects: UInt32? = try member.value["hcaObjects"]?.integer()
            guard handles != nil || objects != nil else {
                throw JSONError(member.value.pointer, "neither hcaHandles nor hcaObjects is there")
            }
            self.rdma.append(LinuxResources.RDMA(device: member.name, handles: handles, objects: objects))
        }
        if self.blockIO == nil && classID == nil && priorities.isEmpty && self.rdma.isEmpty { return nil }
    }
}

extension LinuxResources.BlockIO {
    fileprivate init(_ json: JSON) throws(JSONError) {
        weight = try json["weight"]?.weight()
        leafWeight = try json["leafWeight"]?.weight()
        for item in try json["weightDevice"]?.items() ?? [] {
            guard item["weight"] != nil || item["leafWeight"] != nil else {
                throw JSONError(item.pointer, "neither weight nor leafWeight is there")
            }
            let row = LinuxResources.DeviceWeight(
                device: try LinuxResources.BlockDevice(item), weight: try item["weight"]?.weight(),
                leafWeight: try item["leafWeight"]?.weight())
            if row.weight != nil || row.leafWeight != nil { weights.append(row) }
        }
        let lists: [(LinuxResources.DeviceRate.Limit, String)] = [
            (.rbps, "throttleReadBpsDevice"), (.wbps, "throttleWriteBpsDevice"), (.riops, "throttleReadIOPSDevice"),
            (.wiops, "throttleWriteIOPSDevice"),
        ]
        for (limit, name) in lists {
            for item in try json[name]?.items() ?? [] {
                rates.append(
                    LinuxResources.DeviceRate(
                        limit: limit, device: try LinuxResources.BlockDevice(item),
                        rate: try item.required("rate").integer()))
            }
        }
    }
}

extension JSON {
    /// nil: 0, which is what engines write for "not set".
    fileprivate func weight() throws(JSONError) -> UInt16? {
        let number = try integer(UInt16.self)
        return number == 0 ? nil : number
    }
}

extension LinuxResources.BlockDevice {
    fileprivate init(_ json: JSON) throws(JSONError) {
        major = try json.required("major").integer()
        minor = try json.required("minor").integer()
    }
}
