import Foundation
import Testing

@testable import Pods

struct SystemdUnitTests {
    private func unit(_ yaml: String, file: String = "/srv/f.yaml") throws -> SystemdUnit {
        SystemdUnit(try TaskText.read(yaml).operation, program: ["/usr/local/bin/perigee"], taskFile: file)
    }

    private func value(_ name: String, in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    @Test("The whole of one, word for word")
    func golden() throws {
        let text = try unit(TaskText.uplink() + TaskText.pod("A") + TaskText.pod("B", name: "b")).text
        let golden = TaskBundleTests.golden.appending(path: "pods.service")
        if ProcessInfo.processInfo.environment["PERIGEE_GOLDEN"] == "write" { try Data(text.utf8).write(to: golden) }
        #expect(text == String(decoding: try Data(contentsOf: golden), as: UTF8.self))
    }

    @Test("It is begun anew where each step goes on after a failure")
    func restart() throws {
        let goesOn = TaskText.pod("A", "on_failure: continue"), stops = TaskText.pod("B", "on_failure: stop")
        #expect(value("Restart", in: try unit(goesOn).text) == "on-failure")
        #expect(value("RestartPreventExitStatus", in: try unit(goesOn).text) == "2")
        #expect(value("Restart", in: try unit(goesOn + stops).text) == "no")
        #expect(value("Restart", in: try unit(TaskText.pod("A")).text) == "no")
        var always = try unit(stops)
        always.restart = .always
        #expect(value("Restart", in: always.text) == "always")
    }

    @Test(
        "Words mean themselves",
        arguments: [
            ("/a/b-c_d.yaml", "/a/b-c_d.yaml"), ("/a b", #""/a b""#), ("", #""""#), ("/100%", "/100%%"),
            ("/$HOME/${X}", #""/$$HOME/$${X}""#), (#"/"q"\'"#, #""/\"q\"\\'""#),
            ("/a\nExecStart=/x", #""/a\nExecStart=/x""#),
            ("/t\tb\u{1}\u{7f}", #""/t\tb\x01\x7f""#), ("/ü#;", "\"/ü#;\""),
        ])
    func words(word: String, written: String) throws {
        #expect(SystemdUnit.commandLine([word]) == written)
    }

    @Test("No name of a file adds a line")
    func lines() throws {
        let name = "/x\n[Install]\r\nAlias=evil %n \\\n"
        let plain = try unit(TaskText.pod()).text, hostile = try unit(TaskText.pod(), file: name).text
        #expect(hostile.split(separator: "\n").count == plain.split(separator: "\n").count)
        #expect(!hostile.contains("\n[Install]\r") && !hostile.contains("\r"))
        #expect(value("Description", in: hostile) == "Pods of /x?[Install]??Alias=evil %%n ??, tenant client1")
    }
}
