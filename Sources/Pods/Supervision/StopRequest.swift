internal import OCI

/// Why a pod is to end; written before the first signal.
package struct StopRequest: Hashable, Sendable {
    /// `Stopped`, `Replaced`, `DeadlineExceeded`.
    package var reason: String
    package var message: String
    /// From the stop signal to KILL, in milliseconds; nil: the pod's own.
    package var grace: UInt64?

    package init(reason: String, message: String, grace: UInt64? = nil) {
        self.reason = reason
        self.message = message
        self.grace = grace
    }

    init(_ json: JSON) throws(JSONError) {
        reason = try json.required("reason").string()
        message = try json.required("message").string()
        grace = try json["grace"]?.integer(UInt64.self)
    }

    var json: JSON.Value {
        .object(
            [("reason", .string(reason)), ("message", .string(message))]
                + (grace.map { [("grace", .unsigned($0))] } ?? []))
    }
}
