import Foundation
import Testing
import _StringProcessing

@testable import perigee

/// The table of verbs is the parser's, the help's, the manual's and the completions'.
struct VerbTableTests {
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The options that lines of `text` begin with, as `pattern` finds them, long and short.
    private func options(in text: String, _ pattern: Regex<(Substring, Substring?, Substring)>) -> Set<String> {
        var found: Set<String> = []
        for match in text.matches(of: pattern) {
            found.insert(String(match.2))
            if let short = match.1 { found.insert(String(short)) }
        }
        return found
    }

    @Test(
        "Help, manual page and completion have the options that the parser takes, and no other",
        arguments: Verb.Name.listed)
    func options(name: Verb.Name) throws {
        let verb = name.verb
        #expect(verb.name == name)
        let taken = Set(verb.options.flatMap { [$0.name] + ($0.short.map { [$0] } ?? []) })
        #expect(taken.count == verb.options.count + verb.options.count { $0.short != nil }, "one stands twice")
        for option in verb.options {
            let words = [option.name] + (option.value != nil && !option.isOptional ? ["x"] : [])
            #expect(throws: Never.self) { _ = try Arguments(words[...], verb.options) }
        }
        let help = verb.help.components(separatedBy: "\noptions:\n")
        let table = help.count > 1 ? help[1].components(separatedBy: "\n\n")[0] : ""
        #expect(options(in: table, #/(?m)^  (?:(-\w), |    )(--[a-z-]+)/#) == taken)
        let page = ManualPage.of(verb).replacing("\\-", with: "-")
        let section = page.components(separatedBy: ".SH OPTIONS\n")
        let listed = section.count > 1 ? section[1].components(separatedBy: ".SH ")[0] : ""
        #expect(options(in: listed, #/(?m)^(?:\\fB(-\w)\\fR, )?\\fB(--[a-z-]+)\\fR/#) == taken)
        let words = name.words.map(String.init) + ["-"]
        let offered = Completer(words, GlobalOptions()) { _, _, _ in [] }.lines
        let names = Set(offered.map { String($0.split(separator: "\t")[0]) })
        #expect(names == Set(verb.options.map(\.name)).union(["--help"]))
    }

    @Test("Each option that the sources ask for is in a table")
    func asked() throws {
        let directory = Self.package.appending(path: "Sources/perigee")
        let files = try #require(FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil))
        let known = Set(Verb.Name.allCases.flatMap { $0.verb.options.map(\.name) } + GlobalOptions.table.map(\.name))
        var asked: Set<String> = []
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: #/(?:arguments|global)(?:\[|\.has\(|\.all\()"(--[a-z-]+)"/#) {
                asked.insert(String(match.1))
            }
        }
        #expect(asked.count > 50 && asked.subtracting(known) == [])
        // Those that are read in other ways, or accepted and ignored.
        let others: Set = ["--debug", "--help"]
        #expect(known.subtracting(asked).count < 30, "\(known.subtracting(asked).subtracting(others).sorted())")
    }

    @Test("Verbs are named with a blank or a hyphen")
    func hyphens() throws {
        for (line, name) in [
            (["container-deploy", "x"], Verb.Name.containerDeploy), (["check-limits"], .checkLimits),
            (["image-delete", "a", "b"], .imageDelete), (["project", "launch", "p"], .projectLaunch),
            (["pod-rm", "x"], .podRemove),
        ] {
            let found = try #require(Verb.named(by: line[...]))
            #expect(found.verb.name == name)
            #expect(found.rest.elementsEqual(line.dropFirst(line[0].contains("-") ? 1 : 2)))
        }
        #expect(Verb.named(by: ["container-"]) == nil)
        #expect(Verb.named(by: ["-deploy"]) == nil)
        #expect(Verb.named(by: ["run-"]) == nil)
    }

    @Test("A manual page has requests that groff knows, and no line of a text is taken for one")
    func requests() {
        let known: Set = [".TH", ".nh", ".ad", ".SH", ".TP", ".PP", ".BR"]
        for page in [ManualPage.overview] + Verb.Name.listed.map({ ManualPage.of($0.verb) }) {
            for line in page.split(separator: "\n") where line.hasPrefix(".") || line.hasPrefix("'") {
                #expect(known.contains(String(line.split(separator: " ")[0])), "\(line)")
            }
            #expect(page.hasPrefix(".TH \"PERIGEE"))
            #expect(!page.contains("\n\n") && page.utf8.allSatisfy { $0 < 128 })
        }
        let page = ManualPage.of(
            Verb(
                .spec, operands: "A-B 'C\\D'", summary: "x", options: [Option("--a", value: "N", ".begins")],
                notes: ".TH evil\n'br\nit's ~/x^2 `y` \\fB\n\nlast", run: { _, _ in 0 }))
        #expect(page.contains("\n\\&.begins\n") && page.contains("\n\\&.TH evil\n\\(aqbr\n"))
        #expect(page.contains("it\\(aqs \\(ti/x\\(ha2 \\(gay\\(ga \\(rsfB\n.PP\nlast\n"))
        #expect(page.contains("A\\-B \\(aqC\\(rsD\\(aq"))
    }
}
