internal import OCI

// Limits of block devices, network and RDMA.
extension CgroupSettings {
    mutating func addRare(_ rare: LinuxResources.Rare) throws(CgroupError) {
        if let blockIO = rare.blockIO { try addBlockIO(blockIO) }
        try addNetwork(rare)
        for row in rare.rdma {
            guard isWord(row.device) else {
                throw .invalidValue(property: "rdma", value: "'\(row.device)'", reason: "not the name of a device")
            }
            let limits = [row.handles.map { "hca_handle=\($0)" }, row.objects.map { "hca_object=\($0)" }]
            let value = ([row.device] + limits.compactMap { $0 }).joined(separator: " ")
            add("rdma", .rdma, isLegacy(.rdma) ? .v1 : .v2, "rdma.max", value)
        }
    }

    /// No blank and no newline: it stands in a line with others.
    private func isWord(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } }

    private mutating func addNetwork(_ rare: LinuxResources.Rare) throws(CgroupError) {
        for (property, controller, isWanted) in [
            ("network.classID", CgroupControllers.networkClass, rare.classID != nil),
            ("network.priorities", .networkPriority, !rare.priorities.isEmpty),
        ] where isWanted && !isLegacy(controller) {
            throw .missingController(property: property, controller)
        }
        if let classID = rare.classID {
            add("network.classID", .networkClass, .v1, "net_cls.classid", "\(classID)")
        }
        for (name, priority) in rare.priorities {
            guard isWord(name) else {
                throw .invalidValue(
                    property: "network.priorities", value: "'\(name)'", reason: "not the name of an interface")
            }
            add("network.priorities", .networkPriority, .v1, "net_prio.ifpriomap", "\(name) \(priority)")
        }
    }

    // MARK: block devices

    private mutating func addBlockIO(_ blockIO: LinuxResources.BlockIO) throws(CgroupError) {
        let isV1 = isLegacy(.io)
        if let weight = blockIO.weight, weight != 0 {
            try check(weight, "blockIO.weight")
            addWeight("blockIO.weight", "\(weight)", "\(Self.ioWeight(of: weight))", isV1: isV1)
        }
        if let weight = blockIO.leafWeight, weight != 0 {
            try addLeafWeight(weight, "", isV1: isV1)
        }
        for row in blockIO.weights {
            if let weight = row.weight, weight != 0 {
                try check(weight, "blockIO.weightDevice")
                addDeviceWeight("\(row.device) ", weight, isV1: isV1)
            }
            if let weight = row.leafWeight, weight != 0 {
                try addLeafWeight(weight, "\(row.device) ", isV1: isV1)
            }
        }
        for row in blockIO.rates { addRate(row, isV1: isV1) }
    }

    private func check(_ weight: UInt16, _ property: String) throws(CgroupError) {
        guard (10...1000).contains(weight) else {
            throw .invalidValue(property: property, value: "\(weight)", reason: "not in 10 to 1000")
        }
    }

    /// BFQ has a file of its own, and without it the older scheduler's, or v2's iocost is asked.
    private mutating func addWeight(_ property: String, _ weight: String, _ v2Weight: String, isV1: Bool) {
        if isV1 {
            add(
                property, .io, .v1, "blkio.weight", weight,
                otherwise: .write(file: "blkio.bfq.weight", value: weight))
        } else {
            add(
                property, .io, .v2, "io.bfq.weight", weight, otherwise: .write(file: "io.weight", value: v2Weight))
        }
    }

    private mutating func addDeviceWeight(_ device: String, _ weight: UInt16, isV1: Bool) {
        let property = "blockIO.weightDevice", plain = device + "\(weight)"
        if isV1 {
            add(
                property, .io, .v1, "blkio.weight_device", plain,
                otherwise: .write(file: "blkio.bfq.weight_device", value: plain))
        } else {
            let other = device + "\(Self.ioWeight(of: weight))"
            add(property, .io, .v2, "io.bfq.weight", plain, otherwise: .write(file: "io.weight", value: other))
        }
    }

    private mutating func addLeafWeight(_ weight: UInt16, _ device: String, isV1: Bool) throws(CgroupError) {
        let property = device.isEmpty ? "blockIO.leafWeight" : "blockIO.weightDevice.leafWeight"
        guard isV1 else { throw .unsupported(property: property, reason: "cgroup v2 has no such setting") }
        try check(weight, property)
        let file = device.isEmpty ? "blkio.leaf_weight" : "blkio.leaf_weight_device"
        add(property, .io, .v1, file, device + "\(weight)")
    }

    private mutating func addRate(_ row: LinuxResources.DeviceRate, isV1: Bool) {
        let (property, file): (String, String) =
            switch row.limit {
            case .rbps: ("blockIO.throttleReadBpsDevice", "read_bps_device")
            case .wbps: ("blockIO.throttleWriteBpsDevice", "write_bps_device")
            case .riops: ("blockIO.throttleReadIOPSDevice", "read_iops_device")
            case .wiops: ("blockIO.throttleWriteIOPSDevice", "write_iops_device")
            }
        if isV1 {
            add(property, .io, .v1, "blkio.throttle." + file, "\(row.device) \(row.rate)")
        } else {
            // v1 says 0 for no limit.
            let rate = row.rate == 0 ? "max" : "\(row.rate)"
            add(property, .io, .v2, "io.max", "\(row.device) \(row.limit.rawValue)=\(rate)")
        }
    }

    /// The weight of v2's `io.weight` (1 to 10000) of one of v1 (10 to 1000): a straight line, as runc and crun have it.
    static func ioWeight(of weight: UInt16) -> UInt64 { 1 + (UInt64(max(weight, 10)) - 10) * 9999 / 990 }
}
