import Foundation
import Testing

/// A tenant of one test's own, with the pods that it submits. They are removed with ``clean()``.
struct TestTenant: Sendable {
    let name: String
    let perigee: Perigee

    /// The host's configuration; nil: there is none.
    let configuration: String?

    init(_ name: String, in perigee: Perigee = .shared, configuration: String? = nil) {
        self.name = name
        self.perigee = perigee
        self.configuration = configuration
    }

    /// Runs `perigee` with the configuration.
    func run(_ words: [String]) -> Perigee.Outcome {
        perigee.run((configuration.map { ["--config-file", $0] } ?? []) + words)
    }

    /// `perigee pod VERB --tenant NAME ...`
    @discardableResult
    func pod(_ verb: String, _ arguments: String...) -> Perigee.Outcome {
        run(["pod", verb, "--tenant", name] + arguments)
    }

    /// Submits a pod, with options and a command string behind them, and returns when it is accepted.
    @discardableResult
    func submit(_ pod: String, image: String = "demo-host", _ words: String...) -> Perigee.Outcome {
        run(["pod", "run", "--image", image, "--detach", "--tenant", name, "--name", pod] + words)
    }

    func list() throws -> [[String: Any]] {
        let text = pod("list", "--json").output
        return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]], "\(text)")
    }

    /// What `pod status` says of it: its `data`.
    func status(_ pod: String) throws -> Status {
        let outcome = self.pod("status", pod)
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return Status(data: try #require(object?["data"] as? [String: Any], "\(outcome.errors)"))
    }

    /// Waits, at most three minutes, until the pod's status is as is asked.
    func await(_ pod: String, _ condition: (Status) -> Bool) throws {
        let end = Date().addingTimeInterval(180)
        while true {
            let status = try status(pod)
            if condition(status) { return }
            try #require(Date() < end, "\(status.data)")
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    /// Waits until the pod has printed `text`, and no more.
    func awaitOutput(_ pod: String, _ text: String) -> Bool { eventually { self.pod("logs", pod).output == text } }

    /// The process that stays with the pod; nil: there is none now.
    func supervisor(of pod: String) -> Int32? {
        let words = "^perigee --root \(perigee.root) .* pod supervise \(name)-\(pod)-"
        return Perigee.execute(["pgrep", "-f", words]).output.split(separator: "\n").first.flatMap { Int32($0) }
    }

    /// Kills it, as often as there is a new one, once.
    @discardableResult
    func killSupervisor(of pod: String) -> Bool {
        guard let process = supervisor(of: pod) else { return false }
        return kill(process, SIGKILL) == 0
    }

    /// Removes all its pods, whatever they do, and tells what is left of them.
    @discardableResult
    func clean() -> [String] {
        for entry in (try? list()) ?? [] {
            if let id = entry["id"] as? String { pod("rm", "--force", id) }
        }
        return leftovers()
    }

    /// What the host has of this tenant's pods: processes, groups, mounts and directories.
    func leftovers() -> [String] {
        let directories = ["\(perigee.root)", "\(perigee.store)/containers", "\(perigee.store)/pods"].joined(
            separator: " ")
        let found = Perigee.shell(
            """
            pgrep -a -f '^perigee --root \(perigee.root) .* pod supervise \(name)-'
            find /sys/fs/cgroup -maxdepth 4 -type d -name '\(perigee.identifier).\(name)-*'
            grep -F '\(perigee.identifier).\(name)-' /proc/self/mountinfo
            find \(directories) -maxdepth 2 '(' -name '\(name)-*' -o -name '*.\(name)-*' ')'
            """)
        return found.output.split(separator: "\n").map(String.init)
    }

    struct Status {
        let data: [String: Any]
        var phase: String { data["phase"] as? String ?? "" }
        var reason: String { data["reason"] as? String ?? "" }
        var message: String { data["message"] as? String ?? "" }
        /// Kubernetes' ContainerState: one of `waiting`, `running`, `terminated`.
        var state: [String: [String: Any]] { data["state"] as? [String: [String: Any]] ?? [:] }
        var exitCode: Int? { state["terminated"]?["exitCode"] as? Int }
    }
}
