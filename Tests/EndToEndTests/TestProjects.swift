import Foundation
import Testing

/// A tenant who works in containers, with workspaces of one test's own.
struct TestProjects: Sendable {
    let tenant: TestTenant
    /// Where the workspaces of all tenants of ``configuration`` are.
    let workspaces: String
    let configuration: String

    /// `members` are further members of the configuration, `limits` of its defaults.
    init(_ name: String, limits: String = "", members: String = "", beside other: TestProjects? = nil) throws {
        let directory = Perigee.shared.directory + "/projects-\(name)"
        workspaces = other?.workspaces ?? directory + "/workspaces"
        configuration = other?.configuration ?? directory + "/config.json"
        tenant = TestTenant(name, configuration: configuration)
        if other == nil {
            try FileManager.default.createDirectory(atPath: workspaces, withIntermediateDirectories: true)
            try configure(limits, members)
        }
    }

    func configure(_ limits: String = "", _ members: String = "") throws {
        let text = """
            {"defaults": {"workspace": "\(workspaces)/{tenant}", "max_pods": 4, "memory": "64m"\(limits)}\(members)}
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: configuration)
    }

    func workspace(_ project: String) -> String { "\(workspaces)/\(tenant.name)/\(project)" }

    /// `perigee container VERB --tenant NAME ...`
    @discardableResult
    func container(_ verb: String, _ arguments: String...) -> Perigee.Outcome {
        tenant.run(["container", verb, "--tenant", tenant.name] + arguments)
    }

    /// One of the demo's image, in the background; `words` are options, and a command behind `--`.
    @discardableResult
    func deploy(_ project: String, image: String = "demo-host", _ words: String...) -> Perigee.Outcome {
        let options = ["container", "deploy", "--tenant", tenant.name, "--image", image, "--background"]
        return tenant.run(options + [project] + words)
    }

    /// What `script` prints in the container.
    func inside(_ project: String, _ script: String) -> String {
        let outcome = tenant.run(["pod", "exec", "--tenant", tenant.name, project, "--", "sh", "-c", script])
        return outcome.output + outcome.errors
    }

    /// What `container list --all` says of it.
    func state(_ project: String) throws -> [String: Any] {
        let text = container("list", "--all", "--format", "json").output
        let all = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]], "\(text)")
        return try #require(all.first { $0["name"] as? String == project }, "\(text)")
    }

    /// Waits, at most three minutes, for that: hosts have been seen to stand still for one.
    func await(_ project: String, _ status: String) throws {
        let end = Date().addingTimeInterval(180)
        while true {
            let now = try state(project)
            if now["status"] as? String == status { return }
            try #require(Date() < end, "\(now)")
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// A shell command with `$perigee` for the executable and its global options, and `$tenant`.
    func shell(_ text: String) -> Perigee.Outcome {
        let words = tenant.perigee.command(["--config-file", configuration]).joined(separator: " ")
        return Perigee.shell("perigee='\(words)'; tenant='--tenant \(tenant.name)'; \(text)")
    }

    @discardableResult
    func clean() -> [String] { tenant.clean() }
}
