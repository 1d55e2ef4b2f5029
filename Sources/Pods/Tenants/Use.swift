package import Containers
internal import Glibc
package import Images
internal import Linux
package import OCI

/// What a tenant's live pods have in use together.
package struct Use: Hashable, Sendable {
    package var pods = 0
    /// Bytes.
    package var memory: Int64 = 0
    /// Microseconds of live pods' processor time.
    package var processorTime: Int64 = 0
    /// Processes and threads.
    package var pids: Int64 = 0
    /// What they have written outside their volumes, in bytes on the disk.
    package var writableLayers: Int64 = 0
    /// The nodes' slots and who has them, whichever tenant's.
    package var slots: [Slot] = []

    /// A slot of a node.
    package struct Slot: Hashable, Sendable {
        package let node: NodeName
        package let name: String
        /// nil: it is free.
        package let holder: DeviceSlot.Holder?

        var json: JSON.Value {
            .object([
                ("node", .string(node.rawValue)), ("slot", .string(name)),
                ("tenant", holder.map { .string($0.tenant) } ?? .null),
                ("pod", holder.map { .string($0.pod) } ?? .null),
            ])
        }
    }

    /// Nothing.
    package init() {}

    /// Counts it by what can be seen: a pod of the tenant's is a container whose command holds a volume of the tenant's, or
    /// one that has a supervisor and has not ended.
    package static func count(
        _ tenant: String, _ configuration: Configuration, in root: borrowing RuntimeRoot, store: ImageStore
    ) throws(PodsError) -> Use {
        var holders: Set<Int32> = []
        for volume in try Volume.all(of: tenant, in: store) { holders.formUnion(try volume.users(in: store)) }
        let live = Set(
            try PodList(of: root, store: store.path).entries(tenant: tenant).filter { !$0.status.isFinal }
                .map(\.record.id))
        let all: [ContainerUse]
        do throws(ContainersError) { all = try root.uses() } catch { throw .containers(error) }
        var use = Use()
        for container in all
        where container.runtime.map(holders.contains) == true || live.contains(container.identifier) {
            use.add(container)
        }
        for name in NodeName.allCases {
            let node = try configuration.node(name.rawValue)
            let taken = try DeviceSlot.taken(of: node, in: root)
            for slot in node.slots {
                use.slots.append(Slot(node: name, name: slot, holder: taken.first { $0.slot == slot }))
            }
        }
        return use
    }

    /// Adds a pod of one container.
    package mutating func add(_ container: ContainerUse) {
        pods += 1
        memory = memory.adding(Int64(clamping: container.memory ?? 0))
        processorTime = processorTime.adding(Int64(clamping: container.processorTime ?? 0))
        pids = pids.adding(Int64(clamping: container.pids ?? 0))
        for path in container.directories {
            guard let directory = try? Descriptor.workingDirectory.open(path, O_RDONLY | O_DIRECTORY),
                let size = try? FileTree.size(of: directory.view)
            else { continue }
            writableLayers = writableLayers.adding(size.allocated)
        }
    }

    /// Of a limit; nil: nothing is counted for it.
    package func of(_ key: LimitKey) -> Int64? {
        switch key {
        case .memory: memory
        case .cpus: processorTime
        case .pids: pids
        case .writableLayer: writableLayers
        case .maximumPods: Int64(pods)
        default: nil
        }
    }
}

extension Tenant {
    /// Each limit with its value, its source and what is in use; nil: that is not known.
    package func json(_ use: Use?, _ configuration: Configuration) -> JSON.Value {
        let rows = LimitKey.allCases.map { key -> (name: String, value: JSON.Value) in
            let members: [(String, JSON.Value?)] = [
                ("value", limits[key].json(of: key)), ("source", .string("\(limits.source(of: key))")),
                (key == .cpus ? "used_microseconds" : "use", use?.of(key).map { .integer($0) }),
            ]
            return (key.rawValue, .members(members))
        }
        return .members([
            ("tenant", .string(name)), ("group", group.map { .string($0) }),
            ("configuration", configuration.isPresent ? .string(configuration.path) : nil),
            ("limits", .object(rows)), ("slots", use.map { .array($0.slots.map(\.json)) }),
        ])
    }
}
