internal import Cgroups
internal import Linux
internal import Planning

extension HostFacts {
    /// What planning needs to know of this host, with few system calls.
    static func gather(_ layout: Cgroups.CgroupLayout) throws(SystemError) -> HostFacts {
        #if arch(x86_64)
            let architecture = Architecture.x86_64
        #else
            let architecture = Architecture.arm64
        #endif
        let cgroups: HostFacts.CgroupLayout =
            switch layout.kind {
            case .unified: .unified
            case .legacy, .hybrid:
                .legacy(
                    hierarchies: layout.hierarchies.map { $0.controllers.names.map { $0 == "io" ? "blkio" : $0 } },
                    hybrid: layout.kind == .hybrid)
            }
        return HostFacts(
            cgroups: cgroups, architecture: architecture, lastCapability: Identity.lastCapability,
            capabilities: try Identity.permittedCapabilities(), processors: Processors.count)
    }
}
