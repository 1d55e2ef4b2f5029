internal import Linux
internal import Pods

// Verbs that other commands become or start, and nobody types.
extension Verb {
    static let podSupervise = Verb(
        .podSupervise, operands: "ID", summary: "stay with a pod; other commands start this", options: [],
        run: { arguments, global in
            let id = try podName(arguments, "pod supervise")
            do throws(PodsError) {
                try Supervisor.run(id, of: PodList.open(global))
                return 0
            } catch { return Report.failed(error.description, status: error.managementStatus) }
        })

    /// What ``PodList/submitAndLeave(_:of:_:from:)`` could not do: see the pods to the disk, or tell their names.
    static let podUnfinished = Verb(
        .podUnfinished, operands: "ID... CALL ERROR",
        summary: "say what an acceptance lacks; other commands become this", options: [],
        run: { arguments, global in
            let words = arguments.operands
            guard words.count > 2, let number = Int32(words[words.count - 1]) else {
                throw UsageError("pod unfinished: needs pods, a system call's name and its error")
            }
            let (ids, call) = (Array(words.dropLast(2)), words[words.count - 2])
            let code = Errno(rawValue: number)
            guard call == "fsync" else {
                let error = SystemError(call, "descriptor 1", code)
                return code == .EPIPE ? 1 : Report.failed("standard output: \(error)", status: 1)
            }
            let error = SystemError(call, "the pod's record", code)
            do throws(PodsError) { try PodList.open(global).withdraw(ids, error) } catch {
                return Report.failed(error.description, status: error.managementStatus)
            }
            return Report.failed("\(error)", status: 1)
        })
}
