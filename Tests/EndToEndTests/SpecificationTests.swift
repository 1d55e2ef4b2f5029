import Foundation
import Glibc
import Testing

/// Fields of the runtime specification that few configurations have, by what the kernel says inside of a container.
@Suite(.serialized) struct SpecificationTests {
    /// A bundle with mounts beside the default ones, whose root can be written to.
    private func bundle(_ mounts: [[String: Any]] = [], _ changes: [(String, Any)] = []) throws -> TestBundle {
        var bundle = try TestBundle()
        bundle.set("mounts", (bundle.config["mounts"] as? [[String: Any]] ?? []) + mounts)
        bundle.set("root/readonly", false)
        for (place, value) in changes { bundle.set(place, value) }
        return bundle
    }

    private func tmpfs(_ destination: String, _ options: [String]) -> [String: Any] {
        ["destination": destination, "type": "tmpfs", "source": "tmpfs", "options": options]
    }

    private func bind(_ source: String, _ destination: String, _ options: [String]) -> [String: Any] {
        ["destination": destination, "type": "none", "source": source, "options": options]
    }

    private func make(_ script: String) throws {
        let outcome = Perigee.shell("set -e; " + script)
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    private func shell(_ bundle: borrowing TestBundle, _ script: String) throws -> [String] {
        let outcome = try bundle.run(shell: script)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    /// The message of a configuration that is refused, with the exit code.
    private func refusal(_ bundle: borrowing TestBundle) throws -> String {
        let outcome = try bundle.run(shell: "true")
        #expect(outcome.status == 1, "\(outcome.output)")
        return outcome.errors
    }

    /// Creates the container, lets `body` look at its first process from the host, and deletes it.
    private func created(_ bundle: borrowing TestBundle, _ body: (String) throws -> Void) throws {
        try bundle.write()
        let name = "fields-\(UUID().uuidString)"
        let outcome = Perigee.shared.run(["create", "-b", bundle.path, "--pid-file", bundle.path + "/pid", name])
        try #require(outcome.status == 0, "\(outcome.errors)")
        defer { _ = Perigee.shared.run(["delete", "--force", name]) }
        try body(try String(contentsOfFile: bundle.path + "/pid", encoding: .utf8))
    }

    private func lines(_ script: String) -> [String] {
        Perigee.shell(script).output.split(separator: "\n").map(String.init)
    }

    // MARK: mounts

    /// Names, types, modes, owners, sizes, link targets and times of a tree.
    static let look = """
        find . -mindepth 1 \\( -type d -printf '%p %y %m %U:%G %T@\\n' -o -printf '%p %y %m %U:%G %s %l %T@\\n' \\) | sort
        """

    @Test("tmpcopyup: types, modes, owners, attributes, links, holes and times come along, and nothing of outside")
    func copyUp() throws {
        let bundle = try bundle([tmpfs("/full", ["tmpcopyup", "size=8m", "ro"])])
        let outside = bundle.path + "/outside"
        try make(
            """
            mkdir -p \(outside) \(bundle.path)/rootfs/full/dir/deep; echo secret > \(outside)/secret
            cd \(bundle.path)/rootfs/full; echo text > file; chown 12:34 file dir; chmod 4751 file; chmod 2710 dir; chmod 711 .
            echo one > dir/first; ln dir/first second; ln -s \(outside) away; ln -s ../../../etc up; ln -s file near
            mkfifo -m 620 pipe; mknod -m 604 null c 1 3; head -c 300000 /dev/urandom > dir/deep/large
            truncate -s 100M sparse; echo end >> sparse; touch -d @1000000000.5 file dir/deep; chown -h 7:8 near
            setfattr -n user.note -v words dir; setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 dir/first
            """)
        try created(bundle) { process in
            let copy = "/proc/\(process)/root/full"
            let expected = lines("cd \(bundle.path)/rootfs/full && \(Self.look)")
            let found = lines("cd \(copy) && \(Self.look)")
            #expect(expected.count == 12 && found == expected, "\(found.joined(separator: "\n"))")
            let content =
                "cat file dir/first second near; sha256sum < dir/deep/large; sha256sum < sparse; stat -c %h second"
            let attributes = "getfattr -d -m - dir dir/first second 2>&1"
            #expect(
                lines("cd \(copy); \(content); \(attributes)")
                    == lines("cd \(bundle.path)/rootfs/full; \(content); \(attributes)"))
            #expect((Int(lines("du -k \(copy)/sparse | cut -f1").first ?? "") ?? 1000) < 100)
            #expect(lines("stat -c '%a %U' \(copy)") == ["711 root"])
            #expect(lines("awk '$5 == \"/full\" { print $6 }' /proc/\(process)/mountinfo") == ["ro,relatime"])
        }
    }

    @Test("tmpcopyup does not go into what is mounted there, and is bounded by the tmpfs and by a depth")
    func copyUpBounds() throws {
        let secret = "/tmp/perigee-test-copy-\(getpid())"
        try make("mkdir -p \(secret); echo secret > \(secret)/file")
        defer { try? FileManager.default.removeItem(atPath: secret) }
        let full = try bundle([bind(secret, "/full/sub", ["bind"]), tmpfs("/full", ["tmpcopyup"])])
        #expect(try shell(full, "ls -A /full /full/sub") == ["/full:", "sub", "/full/sub:"])
        let large = try bundle([tmpfs("/full", ["tmpcopyup", "size=64k"])])
        try make("mkdir -p \(large.path)/rootfs/full; head -c 200000 /dev/zero > \(large.path)/rootfs/full/x")
        #expect(try refusal(large).contains("hint: what is in the directory is more than this tmpfs may hold"))
        let deep = try bundle([tmpfs("/full", ["tmpcopyup"])])
        try make("cd \(deep.path)/rootfs; mkdir full; cd full; for i in $(seq 80); do mkdir d; cd d; done")
        #expect(try refusal(deep).contains("more than 64 directories deep"))
        let missing = try bundle([tmpfs("/none/such", ["tmpcopyup"])])
        #expect(try shell(missing, "stat -c %a /none/such; ls -A /none/such") == ["755"])
    }

    @Test("a tmpfs without a mode has that of the directory which it covers")
    func tmpfsMode() throws {
        let bundle = try bundle([tmpfs("/place", ["size=1m"]), tmpfs("/other", ["mode=700"])])
        try make("cd \(bundle.path)/rootfs; mkdir -m 2751 place; mkdir -m 2751 other")
        #expect(try shell(bundle, "stat -c %a /place /other") == ["2751", "700"])
    }

    @Test("relative destinations start at the root, relative sources at the bundle")
    func relative() throws {
        let bundle = try bundle([tmpfs("somewhere/deep", ["mode=700"]), bind("given", "/given", ["bind", "ro"])])
        try make("mkdir \(bundle.path)/given; echo text > \(bundle.path)/given/file")
        #expect(try shell(bundle, "stat -c %a /somewhere/deep; cat /given/file") == ["700", "text"])
    }

    @Test("the kernel lists the mounts in the order of the configuration, clones of the host's among new ones")
    func order() throws {
        let bundle = try bundle([
            tmpfs("/one", []), bind("/usr", "/two", ["rbind", "ro"]), tmpfs("/three", []),
            bind("/etc/hostname", "/four", ["bind"]), tmpfs("/five", []), bind("/usr/lib", "/five/six", ["bind"]),
        ])
        let listed = try shell(bundle, "cut -d ' ' -f 5 /proc/self/mountinfo")
        let own = ["/one", "/two", "/three", "/four", "/five", "/five/six"]
        #expect(listed.filter(own.contains) == own)
    }

    @Test("src-nofollow mounts a link, dest-nofollow mounts on one, copy-symlink makes it again")
    func links() throws {
        let scratch = "/tmp/perigee-test-links-\(getpid())"
        try make("mkdir -p \(scratch); cd \(scratch); echo target > target; ln -s target link; ln -s nothing broken")
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let bundle = try bundle([
            bind(scratch + "/link", "/followed", ["bind"]),
            bind(scratch + "/link", "/itself", ["bind", "src-nofollow"]),
            bind(scratch + "/broken", "/broken", ["bind", "src-nofollow"]),
            bind(scratch + "/link", "/on", ["bind", "src-nofollow", "dest-nofollow"]),
            bind(scratch + "/broken", "/made/copy", ["bind", "copy-symlink"]),
            bind(scratch + "/target", "/plain", ["bind", "copy-symlink"]),
            bind(scratch + "/link", "/same", ["bind", "copy-symlink"]),
        ])
        try make("cd \(bundle.path)/rootfs; ln -s /etc/hostname on; ln -s target same")
        let lines = try shell(
            bundle,
            "cat /followed; for l in /itself /broken /on /made/copy /same; do readlink $l; done; cat /plain; ! grep ' /made/copy ' /proc/self/mountinfo"
        )
        #expect(lines == ["target", "target", "nothing", "target", "nothing", "target", "target"])
        let taken = try self.bundle([bind(scratch + "/link", "/taken", ["bind", "copy-symlink"])])
        try make("ln -s elsewhere \(taken.path)/rootfs/taken")
        #expect(try refusal(taken).contains("symlinkat(2) taken: EEXIST"))
        let both = try self.bundle([tmpfs("/x", ["src-nofollow"])])
        #expect(try refusal(both).contains("mount option 'src-nofollow': it is an option of bind mounts"))
    }

    @Test("remount changes the attributes of what is mounted, and never a file system of the host")
    func remount() throws {
        let bundle = try bundle([
            tmpfs("/scratch", ["mode=755"]), tmpfs("/scratch/sub", ["mode=755"]),
            bind("none", "/scratch", ["remount", "bind", "nosuid", "rro"]),
            bind("none", "/", ["remount", "ro", "nodev"]),
        ])
        let lines = try shell(
            bundle, "for m in / /scratch /scratch/sub; do awk -v m=$m '$5 == m { print $6 }' /proc/self/mountinfo; done"
        )
        #expect(lines == ["ro,nodev,relatime", "ro,nosuid,relatime", "ro,relatime"])
        let size = try self.bundle([tmpfs("/s", ["mode=755"]), tmpfs("/s", ["remount", "size=1m"])])
        #expect(try refusal(size).contains("remount changes a mount, and not its file system"))
        #expect(try refusal(try self.bundle([tmpfs("//.", [])])).contains("a mount over the root is not supported"))
    }

    private func range(_ inside: Int, _ outside: Int, _ size: Int) -> [String: Any] {
        ["containerID": inside, "hostID": outside, "size": size]
    }

    @Test("id-mapped mounts: owners are others in the mount, below too with ridmap, and the source is as it was")
    func idmap() throws {
        let scratch = "/tmp/perigee-test-idmap-\(getpid())"
        try make("mkdir -p \(scratch)/sub; touch \(scratch)/file; chown 5:6 \(scratch)/file; chown 9000 \(scratch)/sub")
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        var mounts: [[String: Any]] = []
        for (name, options) in [("one", ["bind", "idmap"]), ("all", ["rbind", "ridmap"]), ("plain", ["bind"])] {
            var mount = bind(scratch, "/" + name, options)
            if name != "plain" {
                mount["uidMappings"] = [range(0, 1000, 100), range(100, 7000, 5)]
                mount["gidMappings"] = [range(0, 2000, 100)]
            }
            mounts.append(mount)
        }
        let bundle = try bundle(mounts)
        let lines = try shell(
            bundle,
            "stat -c %u:%g /one/file /one/sub /all/file /plain/file; touch /one/new 2>&1 | grep -c large || touch /one/new"
        )
        #expect(lines.prefix(4) == ["1005:2006", "65534:2000", "1005:2006", "5:6"], "\(lines)")
        #expect(Perigee.shell("stat -c %u:%g \(scratch)/file").output == "5:6\n")
        var bare = bind(scratch, "/x", ["bind", "idmap"])
        #expect(try refusal(try self.bundle([bare])).contains("an id-mapped mount without uidMappings and gidMappings"))
        bare["type"] = "proc"
        bare["options"] = ["idmap"]
        #expect(try refusal(try self.bundle([bare])).contains("it is an option of bind mounts"))
    }

    @Test("a user namespace of several ranges; an id-mapped mount that follows it")
    func userNamespace() throws {
        let scratch = "/tmp/perigee-test-user-\(getpid())"
        try make("mkdir -p \(scratch); touch \(scratch)/root \(scratch)/other; chown 1500 \(scratch)/other")
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        var bundle = try bundle([bind(scratch, "/mapped", ["bind", "idmap"])])
        let spaces = (bundle.config["linux"] as? [String: Any])?["namespaces"] as? [[String: Any]] ?? []
        bundle.set("linux/namespaces", spaces + [["type": "user"]])
        let maps = [range(0, 100_000, 1000), range(1000, 300_000, 1000), range(65534, 400_000, 1)]
        bundle.set("linux/uidMappings", maps)
        bundle.set("linux/gidMappings", maps)
        try make("chown 100000:100000 \(bundle.path)/rootfs")
        let lines = try shell(bundle, "tr -s ' ' < /proc/self/uid_map; stat -c %u /mapped/root /mapped/other")
        #expect(lines == [" 0 100000 1000", " 1000 300000 1000", " 65534 400000 1", "0", "1500"])
    }

    @Test("recursive attributes, and the propagation of a mount")
    func attributes() throws {
        let bundle = try bundle([
            bind("/proc/self", "/unused", ["bind"]),
            bind("/dev", "/host", ["rbind", "rro", "rnosuid", "rnoexec", "slave"]),
            bind("/tmp", "/shared", ["bind", "shared"]), bind("/tmp", "/unbindable", ["bind", "unbindable"]),
        ])
        let lines = try shell(
            bundle,
            """
            awk '$5 ~ "^/host" && $6 !~ "^ro,nosuid(,nodev)?,noexec" { print "not:", $5, $6 }' /proc/self/mountinfo
            awk '$5 == "/shared" { print $7 ~ "shared" } $5 == "/unbindable" { print $7 }' /proc/self/mountinfo
            """)
        #expect(lines == ["1", "unbindable"])
    }

    // MARK: the process

    @Test("scheduler and I/O priority are the process's")
    func scheduling() throws {
        var bundle = try TestBundle()
        bundle.set("process/scheduler", ["policy": "SCHED_BATCH", "nice": 7, "flags": ["SCHED_FLAG_RESET_ON_FORK"]])
        bundle.set("process/ioPriority", ["class": "IOPRIO_CLASS_IDLE", "priority": 4])
        // The 41st field is the policy, the 19th the nice value.
        #expect(try shell(bundle, "cut -d' ' -f19,41 /proc/self/stat") == ["7 3"])
        let path = bundle.path
        bundle.set("process/args", ["/bin/sleep", "30"])
        try bundle.write()
        let name = "io-\(getpid())"
        #expect(Perigee.shared.run(["create", "-b", path, name]).status == 0)
        defer { _ = Perigee.shared.run(["delete", "--force", name]) }
        #expect(Perigee.shared.run(["start", name]).status == 0)
        let process = Perigee.shared.run(["state", name]).output.split(separator: ",").first { $0.contains("\"pid\"") }
        let number = process?.filter(\.isNumber) ?? ""
        #expect(Perigee.shell("ionice -p \(number)").output.hasPrefix("idle"))
        #expect(Perigee.shell("chrt -p \(number)").output.contains("SCHED_BATCH"))
        bundle.set("process/scheduler", ["policy": "SCHED_FIFO", "priority": 200])
        #expect(try refusal(bundle).contains("sched_setattr(2): EINVAL"))
        bundle.set("process/scheduler", ["policy": "SCHED_MOON"])
        #expect(try refusal(bundle).contains("/process/scheduler/policy: SCHED_MOON: Linux has no such policy"))
    }

    @Test("exec runs on the processors of execCPUAffinity")
    func affinity() throws {
        var bundle = try TestBundle()
        bundle.set("process/args", ["/bin/sleep", "30"])
        bundle.set("process/execCPUAffinity", ["initial": "0", "final": "1"])
        try bundle.write()
        let name = "cpu-\(getpid())"
        #expect(Perigee.shared.run(["create", "-b", bundle.path, name]).status == 0)
        defer { _ = Perigee.shared.run(["delete", "--force", name]) }
        #expect(Perigee.shared.run(["start", name]).status == 0)
        let list = "grep Cpus_allowed_list /proc/self/status | cut -f2"
        #expect(Perigee.shared.run(["exec", name, "/bin/sh", "-c", list]).output == "1\n")
        // Of the container's own process it says nothing.
        #expect(
            Perigee.shared.run(["exec", name, "/bin/sh", "-c", "grep Cpus_allowed_list /proc/1/status | cut -f2"])
                .output != "1\n")
        for (affinity, expected) in [(["initial": "1"], "1"), (["final": "0"], "0")] {
            var process = try #require(bundle.config["process"] as? [String: Any])
            process["execCPUAffinity"] = affinity
            process["args"] = ["/bin/sh", "-c", list]
            let file = bundle.path + "/process.json"
            try JSONSerialization.data(withJSONObject: process).write(to: URL(fileURLWithPath: file))
            #expect(Perigee.shared.run(["exec", "--process", file, name]).output == expected + "\n")
        }
    }

    @Test("labels of security modules that a host has not are refused in words")
    func labels() throws {
        func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
        var bundle = try TestBundle()
        if text("/sys/module/apparmor/parameters/enabled").hasPrefix("Y") {
            bundle.set("process/apparmorProfile", "unconfined")
            #expect(try shell(bundle, "cat /proc/self/attr/current") == ["unconfined"])
            bundle.set("process/apparmorProfile", "perigee-test-none")
            #expect(try refusal(bundle).contains("no profile 'perigee-test-none' is loaded"))
        } else {
            bundle.set("process/apparmorProfile", "unconfined")
            #expect(try refusal(bundle).contains("hint: this host has no AppArmor"))
        }
        bundle.set("process/apparmorProfile", nil)
        guard !FileManager.default.fileExists(atPath: "/sys/fs/selinux/enforce") else { return }
        bundle.set("process/selinuxLabel", "system_u:system_r:container_t:s0")
        bundle.set("linux/mountLabel", "system_u:object_r:container_file_t:s0")
        let outcome = try bundle.run(shell: "echo ok")
        #expect(outcome.status == 0 && outcome.output == "ok\n", "\(outcome)")
        for name in ["/process/selinuxLabel", "/linux/mountLabel"] {
            #expect(outcome.errors.contains("\(name): this host has no SELinux; it is left out"), "\(outcome.errors)")
        }
    }

    // MARK: Linux

    @Test("personality, and its flags that the specification has not")
    func personality() throws {
        var bundle = try TestBundle()
        bundle.set("linux/personality", ["domain": "LINUX32"])
        #expect(try shell(bundle, "cat /proc/self/personality; ! uname -m | grep 64") == ["00000008"])
        bundle.set("linux/personality", ["domain": "LINUX"])
        #expect(try shell(bundle, "cat /proc/self/personality") == ["00000000"])
        bundle.set("linux/personality", ["domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]])
        #expect(try refusal(bundle).contains("the specification knows no flag of a personality"))
    }

    @Test("memoryPolicy is the process's")
    func memoryPolicy() throws {
        var bundle = try TestBundle()
        let policy = "cut -d' ' -f2 /proc/self/numa_maps | sort -u"
        bundle.set("linux/memoryPolicy", ["mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]])
        #expect(try shell(bundle, policy).contains("interleave=static:0"))
        bundle.set("linux/memoryPolicy", ["mode": "MPOL_DEFAULT"])
        #expect(try shell(bundle, policy) == ["default"])
        bundle.set("linux/memoryPolicy", ["mode": "MPOL_BIND", "nodes": "0"])
        #expect(try shell(bundle, policy).contains("bind:0"))
        bundle.set("linux/memoryPolicy", ["mode": "MPOL_BIND"])
        #expect(try refusal(bundle).contains("set_mempolicy(2): EINVAL"))
        bundle.set("linux/memoryPolicy", ["mode": "MPOL_BIND", "nodes": "0-"])
        #expect(try refusal(bundle).contains("/linux/memoryPolicy/nodes: 0-: not a list like 0-3,7"))
    }

    @Test("timeOffsets: the clocks of a new time namespace, of which the first process is one")
    func timeOffsets() throws {
        var bundle = try TestBundle()
        let spaces = (bundle.config["linux"] as? [String: Any])?["namespaces"] as? [[String: Any]] ?? []
        bundle.set("linux/timeOffsets", ["boottime": ["secs": 1_000_000], "monotonic": ["secs": 500, "nanosecs": 5]])
        #expect(try refusal(bundle).contains("/linux/timeOffsets: needs a time namespace"))
        bundle.set("linux/namespaces", spaces + [["type": "time"]])
        let lines = try shell(
            bundle,
            "cut -d. -f1 /proc/uptime; tr -s ' ' < /proc/self/timens_offsets; [ $(readlink /proc/1/ns/time) = $(readlink /proc/1/ns/time_for_children) ]; echo $?"
        )
        #expect((Int(lines[0]) ?? 0) > 1_000_000)
        #expect(Array(lines.dropFirst()) == ["monotonic 500 5", "boottime 1000000 0", "0"])
        bundle.set("linux/timeOffsets", ["monotonic": ["secs": -1_000_000_000]])
        #expect(try refusal(bundle).contains("hint: with this offset a clock would be negative"))
        bundle.set("linux/timeOffsets", nil)
        #expect(try shell(bundle, "tr -s ' ' < /proc/self/timens_offsets") == ["monotonic 0 0", "boottime 0 0"])
    }

    @Test("netDevices: interfaces come with new names and their addresses, up; a name that is taken is refused")
    func netDevices() throws {
        let number = getpid() % 10000
        let (near, far, third) = ("pgn\(number)", "pgf\(number)", "pgt\(number)")
        defer { _ = Perigee.shell("ip link del \(near) 2>/dev/null; ip link del \(third) 2>/dev/null") }
        func pair() throws {
            try make(
                """
                ip link del \(near) 2>/dev/null || test ! -e /sys/class/net/\(near)
                ip link add \(near) type veth peer name \(far); ip link set \(far) up
                ip addr add 10.99.0.2/24 brd + dev \(far); ip -6 addr add fd99::2/64 dev \(far) nodad; ip link set \(near) up
                """)
        }
        try pair()
        var bundle = try TestBundle()
        bundle.set("linux/netDevices", [far: ["name": "inner0"]])
        let look = """
            cat /sys/class/net/*/flags | sort | tr '\\n' ' '; ls /sys/class/net | tr '\\n' ' '
            cat /proc/net/fib_trie | grep -c 10.99.0.2; grep -c inner0 /proc/net/if_inet6; cut -c1-32 /proc/net/if_inet6 | grep -c ^fd99
            """
        let lines = try shell(bundle, look)
        #expect(lines.first?.hasPrefix("0x1003 0x9 inner0 lo ") == true && lines.first?.hasSuffix(" 0") == false)
        #expect(Int(lines.dropFirst().first ?? "") ?? 0 > 0 && lines.last == "1", "\(lines)")
        // It went with the namespace, and its peer with it.
        try pair()
        bundle.set("linux/netDevices", [far: ["name": "inner%d"]])
        #expect(try shell(bundle, "ls /sys/class/net | tr '\\n' ' '") == ["inner0 lo "])
        try pair()
        bundle.set("linux/netDevices", [far: ["name": "lo"]])
        #expect(try refusal(bundle).contains("hint: the container's network namespace has an interface of that name"))
        #expect(Perigee.shell("ip -br link show \(far)").output.contains("UP"))
        bundle.set("linux/netDevices", [third: [String: Any]()])
        #expect(try refusal(bundle).contains("hint: there is no such interface"))
        let spaces = (bundle.config["linux"] as? [String: Any])?["namespaces"] as? [[String: Any]] ?? []
        bundle.set("linux/namespaces", spaces.filter { $0["type"] as? String != "network" })
        #expect(try refusal(bundle).contains("/linux/netDevices: needs a network namespace"))
    }

    @Test("netDevices in a namespace that is joined")
    func netDevicesJoined() throws {
        let number = getpid() % 10000
        let (space, near, far) = ("pgs\(number)", "pga\(number)", "pgb\(number)")
        defer { _ = Perigee.shell("ip netns del \(space); ip link del \(near) 2>/dev/null") }
        try make("ip netns add \(space); ip link add \(near) type veth peer name \(far)")
        var bundle = try TestBundle()
        let spaces = (bundle.config["linux"] as? [String: Any])?["namespaces"] as? [[String: Any]] ?? []
        let joined: [[String: Any]] = [["type": "network", "path": "/run/netns/\(space)"]]
        bundle.set("linux/namespaces", spaces.filter { $0["type"] as? String != "network" } + joined)
        bundle.set("linux/netDevices", [far: [String: Any]()])
        #expect(try shell(bundle, "ls /sys/class/net | tr '\\n' ' '") == ["lo \(far) "])
        // It is the namespace's now, and stays there.
        #expect(Perigee.shell("ip -n \(space) -br link show \(far)").output.contains("UP"))
    }

    @Test("intelRdt without a resctrl file system is refused")
    func resctrl() throws {
        guard !FileManager.default.fileExists(atPath: "/sys/fs/resctrl/schemata") else { return }
        var bundle = try TestBundle()
        bundle.set("linux/intelRdt", ["closID": "gold", "schemata": ["L3:0=f"]])
        #expect(try refusal(bundle).contains("hint: no resctrl file system is mounted"))
    }

    @Test("rootfsPropagation", arguments: ["private", "slave", "shared", "unbindable", "rslave", "rprivate"])
    func propagation(_ kind: String) throws {
        var bundle = try TestBundle()
        bundle.set("linux/rootfsPropagation", kind)
        let tags = try shell(
            bundle, "awk '$5 == \"/\" { for (i = 7; $i != \"-\"; i++) print $i }' /proc/self/mountinfo")
        switch kind {
        case "shared": #expect(tags.contains { $0.hasPrefix("shared:") })
        case "unbindable": #expect(tags == ["unbindable"])
        case "private", "rprivate": #expect(tags.isEmpty)
        // Of a host's mount that is not shared nobody can be a slave.
        default: #expect(!tags.contains { $0.hasPrefix("shared:") })
        }
    }

    @Test("a root that is a slave shows what the host mounts in it later")
    func slaveRoot() throws {
        var bundle = try TestBundle()
        bundle.set("linux/rootfsPropagation", "rslave")
        bundle.set("root/readonly", false)
        bundle.set("process/args", ["/bin/sleep", "30"])
        try bundle.write()
        let (path, name) = (bundle.path, "slave-\(getpid())")
        try make("mkdir -p \(path)/rootfs/later")
        let run = Perigee.shared.command([]).joined(separator: " ")
        let outcome = Perigee.shell(
            """
            unshare -m sh -c 'mount --bind \(path)/rootfs \(path)/rootfs && mount --make-shared \(path)/rootfs &&
            \(run) create -b \(path) \(name) && \(run) start \(name) && mount -t tmpfs late \(path)/rootfs/later &&
            \(run) exec \(name) grep -c " /later " /proc/self/mountinfo; \(run) delete --force \(name)'
            """)
        #expect(outcome.output == "1\n", "\(outcome.errors)")
    }

    // MARK: namespaces

    @Test("namespaces of every kind are joined by their paths; see BundleTests for mount")
    func joining() throws {
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        holder.arguments = ["-U", "-i", "-u", "-n", "-C", "-T", "sleep", "60"]
        try holder.run()
        defer { holder.terminate() }
        let process = holder.processIdentifier
        #expect(eventually { Perigee.shell("test $(readlink /proc/\(process)/exe) -ef /bin/sleep").status == 0 })
        try make("for m in uid_map gid_map; do echo 0 100000 1000 > /proc/\(process)/$m; done")
        let kinds = ["user", "ipc", "uts", "network", "cgroup", "time"]
        var bundle = try bundle()
        try make("chown 100000:100000 \(bundle.path)/rootfs")
        let joined = kinds.map { kind in
            let file = kind == "network" ? "net" : kind
            return ["type": kind, "path": "/proc/\(process)/ns/\(file)"]
        }
        bundle.set("linux/namespaces", joined + [["type": "mount"], ["type": "pid"]])
        bundle.set("hostname", nil)
        bundle.set(
            "mounts", (bundle.config["mounts"] as? [[String: Any]] ?? []).filter { $0["type"] as? String != "cgroup" })
        let names = "user ipc uts net cgroup time"
        let inside = try shell(bundle, "for n in \(names); do readlink /proc/self/ns/$n; done")
        let outside = Perigee.shell(
            "for n in \(names); do readlink /proc/\(process)/ns/$n; done")
        #expect(inside == outside.output.split(separator: "\n").map(String.init))
        bundle.set(
            "linux/namespaces", [["type": "mount"], ["type": "pid"], ["type": "uts", "path": "/proc/self/ns/net"]])
        let message = try refusal(bundle)
        #expect(message.contains("setns(2): EINVAL"), "\(message)")
    }

    // MARK: limits

    /// The text of a file of the group of a container that runs, in the v1 hierarchy or the v2 tree.
    private func limits(_ resources: [String: Any], _ files: [String]) throws -> [String] {
        var bundle = try TestBundle()
        bundle.set("linux/resources", resources)
        bundle.set("linux/cgroupsPath", "fields-\(getpid())")
        bundle.set("process/args", ["/bin/sleep", "30"])
        try bundle.write()
        let name = "limits-\(getpid())"
        let created = Perigee.shared.run(["create", "-b", bundle.path, name])
        #expect(created.status == 0, "\(created.errors)")
        defer { _ = Perigee.shared.run(["delete", "--force", name]) }
        return files.map { file in
            Perigee.shell("cat $(find /sys/fs/cgroup -path '*/fields-\(getpid())/\(file)')").output
                .trimmingCharacters(in: .newlines)
        }
    }

    @Test("limits of block devices are the group's")
    func blockIO() throws {
        let device = Perigee.shell("awk '$4 ~ /^[sv]d[a-z]$/ { print $1, $2; exit }' /proc/partitions")
            .output.split(separator: " ").compactMap { Int($0.trimmingCharacters(in: .newlines)) }
        guard device.count == 2 else { return }
        let row: [String: Any] = ["major": device[0], "minor": device[1], "rate": 1 << 20]
        let resources: [String: Any] = [
            "blockIO": [
                "weight": 300, "throttleReadBpsDevice": [row], "throttleWriteIOPSDevice": [row],
            ] as [String: Any]
        ]
        let isV1 = FileManager.default.fileExists(atPath: "/sys/fs/cgroup/blkio")
        let name = "\(device[0]):\(device[1])"
        if isV1 {
            let files = ["blkio.throttle.read_bps_device", "blkio.throttle.write_iops_device", "blkio.bfq.weight"]
            let texts = try limits(resources, files)
            #expect(texts == ["\(name) 1048576", "\(name) 1048576", "300"], "\(texts)")
        } else {
            #expect(try limits(resources, ["io.max"]) == ["\(name) rbps=1048576 wbps=max riops=max wiops=1048576"])
        }
    }

    @Test("a controller that the host has not is named")
    func controllers() throws {
        var bundle = try TestBundle()
        func check(_ resources: [String: Any], _ words: String) throws {
            bundle.set("linux/resources", resources)
            #expect(try refusal(bundle).contains(words))
        }
        let has = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
        let v2 = (try? String(contentsOfFile: "/sys/fs/cgroup/unified/cgroup.controllers", encoding: .utf8)) ?? ""
        if !has.contains("net_cls") {
            try check(["network": ["classID": 5]], "network.classID: this host has no net_cls")
        }
        if !has.contains("rdma"), !v2.contains("rdma") {
            try check(["rdma": ["mlx5_0": ["hcaHandles": 5]]], "rdma: this host has no rdma controller")
        }
    }
}
