internal import Linux
internal import OCI

/// A group for this very process, which then ends with nobody else's. It is left and removed by ``leave()``.
package struct OwnPlace: Sendable {
    private let group: Cgroup

    /// Makes the group `path` and moves this process into it.
    package static func enter(_ path: CgroupPath) throws(CgroupError) -> OwnPlace {
        let owned = try OwnedCgroup(creating: path, in: try CgroupLayout.detect(), LinuxResources())
        // A group of which we are half a member must not be dropped: that would kill us.
        let place = OwnPlace(group: owned.keep())
        do throws(CgroupError) { try place.group.join(Identity.process, unified: true) } catch {
            place.leave()
            throw error
        }
        return place
    }

    /// Removes the group `path` of a process that was killed; one in which there is a process stays.
    package static func removeLeftover(_ path: CgroupPath) {
        guard let layout = try? CgroupLayout.detect() else { return }
        let group = Cgroup(path, in: layout)
        guard (try? group.isPresent()) == true, (try? group.processes().isEmpty) == true else { return }
        try? group.remove()
        group.removeEmptyParents()
    }

    /// To the trees' roots, as far as that is allowed, and removes the group.
    package func leave() {
        let layout = group.layout
        for root in (layout.unifiedMountPoint.map { [$0] } ?? []) + layout.hierarchies.map(\.mountPoint) {
            try? CgroupFile.write("\(root)/cgroup.procs", "\(Identity.process)")
        }
        try? group.remove()
        group.removeEmptyParents()
    }
}
