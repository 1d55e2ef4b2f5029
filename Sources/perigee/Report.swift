internal import Containers
internal import Glibc
internal import Linux
internal import Measuring
internal import Planning

/// What `run` and `pod run` print beside the container's own output.
struct Report {
    static let options = [
        Option("--explain", "print the plan of the launch, and run nothing"),
        Option("--timeline", value: "FILE", isOptional: true, "print what each step took, or write it to FILE"),
        Option("--json", "print the exit record on the standard error"),
    ]

    private let arguments: Arguments
    private let began = (wall: Clock.monotonic(), processor: Clock.processor())

    init(_ arguments: Arguments) { self.arguments = arguments }

    var wantsPlan: Bool { arguments.has("--explain") }
    var wantsTimeline: Bool { arguments.has("--timeline") }

    /// Prints the plan.
    func explain(_ plan: LaunchPlan) -> Int32 { CommandLineTool.printed(plan.text) }

    /// Prints what was asked for, and tells the exit status.
    func finish(_ outcome: ContainerRun.Outcome) -> Int32 {
        for warning in outcome.plan.warnings + outcome.warnings { CommandLineTool.complain("warning: \(warning)") }
        if wantsTimeline, let times = outcome.times {
            write(
                Timeline(
                    plan: outcome.plan, times: times, began: began,
                    phases: outcome.phases.all.map { ($0.name, $0.wall, $0.processor) }
                ).text)
        }
        if arguments.has("--json") { try? Descriptor.standardError.write(outcome.record.json.text(indent: 2) + "\n") }
        switch outcome.record.reason {
        case .outOfMemory: CommandLineTool.complain("the container ran out of memory and was killed by the kernel")
        case .deadline: CommandLineTool.complain("the container's time was over; it was stopped")
        case .stopped where outcome.record.signal == 9:
            CommandLineTool.complain(
                """
                the container did not end when it was asked to, and was killed
                  hint: a command that is process 1 ignores signals that it does not handle; a second Ctrl-C kills at once
                """)
        case .signalled where outcome.record.signal == 31:
            CommandLineTool.complain(
                "the container was killed by SIGSYS: its seccomp profile does not allow a system call")
        default: break
        }
        return outcome.record.status
    }

    private func write(_ text: String) {
        do throws(SystemError) {
            guard let path = arguments["--timeline"], !path.isEmpty else {
                return try Descriptor.standardError.write(text)
            }
            // Written and not replaced: the path may be a device or a pipe.
            let file = try Descriptor.workingDirectory.openFollowing(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try file.view.write(text)
            try file.close()
        } catch { CommandLineTool.complain("timeline: \(error)") }
    }

    /// Says what a repair could not remove.
    static func warn(_ failures: [String]) {
        for failure in failures { CommandLineTool.complain("warning: \(failure)") }
    }

    /// Says why it failed.
    static func failed(_ message: String, status: Int32) -> Int32 {
        CommandLineTool.complain(message)
        return status
    }
}
