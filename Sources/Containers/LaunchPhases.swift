internal import Linux

/// Work of the runtime before a plan is carried out, for the timeline: what, and when it had ended.
package struct LaunchPhases: Sendable {
    /// One piece of work, and the clocks at its end, in nanoseconds.
    package struct Phase: Sendable {
        package let name: String
        package let wall: UInt64
        package let processor: UInt64
    }

    private let isMeasured: Bool
    /// In their order; none where nothing is measured.
    package private(set) var all: [Phase] = []

    /// `measured`: there will be a timeline. Else a launch is spared the clocks.
    package init(measured: Bool) { isMeasured = measured }

    /// Work that `name` tells of ends now, and the next begins.
    package mutating func end(_ name: @autoclosure () -> String) {
        guard isMeasured else { return }
        all.append(Phase(name: name(), wall: Clock.monotonic(), processor: Clock.processor()))
    }
}
