import Foundation
import Testing

/// The same bundle through perigee and through a peer, seen from inside: what differs is listed here, with the reason.
struct PeerTests {
    /// The first of PERIGEE_PEER, crun and runc that starts the bundle here: crun refuses hybrid hosts.
    static func peer(_ bundle: String) -> (name: String, output: String)? {
        let named = ProcessInfo.processInfo.environment["PERIGEE_PEER"].map { [$0] } ?? []
        for name in named + ["crun", "runc"] {
            let outcome = Perigee.execute([
                name, "--root", Perigee.shared.directory + "/peer", "run", "-b", bundle, "perigee-test-peer",
            ])
            if outcome.status == 0 { return (name, outcome.output) }
        }
        return nil
    }

    /// Without what differs from one run to the next: numbers of processes and mounts, memory in use, devices.
    static func facts(_ output: String) -> Set<String> {
        let parts = output.components(separatedBy: "==\n")
        guard parts.count == 3 else { return [output] }
        let moving = ["Pid", "Tgid", "PPid", "NS", "Vm", "Rss", "voluntary", "nonvoluntary", "Ngid", "Cpus_", "Mems_"]
        var facts = Set(
            parts[0].split(separator: "\n").filter { line in !moving.contains { line.hasPrefix($0) } }.map(String.init))
        facts.formUnion(parts[1].split(separator: "\n").map(String.init))
        for line in parts[2].split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let dash = words.firstIndex(of: "-") else { continue }
            let options = words[dash + 3].split(separator: ",").sorted().joined(separator: ",")
            facts.insert("mount \(words[4]) of \(words[3]) \(words[5]) \(words[dash + 1]) (\(options))")
        }
        return facts
    }

    /// A difference that is meant: the start of the fact, and why.
    static let explained: [(start: String, reason: String)] = [
        ("mount /proc/acpi ", "masked with the same tmpfs as all, nosuid,nodev,noexec on top of the peer's ro"),
        ("mount /proc/scsi ", "the same"), ("mount /proc/asound ", "the same"), ("mount /sys/firmware ", "the same"),
        ("mount /sys/devices/virtual/powercap ", "the same"),
        ("mount /sys of / ", "read-only as a mount here; the peer makes the superblock read-only too"),
        ("mount /sys/fs/cgroup of / ", "read-only, as the configuration asks; runc leaves the tmpfs on top writable"),
        ("mount /sys/fs/cgroup/systemd ", "a hierarchy without controllers, which no container needs"),
        ("mount /sys/fs/cgroup/blkio ", "a v1 hierarchy that it is not put into shows the runtime's group"),
        ("mount /sys/fs/cgroup/cpuset ", "the same"), ("mount /sys/fs/cgroup/freezer ", "the same"),
        ("mount /sys/fs/cgroup/hugetlb ", "the same"), ("mount /sys/fs/cgroup/net_", "the same"),
        ("mount /sys/fs/cgroup/perf_event ", "the same"), ("mount /sys/fs/cgroup/rdma ", "the same"),
        ("mount /sys/fs/cgroup/misc ", "the same"),
        ("mount /sys/fs/cgroup/unified ", "a hybrid host's v2 tree is shown too"),
        ("mount /sys/fs/cgroup of /", "the v2 tree: the peer gives it the cgroup's own root by another way"),
        ("mount /proc/interrupts ", "crun binds the host's /dev/null, perigee the container's own, as runc does"),
        ("mount /proc/kcore ", "the same"), ("mount /proc/keys ", "the same"), ("mount /proc/timer_list ", "the same"),
        ("Seccomp_filters", "as many as filters were loaded"),
        ("THP_enabled", "crun and runc leave what their caller had"),
        ("x86_Thread_features", "of the C library's start-up code of the peer"),
        ("Speculation", "crun and runc may set it with their filter"),
        ("SigBlk", "the peer hands down what its caller blocks"),
        ("SigIgn", "the peer hands down what its caller ignores"),
        ("SigQ", "signals that are queued for the user, on the whole host"),
    ]

    @Test("a container is what a peer makes of the same bundle, but for what is explained here")
    func same() throws {
        var bundle = try TestBundle()
        bundle.set("ociVersion", "1.0.2")
        let ours = try bundle.run(
            shell: "cat /proc/self/status; echo ==; cat /proc/self/limits; echo ==; cat /proc/self/mountinfo")
        try #require(ours.status == 0, "\(ours.errors)")
        guard let peer = Self.peer(bundle.path) else {
            Issue.record("no peer runtime starts on this host: install runc")
            return
        }
        // The configuration that ran is the one that TestBundle wrote; its command is the same for both.
        let (here, there) = (Self.facts(ours.output), Self.facts(peer.output))
        #expect(here.count > 60 && there.count > 60)
        for fact in here.symmetricDifference(there).sorted() {
            let isExplained = Self.explained.contains { fact.hasPrefix($0.start) }
            #expect(isExplained, "only \(here.contains(fact) ? "perigee" : peer.name): \(fact)")
        }
    }
}
