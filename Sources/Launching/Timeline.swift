package import Planning

/// When each step of a launch had ended, on clocks in nanoseconds.
package struct LaunchTimes: Sendable {
    /// One step's end.
    package struct Mark: Sendable {
        /// The step's number in the plan.
        package let number: Int
        package let actor: PlanActor
        /// On the monotonic clock.
        package let wall: UInt64
        /// Of the actor, since it began.
        package let processor: UInt64
    }

    /// When the launcher began: monotonic, and processor time of the runtime then.
    package var start: (wall: UInt64, processor: UInt64)
    /// When the stage began, and its processor time then; nil if it never did.
    package var stageStart: (wall: UInt64, processor: UInt64)?
    package var marks: [Mark] = []
}
