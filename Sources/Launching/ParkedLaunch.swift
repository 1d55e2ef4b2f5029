internal import CLaunch
internal import Glibc
package import Linux
package import OCI
package import Planning

/// A launch whose child has done all but the last steps, and waits for its start: by another command, when the one that
/// made it is gone. What that command must know of the plan is written down.
package struct ParkedLaunch: Hashable, Sendable {
    /// Number of the first step after the start, and of all.
    private var first: Int
    private var count: Int
    /// From the first step on.
    private var titles: [String]
    private var target: ExecTarget
    /// What the starter runs before and after; nil: nothing.
    package var hooks: Hooks?
    /// Where it sends the listener of the filter; nil: there is none.
    package var listener: FilterListener?

    /// Where starter and child meet.
    package struct Place: ~Copyable {
        /// Both ways, so that it never ends.
        let fifo: OwnedDescriptor
        /// For the compiled plan, whose result page the starter reads.
        let plan: OwnedDescriptor

        package static let fifoName = "start"
        package static let planName = "plan"

        /// Makes both in `directory`.
        package static func make(in directory: Descriptor) throws(SystemError) -> Place {
            try directory.makeNode(fifoName, mode: UInt32(S_IFIFO) | 0o600, device: 0)
            let plan = try directory.open(planName, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            return Place(try directory.open(fifoName, O_RDWR), plan)
        }

        private init(_ fifo: consuming OwnedDescriptor, _ plan: consuming OwnedDescriptor) {
            self.fifo = fifo
            self.plan = plan
        }
    }

    /// Of a plan that parks.
    package init(_ plan: LaunchPlan) {
        let parked = plan.child.firstIndex { if case .park = $0 { true } else { false } } ?? 0
        let firstOfChild = plan.before.count + 2 + plan.beside.count
        first = firstOfChild + parked + 1
        count = firstOfChild + plan.child.count - 1
        titles = plan.child[(parked + 1)...].map(\.title)
        target = ExecTarget(plan)
    }
}

// MARK: - As JSON

extension ParkedLaunch {
    package init(_ json: JSON) throws(JSONError) {
        first = try json.required("first").integer()
        count = try json.required("count").integer()
        titles = try json.required("titles").strings()
        target = try ExecTarget(try json.required("target"))
        if let object = json["hooks"] {
            do throws(SpecError) { hooks = try Hooks.read(object) } catch { throw JSONError("/hooks", "\(error)") }
        }
        if let object = json["listener"] { listener = try FilterListener(object) }
    }

    package var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = [
            ("first", .integer(Int64(first))), ("count", .integer(Int64(count))), ("titles", .strings(titles)),
            ("target", target.json),
        ]
        if let hooks { members.append(("hooks", hooks.json)) }
        if let listener { members.append(("listener", listener.json)) }
        return .object(members)
    }
}

// MARK: - The start

extension ParkedLaunch {
    /// Milliseconds between two looks at the page, where only a failure shows; a command that is executed closes the
    /// FIFO, which is seen at once.
    private static let interval: Int32 = 5
    /// How long one that has failed is waited for, in milliseconds.
    private static let patience: Int32 = 2000

    /// Whether the child still waits: nobody else has the FIFO in `directory` open to read.
    package static func isWaiting(in directory: Descriptor) throws(SystemError) -> Bool {
        try openFifo(directory) != nil
    }

    /// To write to; nil: nobody reads, or it is gone.
    private static func openFifo(_ directory: Descriptor) throws(SystemError) -> OwnedDescriptor? {
        do throws(SystemError) { return try directory.open(Place.fifoName, O_WRONLY | O_NONBLOCK) } catch {
            if error.code == .ENXIO || error.code == .ENOENT { return nil }
            throw error
        }
    }

    /// Starts the command of the child that waits in `directory`, and returns when it is being executed. `process` is
    /// the child.
    ///
    /// - Returns: false: there is no child any more that waits.
    package func start(in directory: Descriptor, process: Int32) throws(LaunchError) -> Bool {
        let error: LaunchError?
        do throws(SystemError) {
            guard let fifo = try ParkedLaunch.openFifo(directory) else { return false }
            // Who reads may be dead the next moment: then writing is to fail.
            try SignalSource.hold([SIGPIPE])
            let plan = try directory.open(Place.planName, O_RDWR)
            let size = Int(try plan.view.status().size)
            guard size > 0 else { throw SystemError("mmap", Place.planName, .EINVAL) }
            let mapping = try MemoryFile.Mapping(plan.view, size: size)
            guard let page = ResultPage(mapping.bytes) else { throw SystemError("mmap", Place.planName, .EINVAL) }
            // The root can be looked through as long as the child is there.
            let root = try Descriptor.workingDirectory.openFollowing("/proc/\(process)/root", O_PATH | O_DIRECTORY)
            try fifo.view.write([1])
            error = try outcome(page, fifo.view, root.view, process)
            _ = consume mapping
        } catch { throw .system(error) }
        if let error { throw error }
        return true
    }

    /// Returns when the command is being executed, or why it is not.
    private func outcome(
        _ page: ResultPage, _ fifo: Descriptor, _ root: Descriptor, _ process: Int32
    ) throws(SystemError) -> LaunchError? {
        var listener = listener
        while true {
            let isClosed = try Poll.readable([fifo], timeout: ParkedLaunch.interval)[0]
            if let receiver = listener, let made = page.listener, !isClosed {
                listener = nil
                try receiver.send(made, of: ProcessHandle(opening: process))
                page.takeListener()
                do throws(SystemError) { try fifo.write([1]) } catch  where error.code == .EPIPE {}
            }
            let report = page.report
            if report.state == LAUNCH_FAILED {
                let error = failure(report, in: root)
                // Now it may go. It may be gone already.
                let dying: ProcessHandle? = try? ProcessHandle(opening: process)
                do throws(SystemError) { try fifo.write([1]) } catch  where error.code == .EPIPE {}
                // Who has been told may delete it at once.
                if let dying {
                    _ = try? Poll.readable([dying.view], timeout: ParkedLaunch.patience)
                    _ = consume dying
                }
                return error
            }
            guard isClosed else { continue }
            if report.state == LAUNCH_EXECUTING { return nil }
            return .laterStep(
                number: report.step, count: count, title(report.step),
                SystemError("wait", "", detail: "the container's first process was killed,", .ESRCH))
        }
    }

    private func title(_ number: Int) -> String {
        titles.indices.contains(number - first) ? titles[number - first] : "a step before the start"
    }

    private func failure(_ report: ResultPage.Report, in root: Descriptor) -> LaunchError {
        if report.step == count {
            return .exec(command: target.command, target.diagnosis(report.code, in: root), report.code)
        }
        return .laterStep(number: report.step, count: count, title(report.step), report.error)
    }
}
