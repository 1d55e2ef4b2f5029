import Testing

@testable import perigee

struct HelpTests {
    /// The first words of verbs that have a second one.
    static let groups = Set(Verb.Name.listed.filter { $0.words.count > 1 }.map { String($0.words[0]) }).sorted()

    private func message(_ body: () throws(UsageError) -> Void) -> String? {
        do throws(UsageError) { try body() } catch { return error.message }
        return nil
    }

    @Test(
        "A group of verbs has a help, whichever way it is asked for: its verbs with their summaries", arguments: groups)
    func group(word: String) throws {
        let help = try Help.of([word])
        for name in Verb.Name.listed {
            #expect(help.contains("\n  \(name.rawValue) ") == (name.words[0] == word && name.words.count > 1))
            if name.words[0] == word { #expect(help.contains("   " + name.verb.summary + "\n")) }
        }
        for words in [[word, "--help"], [word, "-h"], [word, "help"], [word, "help", "help"]] {
            #expect(try Help.asked(by: words[...]) == help, "\(words)")
            #expect(try Help.of(words) == help, "\(words)")
        }
        let bare = Help.unknownVerb([word]).message
        #expect(bare.hasPrefix("\(word): needs a verb\n\n") && bare.hasSuffix(help.dropLast()))
    }

    @Test("A verb has one, and the whole")
    func others() throws {
        for name in Verb.Name.listed {
            let words = name.words.map(String.init)
            #expect(try Help.of(words) == name.verb.help)
            #expect(try Help.of([words.joined(separator: "-")]) == name.verb.help)
            guard words.count > 1 else { continue }
            #expect(try Help.asked(by: [words[0], "help", words[1]]) == name.verb.help)
            #expect(try Help.asked(by: words[...]) == nil)
        }
        for words in [[], ["help"], ["--help"], ["-h"]] { #expect(try Help.of(words) == Help.overview) }
        #expect(try Help.asked(by: ["rnu", "--help"]) == nil && Help.asked(by: ["pod"]) == nil)
    }

    @Test(
        "Who mistypes a verb is told the one that was meant",
        arguments: [
            (["rnu"], "no verb 'rnu'; did you mean 'run'?"), (["pods", "list"], "no verb 'pods'; did you mean 'pod'?"),
            (["pod", "rnu"], "pod: no verb 'rnu'; did you mean 'run'?"),
            (["volume", "copy"], "volume: no verb 'copy'; there are list, put, get, rm"),
            (["image", "rm"], "image: no verb 'rm'; did you mean 'remove' or 'delete'?"),
            (["pod", "ls"], "pod: no verb 'ls'; did you mean 'list'?"),
            (["logs", "x"], "no verb 'logs'; did you mean 'pod logs'?"),
            (["stop", "x"], "no verb 'stop'; did you mean 'pod stop' or 'container stop'?"),
            (["frobnicate"], "no verb 'frobnicate'; perigee --help lists them"),
            (
                ["pod", "--tenant", "a", "list"],
                "pod: the verb comes first, and '--tenant' behind it\n  hint: perigee help pod lists the verbs"
            ),
        ])
    func mistakes(words: [String], text: String) {
        #expect(Help.unknownVerb(words[...]).message == text)
        #expect(message { () throws(UsageError) in _ = try Help.verb(words) } == text)
    }
}
