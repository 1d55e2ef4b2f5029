import Testing

@testable import Pods

/// The phases, states and conditions of Kubernetes' "Pod Lifecycle", row by row of its tables and of its examples of containers
/// that end.
@Suite struct PodPhaseTests {
    /// What a container is to have come to: `-` it has never run, `r` it runs, a number is its exit code, `b` it waits to be
    /// begun again.
    private static func life(_ word: String, isInit: Bool, isSidecar: Bool = false) -> ContainerLife {
        var life = ContainerLife(
            name: word, image: "i", isInit: isInit, isSidecar: isSidecar,
            waiting: isInit ? "PodInitializing" : "ContainerCreating")
        let end = ContainerLife.Termination(exitCode: 1, reason: "Error", finishedAt: 1)
        switch word {
        case "-": break
        case "r":
            life.state = .running(since: 1)
            (life.isStarted, life.isBegun) = (true, true)
            life.isReady = !isInit || isSidecar
        case "b":
            life.state = .waiting(reason: "CrashLoopBackOff", message: nil)
            life.last = end
        default:
            let code = Int32(word) ?? 0
            life.state = .terminated(
                .init(exitCode: code, reason: code == 0 ? "Completed" : "Error", finishedAt: 1))
        }
        return life
    }

    struct Row: Sendable {
        /// As the documentation says it.
        let what: String
        /// Of init containers, of sidecars (`s` in front), and behind the bar of the containers.
        let containers: String
        let policies: [Manifest.RestartPolicy]
        let phase: PodStatus.Phase
        /// What kubectl shows in the place of the phase; nil: that.
        var reason: String?
    }

    private static let all = Manifest.RestartPolicy.allCases

    static let rows: [Row] = [
        // "Pod phase", the table.
        Row(
            what: "Pending: accepted, one or more of the containers not set up and made ready to run",
            containers: "| - r", policies: all, phase: .pending, reason: "ContainerCreating"),
        Row(
            what: "Pending: the time before all init containers have completed",
            containers: "0 r | -", policies: all, phase: .pending, reason: "Init:1/2"),
        Row(
            what: "Running: all of the containers have been created, at least one is still running",
            containers: "0 | r r", policies: all, phase: .running),
        Row(
            what: "Running: at least one is in the process of starting or restarting",
            containers: "| b", policies: [.always, .onFailure], phase: .running, reason: "CrashLoopBackOff"),
        Row(
            what: "Succeeded: all containers have terminated in success, and will not be restarted",
            containers: "0 | 0 0", policies: [.onFailure, .never], phase: .succeeded, reason: "Completed"),
        Row(
            what: "Failed: all containers have terminated, and at least one has terminated in failure",
            containers: "| 0 3", policies: [.never], phase: .failed, reason: "Error"),
        // The examples of what happens as containers end.
        Row(
            what: "two containers, one exits with failure, Never: the phase stays Running",
            containers: "| 1 r", policies: [.never], phase: .running),
        Row(
            what: "... and is restarted with Always and OnFailure: the phase stays Running",
            containers: "| b r", policies: [.always, .onFailure], phase: .running, reason: "CrashLoopBackOff"),
        Row(
            what: "if the first is not running, and the second exits, Never: the phase becomes Failed",
            containers: "| 1 0", policies: [.never], phase: .failed, reason: "Error"),
        Row(
            what: "a container runs out of memory with Never: log it, the phase becomes Failed",
            containers: "| 137", policies: [.never], phase: .failed, reason: "Error"),
        // "Init Containers", "Detailed behavior".
        Row(
            what: "an init container fails with Never: the overall Pod is failed",
            containers: "1 | -", policies: [.never], phase: .failed, reason: "Init:Error"),
        Row(
            what: "... and is retried with another policy",
            containers: "b | -", policies: [.always, .onFailure], phase: .pending, reason: "Init:CrashLoopBackOff"),
        // "Sidecar Containers".
        Row(
            what: "a sidecar that runs lets the next begin",
            containers: "sr | -", policies: all, phase: .pending, reason: "ContainerCreating"),
        Row(
            what: "one that has not started keeps the Pod from being initialized",
            containers: "s- | -", policies: all, phase: .pending, reason: "Init:0/1"),
        Row(
            what: "a Pod is not kept from Running by a sidecar that restarts",
            containers: "sb | r", policies: all, phase: .running),
        Row(
            what: "a sidecar that is still there keeps the Pod Running",
            containers: "sr | 0", policies: [.never, .onFailure], phase: .running, reason: "Completed"),
        Row(
            what: "what a sidecar exits with is ignored",
            containers: "s143 | 0", policies: [.never, .onFailure], phase: .succeeded, reason: "Completed"),
        Row(
            what: "... also where it would have been restarted",
            containers: "sb | 0", policies: [.never], phase: .succeeded, reason: "Completed"),
    ]

    @Test("Phases and reasons as the documentation has them", arguments: rows) func phases(_ row: Row) throws {
        let sides = row.containers.split(separator: "|", omittingEmptySubsequences: false)
        let lives =
            sides[0].split(separator: " ").map { word in
                Self.life(String(word.drop { $0 == "s" }), isInit: true, isSidecar: word.hasPrefix("s"))
            } + sides[1].split(separator: " ").map { Self.life(String($0), isInit: false) }
        for policy in row.policies {
            let phase = PodPhase(lives, policy)
            #expect(phase.phase == row.phase, "\(row.what), \(policy)")
            #expect(phase.reason == row.reason, "\(row.what), \(policy)")
        }
    }

    @Test("The words are those of the API: phases, states, reasons, conditions") func words() {
        #expect(
            [PodStatus.Phase.pending, .running, .succeeded, .failed].map(\.rawValue) == [
                "Pending", "Running", "Succeeded", "Failed",
            ])
        let types = PodPhase([Self.life("r", isInit: false)], .never).conditions(of: .running).map { $0.text() }
        for type in ["Initialized", "Ready", "ContainersReady"] {
            #expect(types.contains(#"{"type":"\#(type)","status":"True"}"#), "\(types)")
        }
        for (word, state) in [("-", "waiting"), ("r", "running"), ("0", "terminated")] {
            #expect(Self.life(word, isInit: false).statusJSON.text().contains("\"state\":{\"\(state)\":{"))
        }
    }
}
