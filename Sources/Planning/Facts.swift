/// What a plan needs to know of the host. Found by the Linux and Cgroups rooms, given here as a value, so that planning
/// is a pure function and a test can plan for any host.
package struct HostFacts: Hashable, Sendable {
    package enum CgroupLayout: Hashable, Sendable {
        case unified
        /// The controllers of each v1 hierarchy, co-mounted ones together: `[["cpu", "cpuacct"], ["memory"], ["name=systemd"]]`;
        /// `hybrid`: there is a v2 tree beside, in which the child can be born.
        case legacy(hierarchies: [[String]], hybrid: Bool)
        /// No cgroup file system that could be used: the launch goes without.
        case none
    }

    package enum Architecture: String, Hashable, Sendable {
        case x86_64, arm64
    }

    package var cgroups: CgroupLayout
    package var architecture: Architecture
    /// `CAP_LAST_CAP` of the running kernel: `/proc/sys/kernel/cap_last_cap`.
    package var lastCapability: Int
    /// The capabilities that the runtime holds and could give (its permitted set).
    package var capabilities: UInt64
    /// How many processors the runtime may use: with one, nothing is done beside it.
    package var processors: Int

    package init(
        cgroups: CgroupLayout, architecture: Architecture, lastCapability: Int, capabilities: UInt64,
        processors: Int = 1
    ) {
        self.cgroups = cgroups
        self.architecture = architecture
        self.lastCapability = lastCapability
        self.capabilities = capabilities
        self.processors = processors
    }
}
