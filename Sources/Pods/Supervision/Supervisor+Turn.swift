internal import Linux

// A pod of a later step waits for those of the step before. Who ends there calls those that wait, so that the next begins at
// once; who was killed calls nobody, so that they are looked after now and then.
extension Supervisor {
    /// Waits until the step before has ended. False: the pod is not to run, and has said why.
    mutating func awaitTurn() throws(SystemError) -> Bool {
        if record.after.isEmpty { return true }
        let asked = try PodWake.open(in: directory)
        settleIn()
        while true {
            if let stop = try stopRequest() {
                try finish(.failed, stop.reason, stop.message)
                return false
            }
            let (waiting, objection) = try lookAtStepBefore()
            if waiting.isEmpty {
                guard let objection else { return true }
                try finish(.failed, Predecessor.skipped, objection)
                return false
            }
            let message = "waiting for step \(waiting.joined(separator: ", "))"
            if status.reason != "Waiting" || status.message != message {
                (status.reason, status.message) = ("Waiting", message)
                try write(status)
            }
            let milliseconds: Int32 = 1000
            _ = try Poll.readable([asked.view], timeout: milliseconds)
            try asked.clear()
        }
    }

    /// The steps that have not ended, and what the others are against.
    private borrowing func lookAtStepBefore() throws(SystemError) -> (waiting: [String], objection: String?) {
        var waiting: [String] = []
        var objection: String?
        for before in record.after {
            do throws(PodsError) {
                if let status = try status(of: before.id) {
                    if !status.isFinal { waiting.append(before.step) }
                    objection = objection ?? before.objection(status)
                } else {
                    objection = objection ?? "the pod of step \(before.step) was removed"
                }
            } catch {
                throw SystemError("openat", before.id, detail: "the pod of the step before: \(error),", .EIO)
            }
        }
        return (waiting, objection)
    }

    /// Calls those of the next step, once this pod's end is on the disk.
    func callSuccessors() {
        guard record.hasSuccessors, let all = try? entries(of: record.request.tenant) else { return }
        for other in all where other.record.after.contains(where: { $0.id == record.id }) { call(other.record.id) }
    }
}
