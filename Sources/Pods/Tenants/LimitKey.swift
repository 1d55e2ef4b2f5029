/// A limit of a tenant's, by its name in the configuration.
package enum LimitKey: String, CaseIterable, Sendable {
    // Of each pod.
    case memory, cpus, pids
    case sharedMemory = "shm_size"
    case writableLayer = "rootfs_size"
    case maximumRuntime = "max_runtime_h"
    /// Of containers with a workspace.
    case idleTimeout = "idle_timeout_h"
    case logSize = "log_size"
    // Of the tenant.
    case maximumPods = "max_pods"
    case mode
    case maximumGroup = "max_group"
    case transferSize = "transfer_size"
    case grace = "grace_seconds"
    case terminationGrace = "termination_grace_seconds"
    /// Not a limit, but it is looked up as one.
    case workspace
    // What pods may ask for; nothing by default.
    case hostPaths = "host_paths"
    case devices, privileged
    case hostNamespaces = "host_namespaces"
    case outbound
    /// Others' plugins make the network of its pods.
    case cni

    /// How a value is written.
    enum Kind: Sendable {
        /// `"512m"`, or a number of bytes.
        case bytes
        /// 0.5, or `"0.5"`.
        case processors
        case count
        /// A number of hours, with decimals.
        case hours
        case seconds
        case mode
        /// Absolute paths.
        case paths
        case flag
        /// Names of namespaces.
        case namespaces
        /// Where the directories of projects are, see ``WorkspacePlace``.
        case workspaces
    }

    var kind: Kind {
        switch self {
        case .memory, .sharedMemory, .writableLayer, .logSize, .transferSize: .bytes
        case .cpus: .processors
        case .pids, .maximumPods, .maximumGroup: .count
        case .maximumRuntime, .idleTimeout: .hours
        case .grace, .terminationGrace: .seconds
        case .mode: .mode
        case .hostPaths, .devices: .paths
        case .privileged, .outbound, .cni: .flag
        case .hostNamespaces: .namespaces
        case .workspace: .workspaces
        }
    }

    /// Whether `null` may stand there: no limit.
    var mayBeUnlimited: Bool {
        switch kind {
        case .bytes, .processors, .count, .hours: true
        case .seconds, .mode, .paths, .flag, .namespaces, .workspaces: false
        }
    }

    /// The least number of bytes that can be set.
    package var least: Int64 {
        switch self {
        case .logSize: PodLog.smallestLimit
        // A file system must have room in it.
        case .writableLayer: 1 << 20
        default: 1
        }
    }

    /// Where no configuration says otherwise.
    var builtIn: LimitValue {
        switch self {
        case .memory: .amount(512 << 20)
        case .cpus: .amount(1000)
        case .pids: .amount(512)
        case .sharedMemory: .amount(64 << 20)
        case .writableLayer, .maximumRuntime, .idleTimeout: .unlimited
        case .logSize: .amount(10 << 20)
        case .maximumPods: .amount(1)
        case .mode: .word(PodMode.replace.rawValue)
        case .maximumGroup: .amount(8)
        case .transferSize: .amount(2 << 30)
        case .grace: .amount(300)
        case .terminationGrace: .amount(30)
        case .hostPaths, .devices, .hostNamespaces: .words([])
        case .privileged, .outbound, .cni: .flag(false)
        case .workspace: .word(WorkspacePlace.builtIn)
        }
    }
}

/// What a new pod does to those of its tenant that are live.
package enum PodMode: String, CaseIterable, Sendable {
    /// All of them are removed first.
    case replace
    /// It runs beside them, up to `max_pods`; one of the same name is replaced.
    case parallel
}
