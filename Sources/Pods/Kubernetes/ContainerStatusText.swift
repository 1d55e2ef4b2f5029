internal import Linux
package import OCI

// What is told of a container: core/v1 ContainerStatus.
extension ContainerLife {
    package var statusJSON: JSON.Value {
        .members([
            ("name", .string(name)), ("state", state.statusJSON),
            ("lastState", last.map { ContainerLife.State.terminated($0).statusJSON } ?? .object([])),
            ("ready", .bool(isInit && !isSidecar ? hasSucceeded : isReady)), ("started", .bool(isStarted)),
            ("restartCount", .unsigned(UInt64(restarts))),
            ("image", .string(image)),
        ])
    }
}

extension ContainerLife.State {
    fileprivate var statusJSON: JSON.Value {
        switch self {
        case .waiting(let reason, let message):
            .object([
                ("waiting", .members([("reason", .string(reason)), ("message", message.map { .string($0) })]))
            ])
        case .running(let since): .object([("running", .object([("startedAt", .string(Clock.rfc3339(since)))]))])
        case .terminated(let end):
            .object([
                (
                    "terminated",
                    .members([
                        ("exitCode", .integer(Int64(end.exitCode))), ("signal", end.signal.map { .integer(Int64($0)) }),
                        ("reason", .string(end.reason)), ("message", end.message.map { .string($0) }),
                        ("startedAt", end.startedAt.map { .string(Clock.rfc3339($0)) }),
                        ("finishedAt", .string(Clock.rfc3339(end.finishedAt))),
                    ])
                )
            ])
        }
    }
}
