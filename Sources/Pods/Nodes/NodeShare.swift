internal import Linux
internal import OCI

/// What a pod gets of its node.
final class NodeShare: Sendable {
    let profile: NodeProfile
    /// The slot that it has; nil: the node has none.
    let slot: String?
    /// The slot's open lock, which whoever took the slot holds; nil: it is not taken, the pod is only planned.
    let lock: Descriptor?
    private let cdiDirectories: [String]

    init(_ profile: NodeProfile, slot: String?, lock: Descriptor?, cdiDirectories: [String]) {
        self.profile = profile
        self.slot = slot
        self.lock = lock
        self.cdiDirectories = cdiDirectories
    }

    func apply(to spec: inout RuntimeSpec) throws(PodsError) {
        try profile.apply(to: &spec, slot: slot, cdiDirectories: cdiDirectories)
    }
}
