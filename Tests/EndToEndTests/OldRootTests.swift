import Foundation
import Testing

/// What the root of a container covers, or is covered by: the host's tree must be gone, whatever the launch did in it.
@Suite struct OldRootTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let change: @Sendable (inout TestBundle) -> Void
    }

    private static let cases = [
        Case(testDescription: "the default configuration") { _ in },
        Case(testDescription: "oomScoreAdj") { $0.set("process/oomScoreAdj", 100) },
        Case(testDescription: "sysctl") { $0.set("linux/sysctl", ["net.ipv4.ip_forward": "0"]) },
        Case(testDescription: "oomScoreAdj where the host's mounts are followed") {
            $0.set("process/oomScoreAdj", 100)
            $0.set("linux/rootfsPropagation", "slave")
        },
        Case(testDescription: "oomScoreAdj and a hook that looks at the root") {
            $0.set("process/oomScoreAdj", 100)
            $0.set("hooks", ["createContainer": [["path": "/bin/true"]]])
        },
        Case(testDescription: "oomScoreAdj in a user namespace") {
            $0.set("process/oomScoreAdj", 100)
            $0.set("linux/uidMappings", [["containerID": 0, "hostID": 0, "size": 65536]])
            $0.set("linux/gidMappings", [["containerID": 0, "hostID": 0, "size": 65536]])
            let own = ["pid", "network", "ipc", "uts", "mount", "user", "cgroup"]
            $0.set("linux/namespaces", own.map { ["type": $0] })
        },
        Case(testDescription: "oomScoreAdj in the host's cgroup namespace") {
            $0.set("process/oomScoreAdj", 100)
            $0.set("linux/namespaces", ["pid", "network", "ipc", "uts", "mount"].map { ["type": $0] })
        },
    ]

    @Test("one root, all other mounts below it, and nothing above", arguments: cases)
    func gone(_ one: Case) throws {
        var bundle = try TestBundle()
        one.change(&bundle)
        try check(try bundle.run(shell: Self.look))
    }

    @Test("a host over whose root something is mounted")
    func covered() throws {
        var bundle = try TestBundle()
        bundle.set("process/args", ["sh", "-c", Self.look])
        try bundle.write()
        // Who is in the root already stays in it; "/.." is the cover.
        let run = Perigee.shared.command(["run", "-b", bundle.path, "covered-\(UUID().uuidString)"])
        let cover = "mount -t tmpfs one / && mount -t tmpfs two /.. && exec \"$@\""
        try check(
            Perigee.execute(["/usr/bin/unshare", "-m", "--propagation", "private", "sh", "-c", cover, "sh"] + run))
    }

    private static let look =
        "cat /proc/self/mountinfo; echo; stat -c %d:%i / /.. /../..; cd /..; cd ..; stat -c %d:%i ."

    private func check(_ outcome: Perigee.Outcome) throws {
        try #require(outcome.status == 0, "\(outcome.errors)")
        let parts = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        let mounts = parts.prefix { !$0.isEmpty }.map { $0.split(separator: " ").map(String.init) }
        let roots = mounts.filter { $0[4] == "/" }
        #expect(roots.count == 1, "\(outcome.output)")
        // proc_pid_mountinfo(5): the number of a mount, and of the one that it is in; the root's is in none that is seen.
        let numbers = Set(mounts.map { $0[0] })
        for mount in mounts where mount[4] != "/" { #expect(numbers.contains(mount[1]), "\(mount)") }
        #expect(!roots.contains { numbers.contains($0[1]) })
        #expect(!mounts.contains { $0[4] == "/proc/fs" && $0[3] == "/" }, "\(outcome.output)")
        let places = Set(parts.drop { !$0.isEmpty }.filter { !$0.isEmpty })
        #expect(places.count == 1, "\(outcome.output)")
    }
}
