internal import Linux
package import OCI

/// What has become of a pod so far: `status` in its directory, replaced as a whole at each change.
package struct PodStatus: Hashable, Sendable {
    /// Kubernetes' words (pod-lifecycle.md, "Pod phase").
    package enum Phase: String, Hashable, Sendable {
        case pending = "Pending"
        case running = "Running"
        case succeeded = "Succeeded"
        case failed = "Failed"
    }

    package var phase = Phase.pending
    /// Why it is as it is: one word, and a text for people.
    package var reason: String? = "ContainerCreating"
    package var message: String?
    /// Nanoseconds since 1970; nil: not yet.
    package var startedAt: UInt64?
    package var finishedAt: UInt64?
    /// When its time is over, in nanoseconds of CLOCK_BOOTTIME; nil: never.
    package var deadline: UInt64?
    /// What ends its command.
    var stopSignal: Int32 = 15
    package var exitCode: Int32?
    package var signal: Int32?
    /// How the container itself ended: `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown`.
    package var termination: String?
    package var oomKills: UInt64 = 0
    /// What it has of its node's slots; nil: none, or not any more.
    package var slot: String?
    /// When what is left of it is killed, in nanoseconds of CLOCK_BOOTTIME; nil: nobody has asked for its end.
    var killAt: UInt64?
    /// What its phase will be when its container is removed; nil: it has not ended.
    var ending: Phase?
    /// Of a pod of a manifest each container, those of its beginning first; empty: it is a pod of one container.
    package var containers: [ContainerLife] = []
    /// The containers' lives have begun.
    var hasBegun = false

    package init() {}

    /// Of a pod that somebody has removed while its end was waited for.
    static let removed: PodStatus = {
        var status = PodStatus()
        (status.phase, status.reason) = (.failed, "Replaced")
        status.message = "removed by a newer pod, or by a command"
        return status
    }()

    /// It will not change any more.
    package var isFinal: Bool { phase == .succeeded || phase == .failed }

    /// Its command runs, and its end has not been seen.
    package var isRunning: Bool { phase == .running && ending == nil }

    /// What `pod wait` and `pod run` end with (REQUIREMENTS, "Exit codes"): the command's own code, 128 + signal, 124 at a
    /// deadline, 125 where it never ran.
    package var exitStatus: Int32 {
        if reason == "DeadlineExceeded" || reason == "MaxRuntimeExceeded" { return 124 }
        return exitCode ?? 125
    }

    init(_ json: JSON) throws(JSONError) {
        let word = try json.required("phase")
        guard let known = Phase(rawValue: try word.string()) else { throw word.expected("a phase") }
        phase = known
        reason = try json["reason"]?.string()
        message = try json["message"]?.string()
        startedAt = try json["startedAt"]?.integer(UInt64.self)
        finishedAt = try json["finishedAt"]?.integer(UInt64.self)
        deadline = try json["deadline"]?.integer(UInt64.self)
        stopSignal = try json["stopSignal"]?.integer(Int32.self) ?? 15
        exitCode = try json["exitCode"]?.integer(Int32.self)
        signal = try json["signal"]?.integer(Int32.self)
        termination = try json["termination"]?.string()
        oomKills = try json["oomKills"]?.integer(UInt64.self) ?? 0
        slot = try json["slot"]?.string()
        killAt = try json["killAt"]?.integer(UInt64.self)
        ending = Phase(rawValue: try json["ending"]?.string() ?? "")
        hasBegun = try json["begun"]?.bool() ?? false
        for item in try json["containers"]?.items() ?? [] { containers.append(try ContainerLife(item)) }
    }

    /// As it is kept.
    var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = [("phase", .string(phase.rawValue))]
        if let reason { members.append(("reason", .string(reason))) }
        if let message { members.append(("message", .string(message))) }
        if let startedAt { members.append(("startedAt", .unsigned(startedAt))) }
        if let finishedAt { members.append(("finishedAt", .unsigned(finishedAt))) }
        if let deadline { members.append(("deadline", .unsigned(deadline))) }
        if stopSignal != 15 { members.append(("stopSignal", .integer(Int64(stopSignal)))) }
        if let exitCode { members.append(("exitCode", .integer(Int64(exitCode)))) }
        if let signal { members.append(("signal", .integer(Int64(signal)))) }
        if let termination { members.append(("termination", .string(termination))) }
        if oomKills > 0 { members.append(("oomKills", .unsigned(oomKills))) }
        if let slot { members.append(("slot", .string(slot))) }
        if let killAt { members.append(("killAt", .unsigned(killAt))) }
        if let ending { members.append(("ending", .string(ending.rawValue))) }
        if !containers.isEmpty { members.append(("containers", .array(containers.map(\.json)))) }
        if hasBegun { members.append(("begun", .bool(true))) }
        return .object(members)
    }

    /// The container's state as Kubernetes has it (ContainerState): `waiting`, `running` or `terminated`.
    package var containerState: JSON.Value {
        typealias Member = (name: String, value: JSON.Value)
        func optional(_ name: String, _ text: String?) -> [Member] { text.map { [(name, .string($0))] } ?? [] }
        if let exitCode {
            var members: [Member] = [("exitCode", .integer(Int64(exitCode)))]
            if let signal { members.append(("signal", .integer(Int64(signal)))) }
            members += optional("reason", termination) + optional("message", message)
            members += optional("startedAt", startedAt.map(Clock.rfc3339))
            members += optional("finishedAt", finishedAt.map(Clock.rfc3339))
            if oomKills > 0 { members.append(("oomKillCount", .unsigned(oomKills))) }
            return .object([("terminated", .object(members))])
        }
        if phase == .running, let startedAt {
            return .object([("running", .object([("startedAt", .string(Clock.rfc3339(startedAt)))]))])
        }
        return .object([("waiting", .object(optional("reason", reason) + optional("message", message)))])
    }
}
