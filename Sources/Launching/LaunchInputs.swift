package import Cgroups
package import Linux
package import OCI

/// What a plan refers to and does not hold.
package struct LaunchInputs: ~Copyable {
    /// The detached mount of the root file system.
    package var root: OwnedDescriptor
    /// The filter as `struct sock_filter`s, and the flags of seccomp(2).
    package var seccomp: [UInt8]
    package var seccompFlags: UInt64
    /// Where the container's cgroup is made, and its limits; nil: the launch goes without.
    package var cgroup: (layout: CgroupLayout, path: CgroupPath, resources: LinuxResources)?
    /// What the group is marked with, see `OwnedCgroup`.
    package var cgroupMark: String?
    package var lastCapability: UInt32
    /// Of `LaunchHelper.begin(for:)` with the same plan.
    package var helper: LaunchHelper?
    /// The group that the child joins, where the plan makes none.
    package var joining: Cgroup?
    /// Where a plan that parks its child can be started from.
    package var parking: ParkedLaunch.Place?
    /// A socket that takes the terminal of a plan that makes one.
    package var console: OwnedDescriptor?
    /// Who runs the plan's hooks, where it has any.
    package var hooks: (any HookHost)?
    /// Where the filter's listener goes, where it has one.
    package var listener: FilterListener?
    /// A file that takes the end of the command, where the plan has an init.
    package var exitRecord: OwnedDescriptor?
    /// What the plan's init keeps open; the caller holds it until the launch is over.
    package var lock: Descriptor?

    package init(
        root: consuming OwnedDescriptor, helper: LaunchHelper? = nil, seccomp: [UInt8] = [], seccompFlags: UInt64 = 0,
        cgroup: (layout: CgroupLayout, path: CgroupPath, resources: LinuxResources)?, cgroupMark: String? = nil,
        lastCapability: UInt32, joining: Cgroup? = nil, parking: consuming ParkedLaunch.Place? = nil,
        console: consuming OwnedDescriptor? = nil, hooks: (any HookHost)? = nil, listener: FilterListener? = nil,
        exitRecord: consuming OwnedDescriptor? = nil
    ) {
        self.root = root
        self.helper = helper
        self.seccomp = seccomp
        self.seccompFlags = seccompFlags
        self.cgroup = cgroup
        self.cgroupMark = cgroupMark
        self.lastCapability = lastCapability
        self.joining = joining
        self.parking = parking
        self.console = console
        self.hooks = hooks
        self.listener = listener
        self.exitRecord = exitRecord
    }
}
