internal import Containers
internal import Linux

// The containers of a pod, for who names one of them.
extension PodRecord {
    /// A pod of a manifest, accepted now: the one at `index` of `file`.
    package static func accepted(
        _ file: ManifestFile, _ index: Int, _ tenant: Tenant, _ configuration: Configuration, submission: String
    ) throws(PodsError) -> PodRecord {
        let manifest = file.pods[index]
        _ = try EffectiveHostname.of(tenant: tenant.name, pod: manifest.name)
        var request = PodRequest(image: manifest.containers.first?.image ?? "")
        request.tenant = tenant.name
        let second: UInt64 = 1_000_000_000
        request.timeout = manifest.activeDeadline.map { $0 * second }
        if !manifest.hostNamespaces.network {
            request.network = .pod
            for port in manifest.allContainers.flatMap(\.ports) {
                guard let host = port.host else { continue }
                request.ports.append("\(host):\(port.container)/\(port.transport.rawValue)")
            }
        }
        var record = try accepted(manifest.name, request, tenant, submission: submission)
        record.manifest = index
        if let grace = manifest.terminationGrace { record.terminationGrace = grace * 1000 }
        try record.place(on: manifest.node, configuration)
        return record
    }

    /// The name of its container `name`.
    func identifier(of name: String) -> String { "\(id)-\(name)" }

    /// The name of its ``SandboxProcess``, which no container can have.
    var sandboxIdentifier: String { "\(id)._init" }
}

extension PodList.Entry {
    /// The container that `name` names; nil: it is the pod's one container, which has no name.
    func container(_ name: String?) throws(PodsError) -> String? {
        let names = status.containers.map(\.name)
        if record.manifest == nil {
            if let name { throw .noPodContainer(name, pod: record.name, among: []) }
            return nil
        }
        if let name {
            guard names.contains(name) else { throw .noPodContainer(name, pod: record.name, among: names) }
            return name
        }
        let main = status.containers.filter { !$0.isInit }.map(\.name)
        if let only = main.first, main.count == 1 { return only }
        throw .whichContainer(pod: record.name, among: names)
    }

    /// The names of its containers that run.
    var running: [String] {
        if record.manifest == nil { return [record.id] }
        return status.containers.filter(\.isRunning).map { record.identifier(of: $0.name) }
    }

    /// What its containers are made of.
    var images: [String] { record.manifest == nil ? [record.request.image] : status.containers.map(\.image) }

    /// The name of the container that `name` names.
    package func identifier(of name: String?) throws(PodsError) -> String {
        try container(name).map { record.identifier(of: $0) } ?? record.id
    }
}
