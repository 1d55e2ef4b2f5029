internal import OCI

/// A `dphi.space.cg2.pod.run` task: a command in an image, until it ends or its time is over.
package struct PodTask: Hashable, Sendable {
    /// The kind of machine that a pod is for. `default` is the one that the host's configuration names.
    package enum Node: String, Hashable, Sendable, CaseIterable {
        case fpga, mpu, gpu, `default`
    }

    /// What a pod that was stopped at its deadline counts as.
    package enum OnTimeout: String, Hashable, Sendable, CaseIterable {
        case failure
        /// For servers, which end in no other way.
        case success
    }

    package struct Variable: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    /// `pod_name`
    package let name: String
    /// `<tenant>-<pod_name>`, at most 63 bytes: the pod's host name, and its name in manifests.
    package let hostname: String
    /// `name:tag` as the file has them, a valid ``ImageReference``.
    package let image: String
    package let command: TaskCommand
    /// In the order of the file; the last of a name wins.
    package let environment: [Variable]
    package let ports: [PortMapping]
    package let network: PodNetwork
    package let node: Node
    /// The tenant's volume at /data.
    package let volume: String
    /// `max_duration` in milliseconds, counted from the container's start; nil: the task sets none.
    package let maxDuration: UInt64?
    package let onTimeout: OnTimeout
    /// Whether a small init is pid 1, which reaps and hands signals on.
    package let hasInit: Bool

    /// The step's whole time in seconds, from when it was accepted to when it is given up: its run, rounded up, and
    /// `grace` for scheduling and shutdown. nil: without `max_duration` there is none.
    package func timeoutSeconds(grace: UInt64) -> UInt64? {
        maxDuration.map { ($0 + 999) / 1000 + grace }
    }
}

/// A port of a pod, and where the host publishes it.
package struct PortMapping: Hashable, Sendable {
    package enum Transport: String, Hashable, Sendable, CaseIterable {
        case tcp, udp
    }

    package let container: UInt16
    /// nil: it is not published, and reached by the pod's own address alone.
    package let host: UInt16?
    package let transport: Transport

    /// As a request has it; nil: it is not published.
    var published: String? { host.map { "\($0):\(container)/\(transport.rawValue)" } }
}
