import Foundation
import Testing

/// `perigee limits`, and configurations that are wrong.
@Suite(.serialized) struct LimitsTests {
    static let section = "Tenants, limits and nodes"
    static let scene = Scene("limits")
    private var perigee: Perigee { Self.scene.perigee }

    /// Writes a configuration, and tells where.
    private static func configuration(_ text: String, in scene: Scene) throws -> String {
        let path = scene.perigee.directory + "/config-\(UUID().uuidString).json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        return path
    }

    private static let example = """
        {"defaults": {"memory": "256m"}, "groups": {"lab": {"max_runtime_h": 48}},
         "tenants": {"acme": {"group": "lab", "max_pods": 3, "mode": "parallel", "uids": [65534]}, "other": {}}}
        """

    @Test("each value with what it comes from, for people and for programs")
    func limits() throws {
        let path = try Self.configuration(Self.example, in: Self.scene)
        let table = perigee.run(["--config-file", path, "limits", "--tenant", "acme"])
        #expect(table.status == 0, "\(table.errors)")
        #expect(table.output.hasPrefix("tenant acme, group lab; configuration: \(path)\n"))
        func row(_ name: String) -> [Substring]? {
            table.output.split(separator: "\n").first { $0.hasPrefix(name + " ") }?.split(separator: " ")
        }
        #expect(row("memory") == ["memory", "256.0", "MiB", "defaults", "0", "B"])
        #expect(row("max_pods") == ["max_pods", "3", "tenant", "acme", "0"])
        #expect(row("max_runtime_h") == ["max_runtime_h", "48", "group", "lab", "-"])
        #expect(row("pids") == ["pids", "512", "built-in", "0"])
        let text = perigee.run(["--config-file", path, "limits", "--tenant", "acme", "--json"]).output
        let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["tenant"] as? String == "acme" && object["group"] as? String == "lab")
        let rows = try #require(object["limits"] as? [String: [String: Any]])
        #expect(rows["memory"]?["value"] as? Int == 256 << 20)
        #expect(rows["memory"]?["source"] as? String == "defaults")
        #expect(rows["rootfs_size"]?["value"] is NSNull)
        #expect(rows["mode"]?["value"] as? String == "parallel")
    }

    @Test("the variable names the file too, and an edit is seen at once")
    func variable() throws {
        let path = try Self.configuration(#"{"defaults": {"pids": 7}}"#, in: Self.scene)
        func pids() -> String {
            let words = ["env", "PERIGEE_CONFIG=\(path)"] + perigee.command(["limits"])
            return Perigee.execute(words).output.split(separator: "\n").first { $0.hasPrefix("pids ") }.map(String.init)
                ?? ""
        }
        #expect(pids().contains(" 7 "))
        try Data(#"{"defaults": {"pids": 8}}"#.utf8).write(to: URL(fileURLWithPath: path))
        #expect(pids().contains(" 8 "))
    }

    @Test("a caller who is not root sees his own tenant's, and no other's")
    func callers() throws {
        let path = try Self.configuration(Self.example, in: Self.scene)
        func perform(_ user: String, _ words: [String]) -> Perigee.Outcome {
            let nobody = ["setpriv", "--reuid=\(user)", "--regid=65534", "--clear-groups"]
            return Perigee.execute(nobody + perigee.command(["--config-file", path] + words))
        }
        func run(_ user: String, _ arguments: String...) -> Perigee.Outcome { perform(user, ["limits"] + arguments) }
        let own = run("65534")
        #expect(own.status == 0 && own.output.hasPrefix("tenant acme, group lab"), "\(own.errors)")
        let other = run("65534", "--tenant", "other")
        #expect(other.status == 5)
        #expect(other.errors.hasPrefix("perigee: Permission denied: you are tenant acme, and not other\n"))
        // What is root's is refused as such.
        for words in [
            ["pod", "list"], ["volume", "list"], ["pod", "run", "--detach", "--image", "demo-host", "true"],
        ] {
            let refused = perform("65534", words)
            #expect(refused.status == 5 && refused.errors.contains(": sudo perigee"), "\(words): \(refused)")
        }
        let stranger = run("65533")
        #expect(stranger.status == 5 && stranger.errors.hasPrefix("perigee: user 65533 has no tenant\n"))
    }

    private static func wrong(_ input: String, _ text: String, mode: Int = 0o644) -> BadInput {
        BadInput(input, 2) { scene in
            let path = try configuration(text, in: scene)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            return .init(words: ["--config-file", path, "limits"], placeholders: [(path, "CONFIG")])
        }
    }

    static let cases: [BadInput] = [
        wrong("a configuration that is no JSON", "{\"defaults\": {"),
        wrong("a key that is misspelt", #"{"defaults": {"max_pod": 3}}"#),
        wrong("a key that is none", #"{"defaults": {"colour": "red"}}"#),
        wrong("a key that stands twice", #"{"defaults": {"pids": 1, "pids": 2}}"#),
        wrong("a size that is none", #"{"tenants": {"acme": {"memory": "lots"}}}"#),
        wrong("a log without room for a line", #"{"defaults": {"log_size": 4095}}"#),
        wrong("a writable layer without room for a file system", #"{"defaults": {"rootfs_size": "64k"}}"#),
        wrong("no pods at all", #"{"tenants": {"acme": {"max_pods": 0}}}"#),
        wrong("a place for workspaces that climbs", #"{"defaults": {"workspace": "~/../bob"}}"#),
        wrong("a place for workspaces that is relative", #"{"tenants": {"acme": {"workspace": "workspace"}}}"#),
        wrong("a mode that is none", #"{"groups": {"lab": {"mode": "both"}}}"#),
        wrong(
            "no time to stop in: T is not less than G",
            #"{"tenants": {"acme": {"grace_seconds": 20}}}"#),
        wrong("a tenant of a group that there is not", #"{"tenants": {"acme": {"group": "lab"}}}"#),
        wrong("a user of two tenants", #"{"tenants": {"acme": {"uids": [7]}, "other": {"uids": [7]}}}"#),
        wrong("a node that is none", #"{"nodes": {"tpu": {}}}"#),
        wrong("a default node that is none", #"{"default_node": "tpu"}"#),
        wrong("a node's device outside /dev", #"{"nodes": {"fpga": {"devices": ["/etc/shadow"]}}}"#),
        wrong("a CDI device that is none", #"{"nodes": {"gpu": {"cdi": "gpu0"}}}"#),
        wrong("a configuration that others may write", "{}", mode: 0o666),
        BadInput("a configuration that is not there", 4, ["--config-file", "/nosuch/config.json", "limits"]),
        BadInput("a configuration that is a FIFO", 2) { scene in
            let path = scene.perigee.directory + "/config-fifo"
            mkfifo(path, 0o600)
            return .init(words: ["--config-file", path, "limits"], placeholders: [(path, "CONFIG")])
        },
        BadInput("a configuration of 10 MB", 2) { scene in
            let path = try configuration(String(repeating: " ", count: 10 << 20), in: scene)
            return .init(words: ["--config-file", path, "limits"], placeholders: [(path, "CONFIG")])
        },
        BadInput("a tenant's name that is none", 2, ["limits", "--tenant", "Acme"]),
    ]

    @Test("what is wrong with a configuration", arguments: cases)
    func refused(_ bad: BadInput) throws { try bad.check(in: Self.scene, section: Self.section) }
}
