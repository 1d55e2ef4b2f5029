internal import Linux
internal import Network
package import OCI

// A pod as Kubernetes shows one, for those who look at all of it.
extension PodList.Entry {
    /// core/v1 Pod: what it was asked to be, with its tenant's limits, and what has become of it. Behind that, as `record`, all
    /// that is kept of it.
    package var inspection: JSON.Value {
        .members([
            ("apiVersion", .string("v1")), ("kind", .string("Pod")), ("metadata", metadata), ("spec", spec),
            ("status", podStatus),
            (
                "record",
                .members([("pod", record.json), ("status", status.json), ("lostOutput", lostOutput.map(\.json))])
            ),
        ])
    }

    private var metadata: JSON.Value {
        let labels: [(String, JSON.Value?)] = [
            ("app.kubernetes.io/managed-by", .string("perigee")), ("tenant", .string(record.request.tenant)),
            ("pod-name", .string(record.name)),
            ("task-id", record.task.flatMap { PodManifest.isLabelValue($0) ? .string($0) : nil }),
            ("node", record.node.map { .string($0) }),
        ]
        return .object([
            ("name", .string(record.hostname)), ("namespace", .string(record.request.tenant)),
            ("uid", .string(record.id)), ("creationTimestamp", .string(Clock.rfc3339(record.acceptedAt))),
            ("labels", .members(labels)),
        ])
    }

    private var spec: JSON.Value {
        let (second, milliseconds): (UInt64, UInt64) = (1_000_000_000, 1000)
        return .members([
            ("hostname", .string(record.hostname)),
            ("restartPolicy", record.manifest == nil ? .string("Never") : nil),
            ("hostNetwork", record.request.network == .host ? .bool(true) : nil),
            ("activeDeadlineSeconds", record.request.timeout.map { .unsigned(($0 + second - 1) / second) }),
            ("terminationGracePeriodSeconds", .unsigned(record.terminationGrace / milliseconds)),
            ("initContainers", containers { $0.isInit }),
            ("containers", record.manifest == nil ? .array([main]) : containers { !$0.isInit }),
            (
                "volumes",
                record.manifest == nil
                    ? .array([PodManifest.volume(record.request.volume, of: record.request.tenant)]) : nil
            ),
        ])
    }

    /// Those of a manifest, which has more of them; nil: there are none.
    private func containers(_ isOne: (ContainerLife) -> Bool) -> JSON.Value? {
        let found = status.containers.filter(isOne)
        if found.isEmpty { return nil }
        return .array(found.map { .object([("name", .string($0.name)), ("image", .string($0.image))]) })
    }

    /// The one of a pod that is none of a manifest.
    private var main: JSON.Value {
        let request = record.request
        let ports = request.ports.compactMap { PublishedPort($0) }.map {
            PodManifest.port($0.container, host: $0.host, $0.transport.rawValue)
        }
        let variables = request.environment.map { variable in
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return JSON.Value.object([
                ("name", .string(String(parts[0]))),
                ("value", .string(PodManifest.literal(parts.count > 1 ? String(parts[1]) : ""))),
            ])
        }
        let limits: [(String, JSON.Value?)] = [
            ("cpu", request.cpus.map { .string("\($0)m") }), ("memory", request.memory.map { .string("\($0)") }),
        ]
        let hasLimits = limits.contains { $0.1 != nil }
        return .members(
            [("name", .string("main")), ("image", .string(request.image))] + PodManifest.members(of: request.command)
                + [
                    ("env", variables.isEmpty ? nil : .array(variables)),
                    ("ports", ports.isEmpty ? nil : .array(ports)),
                    ("resources", hasLimits ? .object([("limits", .members(limits))]) : nil),
                    ("volumeMounts", .array([PodManifest.volumeMount])),
                ])
    }

    private var podStatus: JSON.Value {
        let single = JSON.Value.object([
            ("name", .string("main")), ("image", .string(record.request.image)), ("imageID", .string("")),
            ("state", status.containerState), ("lastState", .object([])), ("ready", .bool(status.isRunning)),
            ("started", .bool(status.isRunning)), ("restartCount", .integer(0)),
        ])
        var members: [(String, JSON.Value?)] = [
            ("phase", .string(status.phase.rawValue)), ("reason", status.reason.map { .string($0) }),
            ("message", status.message.map { .string($0) }),
        ]
        members += statusMembers.map { ($0.name, $0.value) }
        if status.containers.isEmpty {
            members.append(("startTime", status.startedAt.map { .string(Clock.rfc3339($0)) }))
            members.append(("containerStatuses", .array([single])))
        }
        return .members(members)
    }

    /// core/v1 PodStatus but for phase, reason and message: the conditions, and of a pod of several containers what they do.
    package var statusMembers: [(name: String, value: JSON.Value)] {
        let isPlaced = status.reason != "Unschedulable"
        let scheduled = JSON.Value.object([
            ("type", .string("PodScheduled")), ("status", .string(isPlaced ? "True" : "False")),
        ])
        guard !status.containers.isEmpty else { return [("conditions", .array([scheduled]))] }
        let phase = PodPhase(status.containers, .always)
        func statuses(_ isInit: Bool) -> JSON.Value {
            .array(status.containers.filter { $0.isInit == isInit }.map(\.statusJSON))
        }
        var members: [(name: String, value: JSON.Value)] = [
            ("conditions", .array([scheduled] + phase.conditions(of: status.phase)))
        ]
        if let startedAt = status.startedAt { members.append(("startTime", .string(Clock.rfc3339(startedAt)))) }
        if status.containers.contains(where: \.isInit) { members.append(("initContainerStatuses", statuses(true))) }
        members.append(("containerStatuses", statuses(false)))
        return members
    }
}
