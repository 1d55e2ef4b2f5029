import Foundation
import Testing

/// One row of BadInput.md: something wrong that is given to `perigee`, the exit code, and how it comes about. The
/// message is the documentation's: what is printed must be what stands there.
struct BadInput: Sendable, CustomTestStringConvertible {
    /// The row's first cell, and its name.
    let input: String
    let status: Int32
    /// Makes what is wrong in the scene, and tells the command line to run. What it returns beside the words is what a
    /// placeholder of the documentation stands for.
    let command: @Sendable (Scene) throws -> Command

    /// A command line, and texts of its message that differ from run to run with their placeholders.
    struct Command {
        var words: [String]
        var placeholders: [(text: String, name: String)] = []
        /// Words that stand before `perigee`'s: another user, closed streams.
        var before: [String] = []
    }

    init(_ input: String, _ status: Int32, _ command: @escaping @Sendable (Scene) throws -> Command) {
        self.input = input
        self.status = status
        self.command = command
    }

    /// The same for a command line that needs no scene made.
    init(_ input: String, _ status: Int32, _ words: [String]) {
        self.init(input, status) { _ in Command(words: words) }
    }

    var testDescription: String { input }

    /// Runs it: the exit code, the message, nothing left behind, nothing outside touched.
    func check(in scene: Scene, section: String) throws {
        let command = try command(scene)
        let untouched = try scene.fingerprint()
        let outcome = Perigee.execute(command.before + scene.perigee.command(command.words))
        #expect(outcome.status == status, "\(input): \(outcome.errors)")
        #expect(outcome.output.isEmpty, "\(input): \(outcome.output)")
        #expect(try scene.fingerprint() == untouched, "\(input): the host's files have changed")
        #expect(scene.leftovers() == [], "\(input): something is left")
        let message = scene.generalized(outcome.errors, command.placeholders)
        try BadInputDocument.compare(.init(input: input, status: status, message: message), section: section)
    }
}

/// Sources/perigee/Perigee.docc/BadInput.md.
enum BadInputDocument {
    static let file = Perigee.package.appending(path: "Sources/perigee/Perigee.docc/BadInput.md")
    private static let lock = NSLock()

    /// A row of a table.
    struct Row {
        let input: String
        let status: Int32
        let message: String

        /// As it stands in the document: each line of the message a code span of its own.
        var text: String {
            let lines = message.split(separator: "\n").map { line -> String in
                let line = line.trimmingCharacters(in: .whitespaces).replacing("|", with: "\\|")
                return line.contains("`") ? "`` \(line) ``" : "`\(line)`"
            }
            return "| \(input) | \(status) | \(lines.joined(separator: " ")) |"
        }
    }

    /// Compares with the document; with PERIGEE_GOLDEN=write in the environment it writes the row, for a review.
    static func compare(_ row: Row, section: String) throws {
        lock.lock()
        defer { lock.unlock() }
        var lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(String.init)
        let start = try #require(lines.firstIndex(of: "## \(section)"), "no section \(section) in BadInput.md")
        let end = lines[(start + 1)...].firstIndex { $0.hasPrefix("## ") } ?? lines.endIndex
        let at = lines[start..<end].firstIndex { $0.hasPrefix("| \(row.input) |") }
        if ProcessInfo.processInfo.environment["PERIGEE_GOLDEN"] == "write" {
            if let at {
                lines[at] = row.text
            } else {
                let last = lines[start..<end].lastIndex { $0.hasPrefix("|") }
                lines.insert(row.text, at: try #require(last, "no table in section \(section)") + 1)
            }
            try Data(lines.joined(separator: "\n").utf8).write(to: file)
        } else {
            #expect(at.map { lines[$0] } == row.text)
        }
    }

    /// The first cells of a section's rows.
    static func inputs(ofSection section: String) throws -> [String] {
        var inside = false
        var inputs: [String] = []
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("## ") { inside = line == "## \(section)" }
            if inside, line.hasPrefix("| "), !line.hasPrefix("| Input ") {
                inputs.append(String(line.dropFirst(2).prefix { $0 != "|" }.dropLast()))
            }
        }
        return inputs
    }
}
