import Foundation
import Glibc
import Testing

/// What start-up must not grow by, whatever the machine's mood. How long it takes is `make bench`'s.
@Suite struct StartUpTests {
    /// What strace saw of one process.
    private struct Trace {
        /// The lines: a call with its arguments and result.
        var calls: [Substring] = []

        /// Files that were opened to be read, without directories and what was not there.
        var read: [Substring] {
            calls.filter { call in
                call.hasPrefix("openat(") && !call.contains(" = -1 ")
                    && !["O_WRONLY", "O_DIRECTORY", "O_PATH"].contains { call.contains($0) }
            }.compactMap { $0.split(separator: "\"").dropFirst().first }
        }
    }

    /// In a mount namespace of its own with the v2 tree alone, as on a modern host: each v1 hierarchy costs calls.
    private static let view = [
        "/usr/bin/unshare", "-m", "--propagation", "private", "/bin/sh", "-c",
        "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"", "sh",
    ]

    /// Runs `perigee` under strace: the runtime, the launch's helper, the container's first process.
    private func trace(_ arguments: [String]) throws -> (runtime: Trace, helper: Trace, stage: Trace) {
        let file = Perigee.shared.directory + "/trace-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        // In a root of its own: whose records others have left there are read.
        var perigee = Perigee.shared
        perigee.rootName = "start-up-root"
        let words = perigee.command(arguments)
        // Once without, so that the filter is compiled and all directories are there.
        try #require(Perigee.execute(Self.view + words).status == 0)
        let outcome = Perigee.execute(Self.view + ["/usr/bin/strace", "-f", "-qq", "-s", "256", "-o", file] + words)
        try #require(outcome.status == 0, "\(outcome.errors)")
        var traces: [Substring: Trace] = [:]
        var order: [Substring] = []
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            let call = parts[1].drop { $0 == " " }
            // A call that others interrupt has two lines; the second would count it again.
            guard !call.hasPrefix("<...") && !call.hasPrefix("---") && !call.hasPrefix("+++") else { continue }
            if traces[parts[0]] == nil { order.append(parts[0]) }
            traces[parts[0], default: Trace()].calls.append(call)
        }
        var runtime = try #require(order.first.flatMap { traces[$0] })
        // A look each millisecond for what the helper makes: as many as it takes on a busy machine.
        runtime.calls.removeAll { $0.hasPrefix("futex(") || $0.hasPrefix("poll(") && $0.contains(", 1, 0)") }
        let others = order.dropFirst().compactMap { traces[$0] }
        let helper = try #require(others.first { $0.calls.contains { $0.hasPrefix("unshare(CLONE_NEWNET") } })
        var stage = try #require(others.first { $0.calls.contains { $0.hasPrefix("execveat(") } })
        // Until the command is executed; what follows is the command's.
        let end = try #require(stage.calls.firstIndex { $0.hasPrefix("execve(") })
        stage.calls = Array(stage.calls[...end])
        return (runtime, helper, stage)
    }

    private func check(_ arguments: [String], runtime: Int, stage: Int) throws {
        let traces = try trace(arguments)
        let read = traces.runtime.read
        #expect(traces.runtime.calls.count <= runtime, "\(traces.runtime.calls.joined(separator: "\n"))")
        // Three of them to go to another processor, three for the group's directory and the one above.
        #expect(traces.helper.calls.count <= 13, "\(traces.helper.calls.joined(separator: "\n"))")
        #expect(traces.stage.calls.count <= stage, "\(traces.stage.calls.joined(separator: "\n"))")
        #expect(Set(read).count == read.count, "a file was read twice: \(read.sorted())")
        #expect(!read.contains { $0.contains("localtime") || $0.contains("icu") || $0.contains("locale") }, "\(read)")
        let warned = traces.runtime.calls.filter { $0.hasPrefix("mmap(") && $0.contains("MAP_PRIVATE, ") }
        #expect(warned.isEmpty, "a library was loaded: \(warned)")
    }

    @Test("a bundle's launch keeps to its number of system calls, and reads no file twice")
    func run() throws {
        let bundle = try TestBundle()
        var config = bundle.config
        config["linux"] = (config["linux"] as? [String: Any])?.filter { $0.key != "seccomp" }
        var process = try #require(config["process"] as? [String: Any])
        process["args"] = ["/bin/true"]
        config["process"] = process
        try JSONSerialization.data(withJSONObject: config).write(to: URL(fileURLWithPath: bundle.path + "/config.json"))
        try check(["run", "-b", bundle.path, "calls"], runtime: 155, stage: 335)
    }

    @Test("a pod's launch keeps to its number of system calls, and reads no file twice")
    func pod() throws {
        try check(["pod", "run", "--image", "demo-host", "--", "/bin/true"], runtime: 345, stage: 335)
    }

    @Test("the runtime of a pod takes little memory")
    func memory() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Perigee.binary)
        process.arguments = Array(
            Perigee.shared.command(["pod", "run", "--image", "demo-host", "--", "/bin/sleep", "4"]).dropFirst())
        try process.run()
        defer { process.waitUntilExit() }
        // All that it needs for the launch is behind it when the command runs.
        let runs = "pgrep -P \(process.processIdentifier) -x sleep"
        #expect(eventually { !Perigee.shell(runs).output.isEmpty })
        func kibibytes(_ name: String, _ file: String) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/\(file)", encoding: .utf8)
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            return try #require(line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }, "no \(name)")
        }
        let ended = Perigee.shell("ps -o stat= --ppid \(process.processIdentifier) | grep -c Z")
        #expect(ended.output == "0\n", "a process that has ended is not reaped")
        // Most of it are pages of the executable, which all runtimes share; of one that was linked just now whole folios of
        // the page cache are counted.
        #expect(try (1024...8 * 1024).contains(kibibytes("VmHWM", "status")))
        #expect(try (64...1536).contains(kibibytes("Anonymous", "smaps_rollup")))
    }

    @Test("nothing of Foundation is in the executable")
    func foundation() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Perigee.binary))
        for word in ["10Foundation", "FoundationEssentials", "libicu"] {
            #expect(data.range(of: Data(word.utf8)) == nil, "\(word)")
        }
        #expect(data.range(of: Data("9Launching".utf8)) != nil, "the executable has no symbols to look through")
    }
}
