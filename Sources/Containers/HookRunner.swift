internal import Cgroups
internal import Glibc
internal import Launching
internal import Linux
internal import OCI
internal import Planning

/// Runs the hooks of one container: config.md, "POSIX-platform Hooks". Each has the container's state as its standard
/// input, the environment that the configuration gives it and no other, a session of its own, and nothing else of ours.
/// What it writes is kept for the error alone, and who goes on in the background has nobody to write to.
final class HookRunner: HookHost {
    private let state: ContainerState
    /// How the container is entered, for hooks that belong to it.
    private let entry: ContainerEntry?

    /// The most seconds that a hook has, whatever it says itself, and no signal ends it sooner: for those of a container
    /// that another command has left. nil: as long as the configuration gives it, or a signal comes.
    private let patience: Int?

    init(_ state: ContainerState, entry: ContainerEntry?, patience: Int? = nil) {
        self.state = state
        self.entry = entry
        self.patience = patience
    }

    func run(
        _ kind: Hooks.Kind, _ index: Int, _ hook: Hooks.Hook, first: Int32, watching: Descriptor?, group: Cgroup?
    ) throws(HookFailure) {
        var tail = OutputTail()
        let why: String?
        do throws(SystemError) {
            why = try carryOut(kind, hook, first: first, watching: watching, group: group, &tail)
        } catch { why = "\(error)" }
        if let why { throw HookFailure(kind, index, hook.path, why: why, output: tail.text) }
    }

    /// Runs all of `hooks`, whatever becomes of each, and tells what went wrong. The container is gone.
    func runPoststop(_ hooks: [Hooks.Hook]) -> [HookFailure] {
        var failures: [HookFailure] = []
        for (i, hook) in hooks.enumerated() {
            do throws(HookFailure) { try run(.poststop, i, hook, first: 0, watching: nil, group: nil) } catch {
                failures.append(error)
            }
        }
        return failures
    }

    /// nil: it has done its work; else why not.
    private func carryOut(
        _ kind: Hooks.Kind, _ hook: Hooks.Hook, first: Int32, watching: Descriptor?, group: Cgroup?,
        _ tail: inout OutputTail
    ) throws(SystemError) -> String? {
        // A file and no pipe: it is never full, however long the annotations are and whoever does not read them.
        let input = try MemoryFile.create("state", sealable: false)
        try input.view.write(state.json(status: kind.status, process: try process(kind, first)).bytes())
        try input.view.seek(to: 0)
        var pipe = try Pipe.make()
        guard let near = pipe.near?.view, let far = pipe.far?.view else { preconditionFailure("a new pipe") }
        let watch = HookWatch(
            output: near, container: watching,
            timeout: patience.map { min($0, hook.timeout ?? $0) } ?? hook.timeout, heedsSignals: patience == nil)
        if kind == .startContainer {
            guard let entry else { return "there is no container to run it in" }
            var running: RunningContainer
            do throws(ContainersError) {
                running = try launch(hook, entry, first, group, input.view, far)
            } catch { return "\(error)" }
            pipe.far = nil
            let verdict = try watch.verdict(on: running.view, running.identifier, &tail)
            if let verdict {
                // It is killed with all of its group.
                ProcessGroup.kill(leader: running.identifier)
                _ = consume running
                return verdict
            }
            do throws(LaunchError) { return HookWatch.verdict(on: try running.wait().process) } catch {
                return "\(error)"
            }
        }
        var started: StartedProgram
        if kind == .createContainer {
            started = try enter(hook, first, input.view, far)
            if let group {
                do throws(CgroupError) { try group.join(started.identifier, unified: true) } catch { return "\(error)" }
            }
        } else {
            started = try Program(
                path: hook.path, arguments: hook.arguments, environment: hook.env, directory: state.bundle
            ).start(input: input.view, output: far)
        }
        pipe.far = nil
        try started.execute()
        if let verdict = try watch.verdict(on: started.view, started.identifier, &tail) { return verdict }
        // Who has failed leaves nobody in the background: dropped and not waited for, its group is killed.
        let failed = HookWatch.verdict(on: try started.look())
        if failed == nil { _ = try started.wait() }
        return failed
    }

    /// A program of the container's, by the way that `exec` goes.
    private func launch(
        _ hook: Hooks.Hook, _ entry: ContainerEntry, _ first: Int32, _ group: Cgroup?, _ input: Descriptor,
        _ output: Descriptor
    ) throws(ContainersError) -> RunningContainer {
        // An `exec` ends with its process; we go on.
        let own: OwnNamespaces
        do throws(SystemError) { own = try OwnNamespaces.remember() } catch { throw .state(error) }
        let streams: ReplacedStreams
        do throws(SystemError) { streams = try ReplacedStreams.replace(input: input, output: output) } catch {
            throw .state(error)
        }
        let running = try entry.launch(hook, first: first, group: group)
        _ = consume streams
        _ = consume own
        return running
    }

    /// The container's process, as who reads the state sees it: those in the container by the number there.
    private func process(_ kind: Hooks.Kind, _ first: Int32) throws(SystemError) -> Int32? {
        switch kind {
        case .poststop: nil
        case .createContainer, .startContainer: try ProcessStatus.innerNumber(of: first)
        default: first
        }
    }

    /// A program of the host's in the container's namespaces, whose root is still the host's. It sees what the child sees.
    private func enter(
        _ hook: Hooks.Hook, _ first: Int32, _ input: Descriptor, _ output: Descriptor
    ) throws(SystemError) -> StartedProgram {
        let here = Descriptor.workingDirectory
        var program = Program(path: hook.path, arguments: hook.arguments, environment: hook.env)
        var numbers: [Int32] = []
        defer { for number in numbers { _ = OwnedDescriptor(taking: number) } }
        // The user namespace comes first: it gives the rights for the others.
        for namespace in try ContainerEntry.namespaces(of: first) {
            let opened = try here.openFollowing("/proc/\(first)/ns/\(namespace.rawValue)", O_RDONLY).release()
            numbers.append(opened)
            if namespace == .pid {
                program.pidNamespace = Descriptor(opened)
            } else {
                if namespace == .user { program.hasUserNamespace = true }
                program.namespaces.append(Descriptor(opened))
            }
        }
        let root = try here.openFollowing("/proc/\(first)/root", O_PATH | O_DIRECTORY)
        let place = try here.openFollowing("/proc/\(first)/cwd", O_PATH | O_DIRECTORY)
        program.root = root.view
        program.place = place.view
        // In its pid namespace others could look into it before it is the hook.
        Identity.hideMemory()
        let started = try program.start(input: input, output: output)
        _ = consume root
        _ = consume place
        return started
    }
}

extension Hooks.Kind {
    /// The container's status while they run, runtime.md.
    fileprivate var status: String {
        switch self {
        case .createRuntime, .createContainer: "creating"
        // As the specification had it when these were its only hooks before the start, and as crun tells them.
        case .prestart, .startContainer: "created"
        case .poststart: "running"
        case .poststop: "stopped"
        }
    }
}
