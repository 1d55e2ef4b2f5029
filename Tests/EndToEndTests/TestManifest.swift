import Foundation

/// Manifests of Pods for tests: files of a tenant's own.
enum TestManifest {
    /// A Pod of the host's demo image with these containers; each is its name, a command for /bin/sh, and further lines.
    static func pod(_ name: String, spec: String = "", initial: [String] = [], _ containers: String...) -> String {
        var text = "apiVersion: v1\nkind: Pod\nmetadata: {name: \(name)}\nspec:\n"
        text += spec.split(separator: "\n").map { "  \($0)\n" }.joined()
        if !initial.isEmpty { text += "  initContainers:\n" + initial.joined() }
        return text + "  containers:\n" + containers.joined()
    }

    static func container(_ name: String, _ command: String, _ more: String = "") -> String {
        // What Swift escapes and YAML does not know.
        let quoted = String(reflecting: command).replacing("\\'", with: "'")
        var text = "  - name: \(name)\n    image: demo-host\n    command: [/bin/sh, -c, \(quoted)]\n"
        text += more.split(separator: "\n").map { "    \($0)\n" }.joined()
        return text
    }

    /// Writes it to a file.
    static func file(_ tenant: TestTenant, _ text: String) throws -> String {
        let directory = Perigee.shared.directory + "/manifests-\(tenant.name)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/pod.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}

extension TestTenant {
    /// `pod run --detach` of a manifest.
    @discardableResult
    func apply(_ manifest: String) throws -> Perigee.Outcome {
        run(["pod", "run", "--detach", "--tenant", name, try TestManifest.file(self, manifest)])
    }
}

extension TestTenant.Status {
    /// core/v1 ContainerStatus of a container.
    func container(_ name: String) -> [String: Any] {
        let all = ["initContainerStatuses", "containerStatuses"].flatMap { data[$0] as? [[String: Any]] ?? [] }
        return all.first { $0["name"] as? String == name } ?? [:]
    }

    /// `waiting`, `running` or `terminated`, with what is said of it.
    func state(of name: String, _ key: String = "state") -> (kind: String, fields: [String: Any]) {
        let state = container(name)[key] as? [String: [String: Any]] ?? [:]
        return (state.keys.first ?? "", state.values.first ?? [:])
    }

    /// `True` or `False`, of a condition.
    func condition(_ type: String) -> String? {
        (data["conditions"] as? [[String: String]])?.first { $0["type"] == type }?["status"]
    }
}
