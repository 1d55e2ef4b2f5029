internal import CLaunch
internal import Glibc
internal import Linux
internal import Planning

// What became of the child.
extension Launcher {
    /// A child that could not even execute the stage fails as others do later, and that is what counts.
    borrowing func reason(_ error: LaunchError, _ birth: Birth) -> LaunchError {
        guard let code = birth.failure else { return error }
        return .clone(
            number: plan.before.count + 1, count: count, SystemError("execveat", "perigee-stage", code))
    }

    /// Waits until the command is being executed: the page says so, and the child's end of the socket has closed. Or
    /// until the child is parked, which it says itself.
    func awaitCommand(
        _ compiled: CompiledPlan, _ process: borrowing ProcessHandle, control: Descriptor
    ) throws(LaunchError) {
        let byte = try said(control)
        if byte == nil, compiled.page.report.state == LAUNCH_EXECUTING { return }
        if let byte, Int(byte) == LAUNCH_PARKED_BYTE { return try checkCommand(of: process) }
        throw whyNot(compiled, process)
    }

    /// Waits until the child has reached `handshake`.
    func waitFor(
        _ handshake: Handshake, _ compiled: CompiledPlan, _ process: borrowing ProcessHandle, control: Descriptor
    ) throws(LaunchError) {
        if try said(control) != handshake.rawValue { throw whyNot(compiled, process) }
    }

    /// The next byte that the child says; nil: it says no more.
    private func said(_ control: Descriptor) throws(LaunchError) -> UInt8? {
        var byte: UInt8 = 0
        let n: Int
        do throws(SystemError) {
            let read: Result<Int, SystemError> = withUnsafeMutableBytes(of: &byte) { buffer in
                do throws(SystemError) { return .success(try control.read(into: buffer)) } catch {
                    return .failure(error)
                }
            }
            n = try read.get()
        } catch  where error.code == .ECONNRESET {
            n = 0  // It died with a handshake unread. What the page says tells more.
        } catch { throw .system(error) }
        return n == 1 ? byte : nil
    }

    /// Why the child does not go on.
    func whyNot(_ compiled: CompiledPlan, _ process: borrowing ProcessHandle) -> LaunchError {
        let report = compiled.page.report
        return report.state == LAUNCH_FAILED ? failure(report) : died(report, process)
    }

    /// Engines ask at the creation whether the command is there, and not at the start.
    private func checkCommand(of process: borrowing ProcessHandle) throws(LaunchError) {
        let path = "/proc/\(process.identifier)/root"
        guard let root = try? Descriptor.workingDirectory.openFollowing(path, O_PATH | O_DIRECTORY) else { return }
        let target = ExecTarget(plan)
        if let (why, code) = target.refusal(in: root.view) { throw .exec(command: target.command, why, code) }
    }

    private func failure(_ report: ResultPage.Report) -> LaunchError {
        let number = max(1, min(report.step, plan.execNumber))
        guard let step = plan.step(number) else { return .system(SystemError("clone3", "", report.code)) }
        if case .exec = step {
            let target = ExecTarget(plan)
            return .exec(
                command: target.command, target.diagnosis(report.code, in: inputs.root.view), report.code)
        }
        return .step(number: number, count: count, step, report.error)
    }

    private func died(_ report: ResultPage.Report, _ process: borrowing ProcessHandle) -> LaunchError {
        try? process.send(SIGKILL)
        let end: ProcessEnd
        do throws(SystemError) { end = try process.wait() } catch { return .system(error) }
        if report.state == LAUNCH_BORN, case .exited(let code) = end.cause {
            // Without the arena it had nothing to report on but its exit code.
            return .clone(
                number: plan.before.count + 1, count: count,
                SystemError("mmap", "the plan", Errno(rawValue: code)))
        }
        let step = plan.step(report.step)
        let kills = try? group?.oomKills()
        return .died(number: report.step, count: count, step, end, outOfMemory: (kills ?? 0) > 0)
    }
}
