package import Linux
package import OCI

/// A group that this process has made. Dropped, it is killed and removed, with the groups above that were made for it
/// and are empty; ``keep()`` lets it live on.
package struct OwnedCgroup: ~Copyable {
    /// Its name, for all that can be done with a group.
    package let view: Cgroup
    private let births: Births
    private let devices: [DeviceRule]

    /// Makes the group `path` in the trees of `layout` that it needs, and applies the limits of `settings` before any
    /// process is in: the v2 tree, on v1 the controllers that every container joins and those of its limits. Devices
    /// are free until ``restrictDevices()``. An empty group that was
    /// left over there is replaced; one with processes, or of another launch that has not filled it yet, is
    /// ``CgroupError/occupied(path:)``. On an error nothing is left. `owner` is for ``Cgroup/removeLeftover(of:)``.
    /// `begun` tells whether ``Cgroup/claimDirectory`` was made for this group already, and throws what mkdir(2) said.
    package init(
        creating path: CgroupPath, in layout: CgroupLayout, _ settings: CgroupSettings, owner: String? = nil,
        begun: (String) throws(SystemError) -> Bool = { _ in false }
    ) throws(CgroupError) {
        var wanted = CgroupControllers.alwaysJoined.union(settings.controllers)
        // The v2 tree freezes and kills; without it v1's freezer does.
        if layout.unifiedMountPoint == nil { wanted.formUnion(.freezer) }
        let hierarchies = layout.hierarchies.filter { !$0.controllers.isDisjoint(with: wanted) }
        let group = Cgroup(path, in: layout, hierarchies: hierarchies)
        let births = Births(group, owner: owner)
        do throws(CgroupError) {
            try births.makeAll(settings, begun: begun)
        } catch {
            births.undo()
            throw error
        }
        self.view = group
        self.births = births
        devices = settings.devices
    }

    /// The same from config.json's limits.
    package init(
        creating path: CgroupPath, in layout: CgroupLayout, _ resources: LinuxResources, owner: String? = nil,
        begun: (String) throws(SystemError) -> Bool = { _ in false }
    ) throws(CgroupError) {
        try self.init(
            creating: path, in: layout, CgroupSettings(resources, legacy: layout.legacyControllers), owner: owner,
            begun: begun)
    }

    deinit { births.undo() }

    /// Puts the device rules that the group was made with into force, on processes that are in it too. A step of its
    /// own: the kernel takes half a millisecond to check the program, and a child can be at work meanwhile.
    package func restrictDevices() throws(CgroupError) {
        if !devices.isEmpty { try births.restrictDevices(devices) }
    }

    /// The directory in the v2 tree for `CLONE_INTO_CGROUP`; nil on a host with v1 alone.
    package var v2Directory: Descriptor? { births.unifiedDirectory }

    /// Lets the group live on without this value.
    package consuming func keep() -> Cgroup {
        births.forget()
        return view
    }
}
