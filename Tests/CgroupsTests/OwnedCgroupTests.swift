import Glibc
import Testing

@testable import Cgroups
@testable import Linux
@testable import OCI

/// On the trees of this host, whatever they are, below a group of the test's own.
@Suite(.serialized)
struct OwnedCgroupTests {
    let layout: CgroupLayout
    let top = "perigee-test-\(getpid())"

    init() throws { layout = try CgroupLayout.detect() }

    func path(_ name: String) throws -> CgroupPath { try CgroupPath("\(top)/root/\(name)") }

    /// Where all trees are mounted.
    private var mountPoints: [String] {
        (layout.unifiedMountPoint.map { [$0] } ?? []) + layout.hierarchies.map(\.mountPoint)
    }

    /// Whether any tree has the group.
    func exists(_ path: String) -> Bool {
        mountPoints.contains { (try? Descriptor.workingDirectory.exists("\($0)/\(path)")) == true }
    }

    /// Starts `/bin/sh -c script` outside the group.
    func shell(_ script: String) -> Int32 {
        var pid: pid_t = 0
        let words: [UnsafeMutablePointer<CChar>?] = ["/bin/sh", "-c", script].map { (word: String) in strdup(word) }
        defer { words.forEach { free($0) } }
        #expect(posix_spawn(&pid, "/bin/sh", nil, nil, words + [nil], environ) == 0)
        return pid
    }

    /// Its wait status.
    func reap(_ pid: Int32) -> Int32 {
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return status
    }

    /// Whether this host can limit `controllers` at all.
    func offers(_ controllers: CgroupControllers) throws -> Bool {
        try layout.availableControllers().isSuperset(of: controllers)
    }

    @Test("a dropped group is gone with the groups that were made for it, and a kept one stays until removed")
    func ownership() throws {
        do {
            let group = try OwnedCgroup(creating: path("dropped"), in: layout, LinuxResources())
            #expect(group.view.directories.allSatisfy { (try? Descriptor.workingDirectory.exists($0)) == true })
            #expect((group.v2Directory != nil) == (layout.unifiedMountPoint != nil))
        }
        #expect(!exists(top))
        let kept = try OwnedCgroup(creating: path("kept"), in: layout, LinuxResources()).keep()
        #expect(exists(kept.path.text))
        try kept.remove()
        kept.removeEmptyParents()
        #expect(!exists(top))
    }

    @Test("limits are in force before a process is in, or their controller is named")
    func limits() throws {
        var resources = LinuxResources()
        resources.memory.limit = 64 << 20
        resources.pids = 5
        guard try offers([.memory, .pids]) else {
            let error = #expect(throws: CgroupError.self) {
                _ = try OwnedCgroup(creating: path("limited"), in: layout, resources)
            }
            #expect(error == .missingController(property: "memory.limit", .memory))
            #expect(!exists(top))
            return
        }
        let group = try OwnedCgroup(creating: path("limited"), in: layout, resources)
        let memory = try #require(group.view.place(of: .memory))
        let file = memory.version == .v1 ? "memory.limit_in_bytes" : "memory.max"
        #expect(try CgroupFile.readRaw("\(memory.directory)/\(file)") == "\(64 << 20)\n")

        // The shell waits until it is moved, then its forks fail at the limit.
        let waiting = shell(
            "while ! grep -q \(top) /proc/self/cgroup; do :; done; for i in 1 2 3 4 5 6; do sleep 9 & done 2>/dev/null; wait"
        )
        try group.view.join(waiting, unified: true)
        var most: UInt64 = 0
        for _ in 0..<40 {
            most = max(most, try group.view.statistics().pidsCurrent ?? 0)
            usleep(10_000)
        }
        #expect(most > 1 && most <= 5)
        #expect(try group.view.statistics().memoryCurrent ?? 0 > 0)
        try group.view.kill()
        _ = reap(waiting)
        resources.memory.limit = 128 << 20
        resources.memory.swap = 128 << 20
        try group.view.update(CgroupSettings(resources, legacy: layout.legacyControllers))
        #expect(try CgroupFile.readRaw("\(memory.directory)/\(file)") == "\(128 << 20)\n")
    }

    @Test("a limit that the kernel takes without setting it is refused")
    func withoutEffect() throws {
        guard let memory = layout.hierarchies.first(where: { $0.controllers.contains(.memory) }) else { return }
        for file in ["memory.kmem.limit_in_bytes", "memory.kmem.tcp.limit_in_bytes"] {
            let limit: Int64 = 64 << 20
            var resources = LinuxResources()
            let isTCP = file.contains("tcp")
            if isTCP { resources.memory.kernelTCP = limit } else { resources.memory.kernel = limit }
            do {
                let group = try OwnedCgroup(creating: path("kernel"), in: layout, resources)
                #expect(try CgroupFile.read("\(group.view.directory(in: memory))/\(file)").hasPrefix("\(limit)"))
            } catch let error as CgroupError {
                let property = "linux.resources.memory.\(isTCP ? "kernelTCP" : "kernel")"
                #expect(error.description.hasPrefix(property), "\(error)")
            }
            #expect(!exists(top))
        }
    }

    @Test("a processor object without a value is a group of cpuset too, with all that the group above has")
    func namedSets() throws {
        guard let cpuset = layout.hierarchies.first(where: { $0.controllers.contains(.cpuset) }) else { return }
        let bare = try OwnedCgroup(creating: path("bare"), in: layout, LinuxResources())
        #expect(try !Descriptor.workingDirectory.exists(bare.view.directory(in: cpuset)))
        let resources = try LinuxResources(JSON(parsing: Array(#"{"cpu": {}}"#.utf8)))
        let group = try OwnedCgroup(creating: path("sets"), in: layout, resources)
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let own = try CgroupFile.read("\(group.view.directory(in: cpuset))/\(file)")
            #expect(try own == CgroupFile.read("\(cpuset.mountPoint)/\(file)"))
        }
        let pid = shell("while ! grep -q '[:,]cpuset[:,].*/sets$' /proc/self/cgroup; do :; done")
        try group.view.join(pid, unified: true)
        #expect(reap(pid) == 0)
    }

    @Test("a frozen tree stands, and a killed one is gone with its grandchildren")
    func freezeAndKill() throws {
        let group = try OwnedCgroup(creating: path("tree"), in: layout, LinuxResources())
        let pid = shell("while ! grep -q \(top) /proc/self/cgroup; do :; done; (sleep 60 & sleep 60) & sleep 60")
        try group.view.join(pid, unified: true)
        while try group.view.processes().count < 4 { usleep(5_000) }
        try group.view.freeze()
        #expect(try group.view.isFrozen())
        try group.view.thaw()
        try group.view.kill()
        #expect(reap(pid) & 0x7f == SIGKILL)
        try group.view.remove()
        #expect(!exists(group.view.path.text))
        #expect(try group.view.processes() == [])
    }

    @Test("groups that the container made below its own go too")
    func nested() throws {
        let group = try OwnedCgroup(creating: path("nest"), in: layout, LinuxResources()).keep()
        for directory in group.directories {
            try Descriptor.workingDirectory.makeDirectories("\(directory)/a/b", mode: 0o755)
        }
        try group.remove()
        group.removeEmptyParents()
        #expect(!exists(top))
    }

    @Test("a group with processes is not taken over")
    func occupied() throws {
        let first = try OwnedCgroup(creating: path("taken"), in: layout, LinuxResources())
        let pid = shell("sleep 60")
        try first.view.join(pid, unified: true)
        #expect(throws: CgroupError.occupied(path: "\(top)/root/taken")) {
            _ = try OwnedCgroup(creating: path("taken"), in: layout, LinuxResources())
        }
        try first.view.kill()
        _ = reap(pid)
        #expect(exists(first.view.path.text))
    }

    @Test("device rules hold in the group: null can be written, what they leave out can't")
    func devices() throws {
        var resources = LinuxResources()
        resources.devices = [.init(allow: false), .init(allow: true, type: "c", major: 10, minor: 200, access: "rw")]
        let group = try OwnedCgroup(creating: path("devices"), in: layout, resources)
        try group.restrictDevices()
        let node = "/tmp/\(top).node"
        // 1:11 is /dev/kmsg
        try Descriptor.workingDirectory.makeNode(node, mode: S_IFCHR | 0o600, device: 1 << 8 | 11)
        defer { unlink(node) }
        #expect(reap(shell(": <\(node)")) == 0)
        // The hierarchy of the rules, which is not the first one that it is moved in.
        let isThere = "{ grep :devices: /proc/self/cgroup || grep ^0:: /proc/self/cgroup; } | grep -q \(top)"
        let pid = shell("until \(isThere); do :; done; : >/dev/null || exit 3; : <\(node) || exit 4")
        try group.view.join(pid, unified: true)
        // dash ends with status 2 where a redirection of `:` fails
        #expect([2, 4].contains(reap(pid) >> 8))
    }

    @Test("the v2 filter passes the kernel's verifier and holds where there is a v2 tree")
    func filter() throws {
        guard let root = layout.unifiedMountPoint else { return }
        let only = CgroupLayout(unifiedMountPoint: root, hierarchies: [])
        var resources = LinuxResources()
        resources.devices = [.init(allow: false), .init(allow: false, type: "c", major: 1, minor: 3, access: "w")]
        let group = try OwnedCgroup(creating: path("filter"), in: only, resources)
        try group.restrictDevices()
        let node = "/tmp/\(top).filter"
        try Descriptor.workingDirectory.makeNode(node, mode: S_IFCHR | 0o600, device: 1 << 8 | 11)
        defer { unlink(node) }
        let pid = shell(
            "while ! grep -q \(top) /proc/self/cgroup; do :; done; : >/dev/null || exit 3; : <\(node) || exit 4")
        try group.view.join(pid, unified: true)
        #expect([2, 4].contains(reap(pid) >> 8))
    }

    @Test("fifty groups made and removed at once leave nothing")
    func concurrent() throws {
        let layout = self.layout
        let names = try (0..<50).map { try path("c\($0)") }
        let failures = Failures()
        var threads: [pthread_t] = []
        for name in names {
            let work = Unmanaged.passRetained(Work(layout: layout, path: name, failures: failures))
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { raw in
                    guard let raw else { return nil }
                    let work = Unmanaged<Work>.fromOpaque(raw).takeRetainedValue()
                    do {
                        for _ in 0..<3 {
                            let group = try OwnedCgroup(creating: work.path, in: work.layout, LinuxResources()).keep()
                            try group.remove()
                            group.removeEmptyParents()
                        }
                    } catch { work.failures.add("\(error)") }
                    return nil
                }, work.toOpaque())
            threads.append(thread)
        }
        for thread in threads { pthread_join(thread, nil) }
        #expect(failures.all == [])
        #expect(!exists(top))
    }
}

final class Failures: @unchecked Sendable {
    private var lock = pthread_mutex_t()
    private(set) var all: [String] = []
    init() { pthread_mutex_init(&lock, nil) }
    func add(_ text: String) {
        pthread_mutex_lock(&lock)
        all.append(text)
        pthread_mutex_unlock(&lock)
    }
}

final class Work: Sendable {
    let layout: CgroupLayout
    let path: CgroupPath
    let failures: Failures
    init(layout: CgroupLayout, path: CgroupPath, failures: Failures) {
        (self.layout, self.path, self.failures) = (layout, path, failures)
    }
}
