internal import Linux
internal import Pods

extension Verb {
    /// `perigee pod attach`: what a pod prints from now on, or a shell in it.
    static let podAttach = Verb(
        .podAttach, operands: "NAME", summary: "show what a pod that runs prints from now on, or open a shell in it",
        options: [
            TenantOption.option, ContainerOption.option,
            Option("--shell", "open /bin/sh in it, with a terminal where we have one"),
        ],
        notes: """
            Leaving it, by Ctrl-C or by `exit` from the shell, does not stop the pod. It ends when the pod does, as its command
            did (see pod wait), or as the shell did; 125 if perigee failed. What was printed before is in pod logs.
            """,
        run: { arguments, global in
            let name = try podName(arguments, "pod attach")
            if arguments.has("--shell") {
                var exec = PodExec(["/bin/sh"])
                exec.hasTerminal = isAtTerminal
                return try execute(exec, readsInput: true, in: name, arguments, global)
            }
            return try pod(arguments, global, "pod attach", endsAsCommand: true) { list, entry throws(PodsError) in
                let id = entry.record.id
                // Not one that runs by its record alone, nor one whose end is being written down.
                guard try list.supervise(id), let status = try list.status(of: id), status.isRunning else {
                    throw .notRunning(entry.record.name)
                }
                let directory = try list.directory(of: entry, container: arguments["--container"])
                do throws(SystemError) {
                    guard
                        var reader = try PodLogReader.open(
                            directory, timestamps: false, follows: true, from: .now)
                    else { return 125 }
                    try show(&reader, of: id, list, follows: true)
                } catch {
                    if error.code == .EPIPE { return 125 }
                    throw printing(error)
                }
                return try list.end(of: id).exitStatus
            }
        })
}
