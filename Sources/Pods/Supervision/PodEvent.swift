internal import Linux
package import OCI

/// Something that has happened to a pod, for whoever looks later, or follows.
package struct PodEvent: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case accepted = "Accepted"
        /// Nothing stands before its launch any more: those that it replaces are gone, and its image is there.
        case scheduled = "Scheduled"
        /// Its image is not there, or can't be read.
        case waiting = "Waiting"
        case started = "Started"
        /// A probe of a container's, or a hook, has failed.
        case unhealthy = "Unhealthy"
        /// A container that has ended is not begun again at once.
        case backOff = "BackOff"
        /// Another process than the one that launched it stays with it from now on.
        case takenOver = "TakenOver"
        /// Somebody or its deadline asks for its end; the reason says why. No signal has been sent yet.
        case killing = "Killing"
        /// Its phase is final, and nothing of its container is left.
        case ended = "Ended"
        /// What was kept of it is gone. The reason is `Replaced` where a newer pod has taken its place.
        case removed = "Removed"
    }

    /// RFC 3339.
    package var time: String
    package var kind: Kind
    package var tenant: String
    package var pod: String
    package var id: String
    /// With ``Kind/ended``.
    package var phase: String?
    package var reason: String?
    package var exitCode: Int32?
    package var signal: Int32?
    package var message: String?

    /// One that happens now.
    init(_ kind: Kind, of record: PodRecord, reason: String? = nil, message: String? = nil) {
        time = Clock.rfc3339(Clock.wall())
        self.kind = kind
        (tenant, pod, id) = (record.request.tenant, record.name, record.id)
        (self.reason, self.message) = (reason, message)
    }

    /// The end that `status` tells of.
    init(endOf record: PodRecord, _ status: PodStatus) {
        self.init(.ended, of: record, reason: status.reason, message: status.message)
        phase = status.phase.rawValue
        (exitCode, signal) = (status.exitCode, status.signal)
    }

    init(_ json: JSON) throws(JSONError) {
        time = try json.required("time").string()
        let word = try json.required("event")
        guard let known = Kind(rawValue: try word.string()) else { throw word.expected("an event") }
        kind = known
        tenant = try json.required("tenant").string()
        pod = try json.required("pod_name").string()
        id = try json.required("id").string()
        phase = try json["phase"]?.string()
        reason = try json["reason"]?.string()
        exitCode = try json["exitCode"]?.integer(Int32.self)
        signal = try json["signal"]?.integer(Int32.self)
        message = try json["message"]?.string()
    }

    package var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = [
            ("time", .string(time)), ("event", .string(kind.rawValue)), ("tenant", .string(tenant)),
            ("pod_name", .string(pod)), ("id", .string(id)),
        ]
        if let phase { members.append(("phase", .string(phase))) }
        if let reason { members.append(("reason", .string(reason))) }
        if let exitCode { members.append(("exitCode", .integer(Int64(exitCode)))) }
        if let signal { members.append(("signal", .integer(Int64(signal)))) }
        if let message { members.append(("message", .string(message))) }
        return .object(members)
    }

    /// As it is kept: a line of less than ``PodEventLog/longestLine`` bytes, for which the message is cut where it must be.
    var line: [UInt8] {
        var event = self
        while true {
            let bytes = event.json.bytes()
            if bytes.count + 1 < PodEventLog.longestLine { return bytes + [UInt8(ascii: "\n")] }
            guard let message = event.message, !message.isEmpty else { return [] }
            event.message = String(message.unicodeScalars.prefix(message.unicodeScalars.count / 2))
        }
    }

    /// `2026-11-21T22:23:14.558736908Z  Ended      client1-a-df459710  Failed, Error, exit code 3: …`
    package var text: String {
        let name = kind.rawValue + String(repeating: " ", count: max(0, 9 - kind.rawValue.utf8.count))
        var words = [phase, reason, exitCode.map { "exit code \($0)" }].compactMap { $0 }.joined(separator: ", ")
        if let message { words += (words.isEmpty ? "" : ": ") + message }
        return "\(time)  \(name)  \(id)" + (words.isEmpty ? "" : "  " + words)
    }
}
