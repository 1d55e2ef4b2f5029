internal import OCI

/// What has become of one container of a pod so far: core/v1 ContainerStatus. `boot` times are of `CLOCK_BOOTTIME`, the others
/// since 1970, all in nanoseconds.
package struct ContainerLife: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case waiting(reason: String, message: String?)
        case running(since: UInt64)
        case terminated(Termination)
    }

    /// An end: core/v1 ContainerStateTerminated.
    package struct Termination: Hashable, Sendable {
        package var exitCode: Int32
        package var signal: Int32?
        /// `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown`.
        package var reason: String
        package var message: String?
        /// nil: it never ran.
        package var startedAt: UInt64?
        package var finishedAt: UInt64

        package init(exitCode: Int32, reason: String, finishedAt: UInt64) {
            self.exitCode = exitCode
            self.reason = reason
            self.finishedAt = finishedAt
        }
    }

    package let name: String
    package let image: String
    package let isInit: Bool
    /// An init container that stays beside the others, see ``ManifestContainer/isSidecar``.
    package let isSidecar: Bool
    package var state: State
    /// The end before this life; nil: it is the first.
    package var last: Termination?
    package var restarts = 0
    /// Its startup probe has been passed, or it has none.
    package var isStarted = false
    package var isReady = false
    /// What its last hook or probe came to that ends it.
    var endMessage: String?
    var backOff = RestartBackOff()
    /// Before that it is not begun again.
    var retryAt: UInt64?
    /// When it began, for its probes.
    var startedBoot: UInt64?
    /// `postStart` has come to its end, or there is none.
    var isBegun = false
    /// It is to end: when what is left of it is killed.
    var killAt: UInt64?
    /// `preStop` has come to its end, or there is none; its stop signal was sent.
    var isSignalled = false

    init(name: String, image: String, isInit: Bool, isSidecar: Bool = false, waiting reason: String) {
        self.name = name
        self.image = image
        self.isInit = isInit
        self.isSidecar = isSidecar
        state = .waiting(reason: reason, message: nil)
    }

    package var isRunning: Bool { if case .running = state { true } else { false } }

    var termination: Termination? { if case .terminated(let end) = state { end } else { nil } }

    /// The last end that there was; nil: it has never ended.
    var lastEnd: Termination? { termination ?? last }

    /// It runs, and has come as far as those behind a sidecar wait for.
    var hasStarted: Bool { isRunning && isStarted && isBegun }

    /// As an init container, it keeps nobody waiting.
    var isPassed: Bool { isSidecar ? hasStarted : hasSucceeded }

    /// It has ended well.
    var hasSucceeded: Bool { termination?.exitCode == 0 }
}

extension ContainerLife {
    init(_ json: JSON) throws(JSONError) {
        name = try json.required("name").string()
        image = try json.required("image").string()
        isInit = try json["init"]?.bool() ?? false
        isSidecar = try json["sidecar"]?.bool() ?? false
        if let end = json["terminated"] {
            state = .terminated(try Termination(end))
        } else if let since = json["runningSince"] {
            state = .running(since: try since.integer(UInt64.self))
        } else {
            state = .waiting(
                reason: try json["reason"]?.string() ?? "ContainerCreating", message: try json["message"]?.string())
        }
        last = try json["last"].map { value throws(JSONError) in try Termination(value) }
        restarts = try json["restarts"]?.integer(Int.self) ?? 0
        isStarted = try json["started"]?.bool() ?? false
        isReady = try json["ready"]?.bool() ?? false
        endMessage = try json["endMessage"]?.string()
        backOff = try json["backOff"].map { value throws(JSONError) in try RestartBackOff(value) } ?? RestartBackOff()
        retryAt = try json["retryAt"]?.integer(UInt64.self)
        startedBoot = try json["startedBoot"]?.integer(UInt64.self)
        isBegun = try json["begun"]?.bool() ?? false
        killAt = try json["killAt"]?.integer(UInt64.self)
        isSignalled = try json["signalled"]?.bool() ?? false
    }

    /// As it is kept.
    var json: JSON.Value {
        var members: [(String, JSON.Value?)] = [("name", .string(name)), ("image", .string(image))]
        if isInit { members.append(("init", .bool(true))) }
        if isSidecar { members.append(("sidecar", .bool(true))) }
        switch state {
        case .terminated(let end): members.append(("terminated", end.json))
        case .running(let since): members.append(("runningSince", .unsigned(since)))
        case .waiting(let reason, let message):
            members += [("reason", .string(reason)), ("message", message.map { .string($0) })]
        }
        members += [
            ("last", last?.json), ("restarts", restarts == 0 ? nil : .unsigned(UInt64(restarts))),
            ("started", isStarted ? .bool(true) : nil), ("ready", isReady ? .bool(true) : nil),
            ("endMessage", endMessage.map { .string($0) }),
            ("backOff", backOff.delay == 0 ? nil : backOff.json), ("retryAt", retryAt.map { .unsigned($0) }),
            ("startedBoot", startedBoot.map { .unsigned($0) }), ("begun", isBegun ? .bool(true) : nil),
            ("killAt", killAt.map { .unsigned($0) }), ("signalled", isSignalled ? .bool(true) : nil),
        ]
        return .members(members)
    }
}

extension ContainerLife.Termination {
    init(_ json: JSON) throws(JSONError) {
        exitCode = try json.required("exitCode").integer(Int32.self)
        signal = try json["signal"]?.integer(Int32.self)
        reason = try json.required("reason").string()
        message = try json["message"]?.string()
        startedAt = try json["startedAt"]?.integer(UInt64.self)
        finishedAt = try json.required("finishedAt").integer(UInt64.self)
    }

    var json: JSON.Value {
        .members([
            ("exitCode", .integer(Int64(exitCode))), ("signal", signal.map { .integer(Int64($0)) }),
            ("reason", .string(reason)), ("message", message.map { .string($0) }),
            ("startedAt", startedAt.map { .unsigned($0) }), ("finishedAt", .unsigned(finishedAt)),
        ])
    }
}
