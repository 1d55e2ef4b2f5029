/// What a container's first process does where it does not run the command itself: it takes in orphans, passes signals on
/// to the command's process group, and writes down how the command ended (`CShims/Stage/init.c`).
package struct ContainerInit: Hashable, Sendable {
    /// Whose processes it looks after.
    package enum Role: Hashable, Sendable {
        /// Of a container with a pid namespace of its own, in which it is the first.
        case own
        /// Of one of several containers that share a pid namespace. What the command leaves and it can't end, whoever sees the
        /// container's end ends.
        case member
        /// It is the first in a pid namespace for several containers, and has no command: that of the plan is never executed.
        case sandbox
    }

    package var role = Role.own
    /// What ends the command at its deadline.
    package var stopSignal: Int32
    /// Milliseconds from the stop signal to KILL.
    package var grace: UInt32
    /// When the command's time is over, in nanoseconds of `CLOCK_BOOTTIME`, if nobody outside has seen to it; 0: never.
    package var deadline: UInt64
    /// It holds a lock, which others wait for, until all of the container's processes are dead.
    package var holdsLock = false

    package init(stopSignal: Int32, grace: UInt32, deadline: UInt64) {
        self.stopSignal = stopSignal
        self.grace = grace
        self.deadline = deadline
    }

    /// `stay as init: …`
    func text(record index: Int, lock: Int?) -> String {
        (role == .sandbox
            ? "stay as init of a pid namespace for others; no command"
            : "stay as init\(role == .member ? " beside others" : ""), the command is its child; "
                + "its end is written to descriptor \(index)")
            + (lock.map { "; descriptor \($0) is kept until nothing else is left" } ?? "")
            + (deadline == 0 ? "" : "; signal \(stopSignal) at its deadline, KILL \(grace) ms later")
    }
}
