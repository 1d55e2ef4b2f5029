package import OCI

/// The limits of a tenant as they hold: of each the value, and where it comes from.
package struct Limits: Hashable, Sendable {
    /// What set a value: the later of these go before the earlier.
    package enum Source: Hashable, Sendable, CustomStringConvertible {
        case builtIn
        case defaults
        case group(String)
        case tenant(String)

        package var description: String {
            switch self {
            case .builtIn: "built-in"
            case .defaults: "defaults"
            case .group(let name): "group \(name)"
            case .tenant(let name): "tenant \(name)"
            }
        }
    }

    /// What a level of the configuration sets.
    struct Changes: Hashable, Sendable {
        var values: [LimitKey: LimitValue] = [:]
    }

    private var values: [LimitKey: LimitValue] = [:]
    private var sources: [LimitKey: Source] = [:]

    /// Without any configuration.
    package init() {}

    mutating func change(_ changes: Changes, _ source: Source) {
        for (key, value) in changes.values {
            values[key] = value
            sources[key] = source
        }
    }

    /// The value of a limit.
    package subscript(key: LimitKey) -> LimitValue { values[key] ?? key.builtIn }

    /// Where it comes from.
    package func source(of key: LimitKey) -> Source { sources[key] ?? .builtIn }

    private func amount(_ key: LimitKey) -> Int64? {
        if case .amount(let number) = self[key] { number } else { nil }
    }

    private func words(_ key: LimitKey) -> [String] { if case .words(let words) = self[key] { words } else { [] } }

    // MARK: Of each pod; nil: no limit.

    /// Bytes; swap is not given on top.
    package var memory: Int64? { amount(.memory) }
    /// Thousandths of a processor.
    package var cpus: Int64? { amount(.cpus) }
    package var pids: Int64? { amount(.pids) }
    /// Of /dev/shm, bytes.
    package var sharedMemory: Int64? { amount(.sharedMemory) }
    /// What a pod may write outside its volume, bytes.
    package var writableLayer: Int64? { amount(.writableLayer) }
    /// Nanoseconds.
    package var maximumRuntime: UInt64? { amount(.maximumRuntime).map { UInt64($0) * 1_000_000 } }
    /// How long a container with a workspace may do nothing, milliseconds.
    package var idleTimeout: UInt64? { amount(.idleTimeout).map { UInt64($0) } }
    /// Of a pod's kept output, bytes.
    package var logSize: Int64? { amount(.logSize) }

    // MARK: Of the tenant

    /// The most live pods in parallel mode; nil: any number.
    package var maximumPods: Int64? { amount(.maximumPods) }
    package var mode: PodMode {
        if case .word(let word) = self[.mode] { PodMode(rawValue: word) ?? .replace } else { .replace }
    }
    /// The most pods of one merge group.
    package var maximumGroup: Int64? { amount(.maximumGroup) }
    /// The most bytes of one copy into or out of a volume.
    package var transferSize: Int64? { amount(.transferSize) }
    /// `G`: seconds for scheduling and shutdown.
    package var grace: Int64 { amount(.grace) ?? 300 }
    /// `T`: seconds from the stop signal to SIGKILL.
    package var terminationGrace: Int64 { amount(.terminationGrace) ?? 30 }

    /// Where its workspaces are, see ``WorkspacePlace``.
    var workspace: String { if case .word(let word) = self[.workspace] { word } else { WorkspacePlace.builtIn } }

    // MARK: What its pods may ask for

    package var hostPaths: [String] { words(.hostPaths) }
    package var devices: [String] { words(.devices) }
    /// Whether they reach what is outside the host.
    package var outbound: Bool { self[.outbound] == .flag(true) }
    /// Whether others' plugins make its pods' network.
    package var cni: Bool { self[.cni] == .flag(true) }
    package var privileged: Bool { self[.privileged] == .flag(true) }
    package var hostNamespaces: [String] { words(.hostNamespaces) }

    /// The message of a pod that the tenant's run time ended (reason `MaxRuntimeExceeded`).
    package var maximumRuntimeMessage: String {
        "Tenant limit max_runtime \(self[.maximumRuntime].json(of: .maximumRuntime).text()) h reached; run `perigee limits`"
    }

    /// Sets the limits of each pod in a configuration: memory, processors, processes, and the size of /dev/shm.
    package func apply(to spec: inout RuntimeSpec) {
        if let memory {
            spec.linux.resources.memory.limit = memory
            spec.linux.resources.memory.swap = memory  // memory and swap together: no swap on top
        }
        if let cpus {
            spec.linux.resources.cpu.period = 100_000
            spec.linux.resources.cpu.quota = max(1000, cpus * 100)
        }
        if let pids { spec.linux.resources.pids = pids }
        for i in spec.mounts.indices where spec.mounts[i].destination == "/dev/shm" {
            spec.mounts[i].options.removeAll { $0.hasPrefix("size=") }
            if let sharedMemory { spec.mounts[i].options.append("size=\(sharedMemory)") }
        }
    }
}
