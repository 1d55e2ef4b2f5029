import Foundation
import Glibc
import Testing

/// A host of one test's own: a network namespace that the product runs in, with a link to another one, `outside`. What a test
/// does to its rules and settings is seen nowhere else.
final class TestHost: Sendable {
    static let address = "198.51.100.1", outsideAddress = "198.51.100.2"
    static let script = Perigee.package.appending(path: "Tests/network.py").path

    /// Runs in it.
    let perigee: Perigee
    private let holders: [Process]
    let space: String
    let outside: String

    init(_ name: String) throws {
        holders = try (0..<2).map { _ in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
            process.arguments = ["-n", "sleep", "300"]
            process.standardInput = FileHandle.nullDevice
            try process.run()
            return process
        }
        let paths = holders.map { "/proc/\($0.processIdentifier)/ns/net" }
        (space, outside) = (paths[0], paths[1])
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        let end = Date().addingTimeInterval(10)
        while paths.contains(where: { (try? FileManager.default.destinationOfSymbolicLink(atPath: $0)) == own }) {
            try #require(Date() < end)
            Thread.sleep(forTimeInterval: 0.005)
        }
        var perigee = Perigee(directory: Perigee.shared.directory + "/host-\(name)")
        perigee.before = ["nsenter", "--net=" + space]
        self.perigee = perigee
        let loaded = perigee.run(["image", "load", "\(Perigee.images)/demo-host.oci.tar"])
        try #require(loaded.status == 0, "\(loaded.errors)")
        let there = holders[1].processIdentifier
        try configure(
            """
            ip link set lo up; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
            ip link add up0 type veth peer name up0 netns \(there)
            ip addr add \(Self.address)/24 dev up0; ip link set up0 up
            nsenter --net=\(outside) sh -ec 'ip link set lo up; ip addr add \(Self.outsideAddress)/24 dev up0
            ip link set up0 up'
            echo 0 > /proc/sys/net/ipv4/ip_forward
            """)
    }

    deinit {
        for process in holders where process.isRunning {
            // All other signals may be blocked in children of a test.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// Runs shell commands in it, which must succeed.
    @discardableResult
    func configure(_ text: String) throws -> String {
        let outcome = shell(text, in: space)
        try #require(outcome.status == 0, "\(outcome)")
        return outcome.output
    }

    func shell(_ text: String, in space: String) -> Perigee.Outcome {
        Perigee.execute(["nsenter", "--net=" + space, "sh", "-ec", text])
    }

    /// What `Tests/network.py` prints, without the line's end.
    func python(_ words: String..., in space: String) -> String {
        let outcome = Perigee.execute(["nsenter", "--net=" + space, "python3", Self.script] + words)
        return outcome.status == 0 ? String(outcome.output.dropLast()) : "\(outcome)"
    }

    /// The same of many words, with the ends of its lines.
    func run(_ action: String, _ words: [String], in space: String) -> String {
        let outcome = Perigee.execute(["nsenter", "--net=" + space, "python3", Self.script, action] + words)
        return outcome.status == 0 ? outcome.output : "\(outcome)"
    }

    /// A `Tests/network.py` that goes on; returns when it says that it is ready.
    func begin(_ words: String..., in space: String) throws -> Background {
        try Background(["--net=" + space, "python3", Self.script] + words)
    }

    /// A process that is killed when this value goes.
    final class Background {
        private let process = Process()
        private let pipe = Pipe()
        private let input = Pipe()

        fileprivate init(_ words: [String]) throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
            process.arguments = words
            process.standardOutput = pipe
            process.standardInput = input
            try process.run()
            try #require(pipe.fileHandleForReading.read(upToCount: 6) == Data("ready\n".utf8))
        }

        /// Waits for the next line that it prints.
        func line() throws -> String {
            var line = Data()
            while let byte = try pipe.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8) { line += byte }
            return String(decoding: line, as: UTF8.self)
        }

        /// Waits for its end, and returns what else it has printed.
        func output() throws -> String {
            let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return String(decoding: data, as: UTF8.self)
        }

        /// The same of one that goes on until its standard input ends.
        func endedOutput() throws -> String {
            try input.fileHandleForWriting.close()
            return try output()
        }

        /// Kills it.
        func end() {
            guard process.isRunning, process.processIdentifier > 0 else { return }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        deinit { end() }
    }

    /// Expects it to be as it was.
    func checkUnchanged(since before: String, _ location: SourceLocation = #_sourceLocation) throws {
        let now = try state().split(separator: "\n"), then = before.split(separator: "\n")
        let changes =
            now.filter { !then.contains($0) }.map { "+ \($0)" }
            + then.filter { !now.contains($0) }.map { "- \($0)" }
        #expect(changes.isEmpty, "\(changes)", sourceLocation: location)
    }

    /// All that a pod's network may change of the host: links, addresses, routes, rules, settings, mounts.
    func state() throws -> String {
        // Counters and times differ.
        try configure(
            """
            ip -d link | sed 's/ promiscuity.*//'; ip -o addr | sed 's/ tentative//; s/ valid_lft.*//'; ip route show table all; ip rule
            nft -s list ruleset; iptables-save | sed '/^#/d; s/ \\[.*//'; grep -H . /proc/sys/net/ipv4/ip_forward \
            /proc/sys/net/ipv4/conf/*/route_localnet /proc/sys/net/ipv4/conf/*/forwarding \
            /proc/sys/net/ipv6/conf/*/disable_ipv6; grep -F \(perigee.directory) /proc/self/mountinfo || [ $? = 1 ]
            if test -e \(perigee.root)/@networks; then find \(perigee.root)/@networks; fi
            """)
    }

    func tenant(_ name: String, configuration: String? = nil) -> TestTenant {
        TestTenant(name, in: perigee, configuration: configuration)
    }

    /// A configuration file with this text.
    func configuration(_ text: String) throws -> String {
        let path = perigee.directory + "/config.json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        return path
    }
}

extension TestTenant {
    /// A pod that runs until it is ended, and its network namespace.
    func server(_ pod: String, _ words: String...) throws -> String {
        let submitted = run(
            ["pod", "run", "--image", "demo-host", "--detach", "--tenant", name, "--name", pod] + words
                + ["while :; do sleep 1; done"])
        try #require(submitted.status == 0, "\(submitted.errors)")
        return try space(of: pod)
    }

    /// The network namespace of a pod that is about to run.
    func space(of pod: String) throws -> String {
        try self.await(pod) { $0.phase == "Running" }
        let id = try #require(try status(pod).data["id"] as? String)
        let state = perigee.run(["state", id]).output
        let object = try JSONSerialization.jsonObject(with: Data(state.utf8)) as? [String: Any]
        return "/proc/\(try #require(object?["pid"] as? Int))/ns/net"
    }

    /// What the pod sees as its own address, or another one as that.
    func address(of pod: String, from other: String? = nil) -> String {
        let lines = shell(other ?? pod, "cat /etc/hosts").split(separator: "\n").filter { $0.hasPrefix("1") }
        let own = lines.first { $0.split(separator: " ").contains(Substring("\(name)-\(pod)")) }
        return own?.split(separator: " ").first.map(String.init) ?? ""
    }

    func shell(_ pod: String, _ command: String) -> String {
        let outcome = self.pod("exec", pod, "--", "sh", "-c", command)
        return outcome.status == 0 ? outcome.output : "\(outcome)"
    }
}
