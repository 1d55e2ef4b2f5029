import Foundation
import Testing

@testable import Linux
@testable import OCI
@testable import Pods

/// Events on disk: lines that stay whole, files that turn over, and readers who miss nothing.
struct PodEventTests {
    /// A directory of pods, removed with the value.
    private final class Place {
        let pods = "/tmp/perigee-test-events-\(UUID().uuidString)"
        init() throws { try FileManager.default.createDirectory(atPath: pods, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: pods) }
        func text(_ name: String) -> String { (try? String(contentsOfFile: pods + "/" + name, encoding: .utf8)) ?? "" }
    }

    private func event(_ kind: PodEvent.Kind = .started, _ message: String? = nil) throws -> PodEvent {
        let text = """
            {"id":"t-a-00000000","name":"a","submission":"s","startGrace":1,"terminationGrace":1,"init":true,"acceptedAt":1,
            "acceptedBoot":1,"bootID":"b","request":{"image":"i","tenant":"t","volume":"v","env":[],"command":"image"}}
            """
        return PodEvent(kind, of: try PodRecord(try JSON(parsing: Array(text.utf8))), message: message)
    }

    @Test("what is written is read again, in the order of the members that people look for")
    func again() throws {
        var event = try event(.ended, "why \"so\"\n")
        (event.phase, event.reason, event.exitCode, event.signal) = ("Failed", "Error", 137, 9)
        let read = try PodEvent(try JSON(parsing: event.line.dropLast()))
        #expect(read == event && event.line.last == UInt8(ascii: "\n"))
        event.time = "T"
        #expect(
            String(decoding: event.line, as: UTF8.self)
                == #"{"time":"T","event":"Ended","tenant":"t","pod_name":"a","id":"t-a-00000000","phase":"Failed","#
                + #""reason":"Error","exitCode":137,"signal":9,"message":"why \"so\"\n"}"# + "\n")
        #expect(event.text == "T  Ended      t-a-00000000  Failed, Error, exit code 137: why \"so\"\n")
    }

    @Test("a line has less than 4096 bytes, whatever its message", arguments: ["x", "\u{1}", "é", "\"", "\u{1F680}"])
    func length(character: String) throws {
        for count in [1, 600, 1000, 4000, 5000, 100_000] {
            let line = try event(.waiting, String(repeating: character, count: count)).line
            #expect(line.count < 4096 && !line.isEmpty && !line.dropLast().contains(UInt8(ascii: "\n")))
            #expect(try PodEvent(try JSON(parsing: line.dropLast())).message?.isEmpty == false)
        }
    }

    @Test("many writers at once, while the files turn over: a reader sees each event once, in each writer's order")
    func writers() throws {
        let place = try Place()
        let pods = place.pods
        let (writers, each) = (4, 200)
        let one = try event()
        guard var reader = try PodEventReader.open(pods, follows: true) else {
            Issue.record("nothing to follow")
            return
        }
        var seen: [String] = []
        // Threads: tasks would wait for other tests that block theirs.
        let left = DispatchGroup()
        for writer in 0..<writers {
            left.enter()
            Thread.detachNewThread {
                for i in 0..<each {
                    var event = one
                    event.message = "\(writer) \(i)"
                    PodEventLog.add(event, in: pods, limit: 40_000)
                    usleep(3000)
                }
                left.leave()
            }
        }
        let end = Date().addingTimeInterval(60)
        while seen.count < writers * each, Date() < end {
            while let events = try reader.next() { seen += events.compactMap(\.message) }
            usleep(100)
        }
        left.wait()
        #expect(seen.count == writers * each && Set(seen).count == seen.count)
        for writer in 0..<writers {
            let own = seen.filter { $0.hasPrefix("\(writer) ") }
            #expect(own == (0..<each).map { "\(writer) \($0)" })
        }
        // Bounded: two files, each little longer than where it turns over.
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: pods).sorted().allSatisfy { $0.hasPrefix(".events") })
        #expect(place.text(".events").utf8.count < 41_000 && place.text(".events.1").utf8.count < 41_000)
    }

    @Test("a line that a full disk has cut costs itself alone; what is no event is passed over")
    func torn() throws {
        let place = try Place()
        let begun = String(decoding: try event(.accepted).line.prefix(40), as: UTF8.self)
        try (begun).write(toFile: place.pods + "/.events", atomically: true, encoding: .utf8)
        PodEventLog.add(try event(.started), in: place.pods)
        let strange =
            place.text(".events") + "\n{}\n" + String(repeating: "x", count: 9000) + "\n{\"event\":\"Future\"}\n"
        try strange.write(toFile: place.pods + "/.events", atomically: true, encoding: .utf8)
        PodEventLog.add(try event(.ended), in: place.pods)
        var found: [PodEvent.Kind] = []
        if var reader = try PodEventReader.open(place.pods, follows: false) {
            while let events = try reader.next() { found += events.map(\.kind) }
        }
        #expect(found == [.started, .ended])
    }

    @Test("where there is no place for events nothing fails")
    func nowhere() throws {
        PodEventLog.add(try event(), in: "/nonexistent/pods")
        if try PodEventReader.open("/nonexistent/pods", follows: false) != nil { Issue.record("there is none") }
    }
}
