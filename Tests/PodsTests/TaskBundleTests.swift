import Foundation
import Testing

@testable import OCI
@testable import Pods

struct TaskBundleTests {
    static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    /// A bundle as one text.
    private func text(_ yaml: String) throws -> String {
        let bundle = TaskBundle(try TaskText.read(yaml).operation)
        let made = bundle.files.map { "==> \($0.path)\n\($0.text)" }
        return (made + bundle.copies.map { "==> \($0.path) <== \($0.source.path)\n" }).joined()
    }

    /// Compares with the file; with PERIGEE_GOLDEN=write in the environment it writes the file, for a review of the diff.
    private func compare(_ yaml: String, _ name: String) throws {
        let file = Self.golden.appending(path: name + ".bundle")
        let text = try text(yaml)
        if ProcessInfo.processInfo.environment["PERIGEE_GOLDEN"] == "write" { try Data(text.utf8).write(to: file) }
        #expect(text == String(decoding: try Data(contentsOf: file), as: UTF8.self), "\(name)")
        #expect(try self.text(yaml) == text, "the same file is the same bytes")
    }

    private static func source(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: golden.appending(path: name + ".yaml")), as: UTF8.self)
    }

    @Test("the seed's example, and one with every field", arguments: ["tcp", "everything"])
    func files(name: String) throws {
        try compare(Self.source(name), name)
    }

    /// A letter is a task: M merges, P does not, F says merge: false, U is an uplink.
    private static func tasks(_ letters: String) -> String {
        letters.enumerated().map { i, letter in
            switch letter {
            case "M": TaskText.pod("T\(i)", "merge: true")
            case "F": TaskText.pod("T\(i)", "merge: false")
            case "U": TaskText.uplink("T\(i)")
            default: TaskText.pod("T\(i)")
            }
        }.joined()
    }

    @Test("the table of merge rules (3.5)", arguments: ["MM", "MPM", "MUM", "MMUMM", "PP", "UMMMPMM"])
    func merging(letters: String) throws {
        try compare(Self.tasks(letters), "merge-" + letters)
    }

    @Test("manifests and their documents, by the table")
    func counts() throws {
        for (letters, documents) in [
            ("MM", [2]), ("M", [1]), ("MPM", [1, 1, 1]), ("MUM", [1, 1]), ("MMUMM", [2, 2]), ("PP", [1, 1]),
            ("PM", [1, 1]),
            ("FM", [1, 1]), ("MFM", [1, 1, 1]), ("MMM", [3]),
        ] {
            let bundle = TaskBundle(try TaskText.read(Self.tasks(letters)).operation)
            let manifests = bundle.files.filter { $0.path.hasPrefix("manifests/") }
            let counts = manifests.map { YAMLReader.read(Array($0.text.utf8)).documents.count }
            #expect(counts == documents, "\(letters)")
            #expect(bundle.files.count == 1 + manifests.count)
        }
    }

    @Test("merge on a pod that stands alone changes no byte (B24); merge: false neither")
    func isolated() throws {
        for (letters, plain) in [("M", "P"), ("MUM", "PUP"), ("MPM", "PPP"), ("F", "P"), ("FF", "PP")] {
            #expect(try text(Self.tasks(letters)) == text(Self.tasks(plain)), "\(letters)")
        }
    }

    @Test("comments and empty lines between tasks change nothing")
    func comments() throws {
        let plain = Self.tasks("MM")
        #expect(try text(plain.replacing("- id", with: "\n# here\n\n- id")) == text(plain))
    }

    @Test("pods of a group may differ in all but their names")
    func different() throws {
        let yaml =
            TaskText.pod("A", "merge: true", "node: gpu", "on_failure: continue", "max_duration: 1")
            + TaskText.pod("B", "merge: true").replacing("payload", with: "other").replacing("python", with: "alpine")
        let operation = try TaskText.read(yaml).operation
        #expect(operation.groups.map(\.steps.count) == [2] && operation.groups[0].id == "A")
    }

    @Test("the host's graces stand in the bundle (B28)")
    func graces() throws {
        var rules = TaskFile.Rules()
        rules.graceSeconds = 60
        rules.terminationGraceSeconds = 10
        let yaml = Array(TaskText.pod("A", "max_duration: 1").utf8)
        let files = TaskBundle(try TaskFile.parse(yaml, name: "f", tenant: "t", rules: rules).operation).files
        #expect(files[0].text.contains("\"timeout_seconds\": 120,"))
        #expect(files[1].text.contains("timeout-seconds: \"120\"\n"))
        #expect(files[1].text.contains("terminationGracePeriodSeconds: 10\n"))
    }

    @Test("a task's id that is no label's value becomes an annotation")
    func longIdentifiers() throws {
        for (id, isLabel) in [
            ("a", true), (String(repeating: "a", count: 63), true), (String(repeating: "a", count: 64), false),
            ("a_", false), ("_a", false),
        ] {
            let yaml = TaskText.pod(id, name: "x")
            let manifest = try #require(TaskBundle(try TaskText.read(yaml).operation).files.last)
            let lines = manifest.text.split(separator: "\n")
            let line = try #require(lines.firstIndex { $0.contains("    task-id: ") })
            #expect((line < (lines.firstIndex { $0 == "  annotations:" } ?? 0)) == isLabel, "\(id)")
        }
    }
}
