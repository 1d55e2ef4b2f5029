internal import Cgroups
internal import Glibc
internal import Launching
internal import Linux
internal import OCI
internal import Planning
internal import Seccomp

/// How a further process comes into a container: through the stage as the first one did, into all of the container's
/// namespaces and its cgroup, with the rights, user and filter that the configuration gives a process, and with nothing
/// of the host's open.
struct ContainerEntry: Sendable {
    var spec: RuntimeSpec
    let program: SeccompProgram?
    let host: HostFacts
    /// Its name; nil: there is none.
    let keyring: String?
    let cgroupPath: String?
    /// nil: the filter has none.
    let listener: FilterListener?
    var terminalSize: ProcessSpec.TerminalSize?
    /// So many descriptors of the caller's are the process's.
    var preserved = 0

    func plan(first: Int32) throws(ContainersError) -> LaunchPlan {
        let namespaces: [LaunchPlan.Namespace]
        do throws(SystemError) { namespaces = try ContainerEntry.namespaces(of: first) } catch { throw .state(error) }
        do throws(PlanningError) {
            return try Planner.planExec(
                spec, joining: namespaces, of: first, on: host,
                .init(
                    cgroupPath: cgroupPath, rootDescription: "", keyring: keyring, hasFilter: program != nil,
                    isStrict: false, terminalSize: terminalSize, preserved: preserved,
                    hasListener: program?.hasListener == true))
        } catch { throw .planning(path: "", error) }
    }

    /// Carries out a plan that ``plan(first:)`` has made.
    func launch(
        _ plan: LaunchPlan, first: Int32, group: Cgroup?, console: consuming OwnedDescriptor? = nil
    ) throws(ContainersError) -> RunningContainer {
        let inside: OwnedDescriptor
        do throws(SystemError) {
            inside = try Descriptor.workingDirectory.openFollowing("/proc/\(first)/root", O_PATH | O_DIRECTORY)
        } catch { throw .state(error) }
        // In its pid namespace a process of the container could look into ours before it has executed the stage.
        Identity.hideMemory()
        do throws(LaunchError) {
            return try Launcher.launch(
                plan,
                with: LaunchInputs(
                    root: inside, seccomp: program?.bytes ?? [], seccompFlags: UInt64(program?.flags.rawValue ?? 0),
                    cgroup: nil, lastCapability: UInt32(host.lastCapability), joining: group, console: console,
                    listener: listener),
                timeline: false)
        } catch { throw .launch(error) }
    }

    /// The program of a hook, with the rights of the container's process: it is the image's, and nobody has looked at it.
    func launch(_ hook: Hooks.Hook, first: Int32, group: Cgroup?) throws(ContainersError) -> RunningContainer {
        var entry = ContainerEntry(
            spec: spec, program: program, host: host, keyring: keyring, cgroupPath: cgroupPath, listener: listener)
        entry.spec.process?.cwd = "/"
        entry.spec.process?.terminal = false
        var plan = try entry.plan(first: first)
        plan.child[plan.child.count - 1] = .exec(
            arguments: hook.arguments, environment: hook.env, candidates: [hook.path])
        return try launch(plan, first: first, group: group)
    }

    /// Those that `process` has and we have not.
    static func namespaces(of process: Int32) throws(SystemError) -> [LaunchPlan.Namespace] {
        var different: [LaunchPlan.Namespace] = []
        for namespace in LaunchPlan.Namespace.allCases {
            let here = Descriptor.workingDirectory
            do throws(SystemError) {
                let own = try here.readLink("/proc/self/ns/\(namespace.rawValue)")
                if try here.readLink("/proc/\(process)/ns/\(namespace.rawValue)") != own { different.append(namespace) }
            } catch {
                // This kernel has no such kind.
                if error.code != .ENOENT { throw error }
            }
        }
        return different
    }
}

extension SeccompProgram {
    /// Some calls are decided on by somebody else.
    var hasListener: Bool { flags.contains(.newListener) }
}
