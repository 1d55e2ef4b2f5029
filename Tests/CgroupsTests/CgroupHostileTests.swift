import Glibc
import Testing

@testable import Cgroups
@testable import Linux
@testable import OCI

/// What a container, or a second launch, may do to a group that is in use.
@Suite(.serialized)
struct CgroupHostileTests {
    let layout: CgroupLayout
    let top = "perigee-test-\(getpid())-hostile"

    init() throws { layout = try CgroupLayout.detect() }

    func path(_ name: String) throws -> CgroupPath { try CgroupPath("\(top)/\(name)") }

    /// The host's v1 hierarchies without its v2 tree; nil on a v2 host.
    var legacyAlone: CgroupLayout? {
        layout.hierarchies.isEmpty ? nil : CgroupLayout(unifiedMountPoint: nil, hierarchies: layout.hierarchies)
    }

    func exists(_ path: String) -> Bool {
        let roots = (layout.unifiedMountPoint.map { [$0] } ?? []) + layout.hierarchies.map(\.mountPoint)
        return roots.contains { (try? Descriptor.workingDirectory.exists("\($0)/\(path)")) == true }
    }

    /// Makes `count` groups of long names, each in the one before: together longer than any path may be.
    func nest(below directory: String, count: Int) throws {
        let name = String(repeating: "n", count: 200)
        var here = try Descriptor.workingDirectory.open(directory, O_RDONLY | O_DIRECTORY)
        for _ in 0..<count {
            try here.view.makeDirectory(name, mode: 0o755)
            here = try here.view.open(name, O_RDONLY | O_DIRECTORY)
        }
    }

    @Test("groups that were nested deeper than a path can name go too")
    func deep() throws {
        do {
            let group = try OwnedCgroup(creating: path("deep"), in: layout, LinuxResources())
            for directory in group.view.directories { try nest(below: directory, count: 30) }
            #expect(try group.view.processes() == [])
        }
        #expect(!exists(top))
    }

    @Test("a name that is no UTF-8 and a threaded group neither hold up removing nor the list of processes")
    func oddGroups() throws {
        let start = Clock.monotonic()
        do {
            let group = try OwnedCgroup(creating: path("odd"), in: layout, LinuxResources())
            for directory in group.view.directories {
                let opened = try Descriptor.workingDirectory.open(directory, O_RDONLY | O_DIRECTORY)
                try opened.view.makeDirectory([CChar(bitPattern: 0xff), 0x61, 0], mode: 0o755)
            }
            if let directory = group.view.unifiedDirectory {
                try Descriptor.workingDirectory.makeDirectory("\(directory)/threads", mode: 0o755)
                try CgroupFile.write("\(directory)/threads/cgroup.type", "threaded")
            }
            #expect(try group.view.processes() == [])
        }
        #expect(!exists(top))
        #expect(Clock.monotonic() - start < 2_000_000_000)
    }

    @Test("a group that another launch has made and not yet filled is not taken from it")
    func takenWhileEmpty() throws {
        let first = try OwnedCgroup(creating: path("taken"), in: layout, LinuxResources())
        #expect(throws: CgroupError.occupied(path: "\(top)/taken")) {
            _ = try OwnedCgroup(creating: path("taken"), in: layout, LinuxResources())
        }
        #expect(first.view.directories.allSatisfy { (try? Descriptor.workingDirectory.exists($0)) == true })
    }

    @Test("of launches that make the same group at once one has it, in all trees")
    func race() throws {
        // The group above is removed by who made it, who need not be the last: here that is this one.
        let above = try OwnedCgroup(creating: CgroupPath(top), in: layout, LinuxResources())
        let contest = try Contest(layout, path("same"))
        for thread in (0..<6).map({ _ in contest.start() }) { pthread_join(thread, nil) }
        #expect(contest.failures.all == [])
        #expect(contest.wins > 0)
        #expect(!exists("\(above.view.path)/same"))
    }

    @Test("on v1 alone the freezer stops a tree, and it is killed to the last process")
    func legacyKill() throws {
        guard let legacyAlone else { return }
        let group = try OwnedCgroup(creating: path("legacy"), in: legacyAlone, LinuxResources())
        #expect(group.v2Directory == nil)
        var pid: pid_t = 0
        let script = "while ! grep -q \(top) /proc/self/cgroup; do :; done; (sleep 60 & sleep 60) & sleep 60"
        let words: [UnsafeMutablePointer<CChar>?] = ["/bin/sh", "-c", script].map { (word: String) in strdup(word) }
        defer { words.forEach { free($0) } }
        #expect(posix_spawn(&pid, "/bin/sh", nil, nil, words + [nil], environ) == 0)
        try group.view.join(pid, unified: false)
        for _ in 0..<1000 where try group.view.processes().count < 4 { usleep(5_000) }
        try group.view.freeze()
        #expect(try group.view.isFrozen())
        // Killed while it is frozen: on v1 it dies only once it thaws.
        let before = Clock.monotonic()
        var status: Int32 = 0
        let reaper = Reaper(pid)
        try group.view.kill()
        status = reaper.join()
        #expect(status & 0x7f == SIGKILL)
        #expect(Clock.monotonic() - before < 2_000_000_000)
        #expect(try group.view.processes() == [])
        try group.view.remove()
        #expect(!exists("\(top)/legacy"))
    }

    @Test("processors that the group above does not have are blamed on the limit, not on our rights")
    func foreignProcessors() throws {
        guard let cpuset = layout.hierarchies.first(where: { $0.controllers.contains(.cpuset) }) else { return }
        var above = LinuxResources()
        above.cpu.cpus = "0"
        let outer = try OwnedCgroup(creating: path("sets"), in: layout, above)
        var resources = LinuxResources()
        resources.cpu.cpus = "1"
        let error = #expect(throws: CgroupError.self) {
            _ = try OwnedCgroup(creating: path("sets/inner"), in: layout, resources)
        }
        #expect(
            error?.description.hasPrefix("linux.resources.cpu.cpus was refused") == true, "\(String(describing: error))"
        )
        #expect(try !Descriptor.workingDirectory.exists("\(outer.view.directory(in: cpuset))/inner"))
    }
}

/// Reaps a child on a thread of its own.
private final class Reaper: @unchecked Sendable {
    private var thread = pthread_t()
    private let pid: Int32
    private var status: Int32 = 0

    init(_ pid: Int32) {
        self.pid = pid
        pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                let me = Unmanaged<Reaper>.fromOpaque(raw).takeRetainedValue()
                waitpid(me.pid, &me.status, 0)
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
    }

    func join() -> Int32 {
        pthread_join(thread, nil)
        return status
    }
}

/// Threads that make and drop the same group over and over; one of them may have it at a time.
private final class Contest: @unchecked Sendable {
    let failures = Failures()
    private let layout: CgroupLayout
    private let path: CgroupPath
    private var lock = pthread_mutex_t()
    private var owners = 0
    private(set) var wins = 0

    init(_ layout: CgroupLayout, _ path: CgroupPath) {
        (self.layout, self.path) = (layout, path)
        pthread_mutex_init(&lock, nil)
    }

    func start() -> pthread_t {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                let me = Unmanaged<Contest>.fromOpaque(raw).takeRetainedValue()
                for _ in 0..<200 { me.attempt() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        return thread
    }

    private func attempt() {
        do throws(CgroupError) {
            let group = try OwnedCgroup(creating: path, in: layout, LinuxResources())
            if count(1) != 1 { failures.add("two have it") }
            usleep(200)
            for directory in group.view.directories where (try? Descriptor.workingDirectory.exists(directory)) != true {
                failures.add("\(directory) was taken away")
            }
            _ = count(-1)
        } catch {
            if error != .occupied(path: path.text) { failures.add("\(error)") }
        }
    }

    private func count(_ change: Int) -> Int {
        pthread_mutex_lock(&lock)
        defer { pthread_mutex_unlock(&lock) }
        owners += change
        if change > 0 { wins += 1 }
        return owners
    }
}
