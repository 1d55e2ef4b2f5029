internal import OCI

// Hooks, and who listens to a filter: what others than runtime and child do in a launch.
extension Planner {
    /// The steps that hooks are, and what the child has to wait for.
    struct HookSteps {
        /// The runtime's, beside the child.
        var beside: [Step] = []
        /// The runtime's, once the command is executed.
        var after: [Step] = []
        /// The child waits before it leaves the host's root.
        var isAtCreation = false
        /// One is run in the child's mount namespace, by the host's paths.
        var looksAtRoot = false
        /// The child waits before it becomes the command.
        var isAtStart = false
    }

    /// In the order of runtime.md, "Lifecycle". Of a container that another command starts, those of the start are that
    /// command's.
    static func hookSteps(_ hooks: Hooks, isParked: Bool) -> HookSteps {
        var steps = HookSteps()
        func all(_ kind: Hooks.Kind) -> [Step] {
            hooks[kind].enumerated().map { .hook(kind, index: $0.offset, $0.element) }
        }
        let creation = all(.prestart) + all(.createRuntime) + all(.createContainer)
        steps.isAtCreation = !creation.isEmpty
        steps.looksAtRoot = !hooks[.createContainer].isEmpty
        if steps.isAtCreation { steps.beside += [.await(.mounted)] + creation + [.signal(.createHooksRun)] }
        let start = all(.startContainer)
        steps.isAtStart = !start.isEmpty
        if steps.isAtStart, !isParked { steps.beside += [.await(.prepared)] + start + [.signal(.startHooksRun)] }
        if !isParked { steps.after = all(.poststart) + all(.poststop) }
        return steps
    }

    /// Where the listener goes: without an address nobody would decide, and the container hang. nil: there is none.
    func listenerStep() throws(PlanningError) -> Step? {
        guard context.hasListener else { return nil }
        guard let path = spec.linux.seccomp?.listenerPath, !path.isEmpty else {
            throw .listener("SCMP_ACT_NOTIFY needs a listenerPath", at: "/linux/seccomp")
        }
        guard path.hasPrefix("/") else {
            throw .listener("'\(path)' is not absolute", at: "/linux/seccomp/listenerPath")
        }
        return .sendListener(path: path)
    }
}
