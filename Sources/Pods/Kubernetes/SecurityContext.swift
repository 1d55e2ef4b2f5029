/// core/v1 PodSecurityContext: what holds for each of its containers that says nothing else.
struct PodSecurity: Hashable, Sendable {
    struct Sysctl: Hashable, Sendable {
        var name: String
        var value: String
    }

    var user: UInt32?
    var group: UInt32?
    var mustNotBeRoot = false
    var supplementalGroups: [UInt32] = []
    /// Whose the volumes of the pod's own are, and a group of each process.
    var volumeGroup: UInt32?
    var sysctls: [Sysctl] = []
}

/// core/v1 SecurityContext; nil: the pod's, and else the image's.
struct ContainerSecurity: Hashable, Sendable {
    var user: UInt32?
    var group: UInt32?
    var mustNotBeRoot: Bool?
    var isPrivileged = false
    var hasReadOnlyRoot = false
    /// `allowPrivilegeEscalation: true`
    var mayGainPrivileges = false
    /// With `CAP_`; `ALL` stands for all.
    var addedCapabilities: [String] = []
    var droppedCapabilities: [String] = []
}
