internal import OCI

/// A pod of the step before, for those of the next step, which wait for its end.
package struct Predecessor: Hashable, Sendable {
    /// Its pod's id.
    package var id: String
    /// Its task.
    package var step: String
    /// Its failure is no hindrance (`on_failure: continue`).
    package var mayFail: Bool
    /// Its deadline is no failure (`on_timeout: success`).
    package var mayTimeOut: Bool

    package init(id: String, step: String, mayFail: Bool, mayTimeOut: Bool) {
        self.id = id
        self.step = step
        self.mayFail = mayFail
        self.mayTimeOut = mayTimeOut
    }

    /// Why nothing comes after it, now that it has ended like this; nil: what comes after it may begin.
    func objection(_ status: PodStatus) -> String? {
        // What was skipped itself says which step has failed.
        if status.reason == Predecessor.skipped { return status.message ?? "" }
        if mayFail || status.phase == .succeeded { return nil }
        if mayTimeOut, status.reason == "DeadlineExceeded" { return nil }
        return "step \(step) failed: \(status.reason ?? "Error")"
            + (status.exitCode.map { ", exit code \($0)" } ?? "")
    }

    /// The reason of a pod that never had its turn.
    static let skipped = "Skipped"

    init(_ json: JSON) throws(JSONError) {
        id = try json.required("id").string()
        step = try json.required("step").string()
        mayFail = try json.required("mayFail").bool()
        mayTimeOut = try json.required("mayTimeOut").bool()
    }

    var json: JSON.Value {
        .object([
            ("id", .string(id)), ("step", .string(step)), ("mayFail", .bool(mayFail)),
            ("mayTimeOut", .bool(mayTimeOut)),
        ])
    }
}
