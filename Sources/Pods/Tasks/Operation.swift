/// What a task file asks for, checked: steps that are carried out one after the other.
package struct Operation: Hashable, Sendable {
    package var id: String?
    package var namespace: String?
    package var system: String?
    package var description: String?
    package var labels: [Label] = []
    /// Whose it is. It comes from the caller, and a file has no key for it.
    package let tenant: String
    /// What is added to a pod's time for scheduling and shutdown, in seconds.
    package var graceSeconds = TaskFile.graceSeconds
    /// What a process has between the signal to end and SIGKILL, in seconds.
    package var terminationGraceSeconds = TaskFile.terminationGraceSeconds
    /// In the order of the file. The steps of one group are begun together.
    package var groups: [StepGroup] = []

    package struct Label: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    /// All steps, in the order of the file.
    package var steps: [Step] { groups.flatMap(\.steps) }
}

/// A task of the file, as a step of the operation.
package struct Step: Hashable, Sendable {
    /// What is done.
    package enum Work: Hashable, Sendable {
        case podRun(PodTask)
        case uplink(UplinkTask)
    }

    /// What becomes of the steps behind one that has failed.
    package enum OnFailure: String, Hashable, Sendable, CaseIterable {
        /// They are not begun, and are reported as skipped.
        case stop
        case `continue`
    }

    package let id: String
    package let description: String?
    package let onFailure: OnFailure
    package let work: Work
    /// Where its task stands in the file.
    package let position: TextPosition

    /// The pod of a step that runs one.
    package var pod: PodTask? {
        guard case .podRun(let pod) = work else { return nil }
        return pod
    }
}

/// Steps that are begun together: several pods whose tasks stand side by side with `merge: true`, or any one step.
package struct StepGroup: Hashable, Sendable {
    /// At least one.
    package let steps: [Step]

    /// The first one's, by which the group's manifest is named.
    package var id: String { steps.first?.id ?? "" }
    /// Whether there are several.
    package var isMerged: Bool { steps.count > 1 }
}
