import Testing

@testable import Pods

/// Task files as texts, read for the tenant client1.
enum TaskText {
    static func read(_ text: String, tenant: String = "client1", reuse: Bool = false) throws(PodsError) -> TaskFile {
        var rules = TaskFile.Rules()
        rules.allowsSequentialReuse = reuse
        return try TaskFile.parse(Array(text.utf8), name: "f", tenant: tenant, rules: rules)
    }

    /// What is wrong with `text`, as `LINE:COLUMN: MESSAGE`.
    static func problems(_ text: String, tenant: String = "client1", reuse: Bool = false) -> [String] {
        problems(of: Array(text.utf8), tenant: tenant, reuse: reuse)
    }

    static func problems(of bytes: [UInt8], tenant: String = "client1", reuse: Bool = false) -> [String] {
        var rules = TaskFile.Rules()
        rules.allowsSequentialReuse = reuse
        do throws(PodsError) {
            _ = try TaskFile.parse(bytes, name: "f", tenant: tenant, rules: rules)
            return []
        } catch {
            guard case .invalidTaskFile(_, let problems, _) = error else { return ["\(error)"] }
            return problems.map { String($0.text(of: "").dropFirst()) }
        }
    }

    /// A pod run with all that must be, and `more` lines behind it.
    static func pod(_ id: String = "A", name: String? = nil, _ more: String...) -> String {
        let lines = [
            "- id: \(id)", "  type: dphi.space.cg2.pod.run", "  pod_name: \(name ?? id.lowercased())",
            "  image: {name: python, tag: 3.10}", "  volume: payload",
        ]
        return (lines + more.flatMap { $0.split(separator: "\n").map { "  " + $0 } }).joined(separator: "\n") + "\n"
    }

    static func uplink(_ id: String = "U", source: String = "[a.py]", _ more: String...) -> String {
        let lines = [
            "- id: \(id)", "  type: dphi.space.cg2.uplink", "  source: \(source)", "  destination: /",
            "  volume: payload",
        ]
        return (lines + more.map { "  " + $0 }).joined(separator: "\n") + "\n"
    }

    /// The only pod of `text`.
    static func onlyPod(_ text: String) throws -> PodTask {
        let steps = try read(text).operation.steps
        try #require(steps.count == 1)
        return try #require(steps[0].pod)
    }
}
