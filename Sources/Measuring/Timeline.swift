package import Launching
package import Planning

/// Where the time of a launch went: the same steps with the same numbers as the plan prints, with what each took.
package struct Timeline: Sendable {
    /// A line of it.
    package struct Row: Hashable, Sendable {
        /// The step's number in the plan; nil: work before the plan is carried out.
        package let number: Int?
        package let actor: String
        package let text: String
        /// When it began, and how long it took, in nanoseconds; the begin counts from the timeline's.
        package let begin: UInt64
        package let wall: UInt64
        /// Processor time of the actor; nil where it can't be known: of the step that ends in another program.
        package let processor: UInt64?
    }

    package let rows: [Row]
    /// From the timeline's begin, in nanoseconds: what comes later, such as hooks, does not hold the command up.
    private let commandBegan: UInt64

    /// Joins the plan with what was measured. `began` is when the command began, `phases` its work until the launch,
    /// each with its end.
    package init(
        plan: LaunchPlan, times: LaunchTimes, began: (wall: UInt64, processor: UInt64),
        phases: [(name: String, wall: UInt64, processor: UInt64)]
    ) {
        var rows: [Row] = []
        var last = began
        for phase in phases {
            rows.append(
                Row(
                    number: nil, actor: "runtime", text: phase.name, begin: last.wall - began.wall,
                    wall: phase.wall - last.wall, processor: phase.processor - last.processor))
            last = (phase.wall, phase.processor)
        }
        let texts = Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.number, $0.text(in: plan)) })
        var runtime = (wall: times.start.wall, processor: UInt64(0))
        var child = times.stageStart ?? (times.start.wall, 0)
        for mark in times.marks {
            let isRuntime = mark.actor == .runtime
            let before = isRuntime ? runtime : child
            let isExec = !isRuntime && mark.processor == 0
            rows.append(
                Row(
                    number: mark.number, actor: mark.actor.rawValue, text: texts[mark.number] ?? "",
                    begin: Timeline.difference(before.wall, began.wall),
                    wall: Timeline.difference(mark.wall, before.wall),
                    processor: isExec ? nil : Timeline.difference(mark.processor, before.processor)))
            if isRuntime { runtime = (mark.wall, mark.processor) } else { child = (mark.wall, mark.processor) }
        }
        self.rows = rows
        let exec = plan.execNumber
        commandBegan = rows.filter { $0.number ?? 0 <= exec }.map { $0.begin + $0.wall }.max() ?? 0
    }

    /// A clock that was read on another processor may be some nanoseconds behind.
    private static func difference(_ a: UInt64, _ b: UInt64) -> UInt64 { a > b ? a - b : 0 }

    /// As a table: number, actor, when it began, wall time and processor time in milliseconds, and the step.
    package var text: String {
        var out = "  #  actor      at ms   wall ms    cpu ms  step\n"
        for row in rows {
            out += pad(row.number.map { String($0) } ?? "-", 3) + "  "
            out += row.actor + String(repeating: " ", count: max(0, 7 - row.actor.utf8.count))
            out += pad(milliseconds(row.begin), 9) + pad(milliseconds(row.wall), 10)
            out += pad(row.processor.map { milliseconds($0) } ?? "-", 10) + "  " + row.text + "\n"
        }
        return out + "the command began after \(milliseconds(commandBegan)) ms\n"
    }

    private func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.utf8.count)) + text
    }

    private func milliseconds(_ nanoseconds: UInt64) -> String {
        let thousandths = (nanoseconds + 500) / 1000
        let rest = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
    }
}
