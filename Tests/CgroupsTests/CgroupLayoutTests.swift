import Testing

@testable import Cgroups
@testable import Linux

struct CgroupLayoutTests {
    static let hybrid = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        38 31 0:35 / /odd\\040place/blkio rw,relatime - cgroup cgroup rw,blkio
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        50 31 0:32 / /elsewhere rw,relatime - cgroup cgroup rw,memory
        """

    @Test("mountinfo of a hybrid host gives each hierarchy once, and the v2 tree")
    func hybridMounts() throws {
        let layout = try CgroupLayout(mountinfo: Self.hybrid)
        #expect(layout.kind == .hybrid)
        #expect(layout.unifiedMountPoint == "/sys/fs/cgroup/unified")
        #expect(
            layout.hierarchies.map(\.mountPoint) == [
                "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", "/odd place/blkio",
            ])
        #expect(layout.hierarchies[0].controllers == [.cpu, .cpuacct])
    }

    @Test("mountinfo of a v2 host, a v1 host and a host without cgroups")
    func otherMounts() throws {
        let v2 = try CgroupLayout(
            mountinfo: "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n")
        #expect(v2.kind == .unified)
        let v1 = try CgroupLayout(
            mountinfo: Self.hybrid.split(separator: "\n").filter { !$0.contains("cgroup2") }.joined(separator: "\n"))
        #expect(v1.kind == .legacy)
        #expect(throws: CgroupError.notMounted) {
            _ = try CgroupLayout(mountinfo: "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        }
    }

    @Test(
        "the usual places are taken from our own groups, co-mounted controllers once, and odd ones are left to mountinfo"
    )
    func ownGroups() throws {
        let text = "12:name=systemd:/\n4:memory:/user\n2:cpu,cpuacct:/\n0::/\n"
        let layout = try #require(
            try CgroupLayout(ownGroups: text, below: "/c") { kind, path in
                kind == .cgroup ? ["/c/memory", "/c/cpu"].contains(path) : path == "/c/unified"
            })
        #expect(layout.hierarchies.map(\.mountPoint) == ["/c/memory", "/c/cpu"])
        #expect(layout.kind == .hybrid)
        #expect(try CgroupLayout(ownGroups: text, below: "/c") { _, path in path == "/c/cpu" } == nil)
    }

    @Test("what the quick way finds here is what mountinfo says")
    func thisHost() throws {
        let info = try Descriptor.workingDirectory.readFile("/proc/self/mountinfo", limit: 1 << 20)
        let slow = try CgroupLayout(mountinfo: String(decoding: info, as: UTF8.self))
        let quick = try CgroupLayout.detect()
        #expect(quick.kind == slow.kind)
        #expect(quick.unifiedMountPoint == slow.unifiedMountPoint)
        #expect(Set(quick.hierarchies.map(\.controllers)) == Set(slow.hierarchies.map(\.controllers)))
    }
}
