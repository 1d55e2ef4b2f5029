import Foundation
import Testing

/// What stays of a container and what does not: REQUIREMENTS C01, C02, C05 to C08, C10 to C13, C15, C24, C25.
@Suite(.serialized) struct ContainerWorkspaceTests {
    /// Names, kinds, modes, owners, times and contents.
    private func fingerprint(_ path: String) -> String {
        Perigee.shell(
            "cd \(path) && find . -printf '%p %y %m %U:%G %T@ %l\\n' | sort && find . -type f -exec sha256sum {} + | sort"
        ).output
    }

    private func identity(_ projects: TestProjects, _ project: String) throws -> [String] {
        let state = try projects.state(project)
        return ["id", "startedAt"].compactMap { state[$0] as? String }
    }

    @Test("Launch, write, retire, launch: a new container, and the workspace as it was; all else as in the image")
    func relaunch() throws {
        let projects = try TestProjects("relaunch")
        defer { projects.clean() }
        #expect(projects.deploy("w").status == 0)
        let first = projects.inside(
            "w", "find / -xdev | sort | sha256sum; sha256sum /bin/busybox; ls -A /tmp /root")
        let made = projects.inside(
            "w",
            """
            umask 027; mkdir -p .git/objects models && echo ref > .git/HEAD && echo FROM x > Dockerfile && ln -s models m
            dd if=/dev/urandom of=models/checkpoint.pt bs=1024 count=64 2>/dev/null && chmod 640 models/checkpoint.pt
            touch -d '2020-01-02 03:04:05' Dockerfile && chown 1234:99 Dockerfile && mkfifo pipe
            mkdir -p /home /usr/lib && for i in /tmp /root /home /usr/lib /dev/shm; do echo lost > $i/lost || exit 1; done
            touch /dev/mqueue/queue; sync
            """)
        #expect(made.isEmpty, "\(made)")
        let files = fingerprint(projects.workspace("w"))
        #expect(files.contains("./Dockerfile f 640 1234:99 1577934245.0") && files.contains("./.git/HEAD"), "\(files)")
        let before = try identity(projects, "w")
        #expect(projects.container("retire", "w").status == 0)
        #expect(projects.tenant.leftovers() == [])
        #expect(fingerprint(projects.workspace("w")) == files)
        // The image is still there, and nothing is loaded.
        #expect(projects.deploy("w").status == 0)
        let second = projects.inside(
            "w", "find / -xdev | sort | sha256sum; sha256sum /bin/busybox; ls -A /tmp /root")
        #expect(second == first && first.contains("busybox"))
        #expect(
            projects.inside(
                "w", "ls /tmp/lost /root/lost /home/lost /usr/lib/lost /dev/shm/lost /dev/mqueue/queue 2>/dev/null; pwd"
            ) == "/workspace\n")
        #expect(fingerprint(projects.workspace("w")) == files)
        let after = try identity(projects, "w")
        #expect(before.count == 2 && after.count == 2 && zip(before, after).allSatisfy { $0 != $1 })
        projects.container("retire", "w")
    }

    @Test(
        "/workspace is the host's directory itself: an edit on one side is there on the other, and no set-uid file counts"
    )
    func mount() throws {
        let projects = try TestProjects("mount")
        defer { projects.clean() }
        #expect(projects.deploy("w").status == 0)
        let path = projects.workspace("w")
        try Data("host".utf8).write(to: URL(fileURLWithPath: path + "/edit"))
        #expect(projects.inside("w", "cat edit; echo container > back") == "host")
        #expect(Perigee.shell("cat \(path)/back").output == "container\n")
        let inodes = Perigee.shell("stat -c '%d:%i' \(path)").output
        #expect(projects.inside("w", "stat -c '%d:%i' /workspace") == inodes)
        let line = projects.inside("w", "grep ' /workspace ' /proc/self/mountinfo").split(separator: " ")
        #expect(line.count > 6 && line[3].hasSuffix(path) && line[5].hasPrefix("rw,nosuid,nodev"), "\(line)")
        // A directory that is put in its place on the host is not this container's.
        #expect(Perigee.shell("mv \(path) \(path).away && mkdir \(path)").status == 0)
        #expect(projects.inside("w", "cat edit") == "host")
    }

    @Test("What was written and synchronised is whole after KILL of all; nothing is removed through the mount")
    func killed() throws {
        let projects = try TestProjects("killed")
        defer { projects.clean() }
        let random =
            "dd if=/dev/urandom of=checkpoint bs=4096 count=256 2>/dev/null; sync; sha256sum checkpoint > sum; sync"
        #expect(projects.deploy("w", "--", "sh", "-c", "\(random); touch done; sync; sleep 1000").status == 0)
        let path = projects.workspace("w")
        #expect(eventually { FileManager.default.fileExists(atPath: path + "/done") })
        let group = Perigee.shell(
            "cat $(find /sys/fs/cgroup -maxdepth 4 -type d -name '\(projects.tenant.perigee.identifier).\(projects.tenant.name)-w-*' ! -name '*supervisor' | head -1)/cgroup.procs"
        ).output.split(separator: "\n").compactMap { Int32($0) }
        #expect(group.count >= 2, "\(group)")
        projects.tenant.killSupervisor(of: "w")
        for process in group.sorted() { kill(process, SIGKILL) }
        #expect(Perigee.shell("cd \(path) && sha256sum -c sum").status == 0)
        try projects.await("w", "stopped")
        #expect(projects.container("retire", "w").status == 0)
        #expect(projects.tenant.leftovers() == [])
        #expect(
            Perigee.shell("cd \(path) && sha256sum -c sum && ls").output == "checkpoint: OK\ncheckpoint\ndone\nsum\n")
        #expect(projects.deploy("w").status == 0)
        #expect(projects.inside("w", "sha256sum -c sum") == "checkpoint: OK\n")
    }

    @Test(
        "Right after a launch nothing is in the writable layer but mount points; it is gone from the disk when it is retired"
    )
    func layer() throws {
        let projects = try TestProjects("layer")
        defer { projects.clean() }
        let containers = projects.tenant.perigee.store + "/containers"
        func files() -> String {
            Perigee.shell(
                "cd \(containers) && find . -path '*layer-w-*' -type f -size +0 -o -path '*layer-w-*' -type c"
            ).output
        }
        #expect(projects.deploy("w").status == 0)
        #expect(files() == "")
        #expect(projects.inside("w", "set -- /proc/[0-9]*; echo $#; ls -A /workspace") == "3\n")
        _ = projects.inside("w", "dd if=/dev/zero of=/big bs=1048576 count=8 2>/dev/null; rm /bin/wget")
        #expect(files().contains("/big\n"))
        projects.container("retire", "w")
        #expect(Perigee.shell("ls \(containers) | grep layer-w").output == "")
    }

    @Test("A workspace is its user's: what is another's or leads elsewhere is refused, and the command is its user's")
    func hostile() throws {
        let members = #", "tenants": {"hostile": {"uids": [4711]}}"#
        let projects = try TestProjects("hostile", members: members)
        defer { projects.clean() }
        #expect(projects.deploy("own").status == 0)
        #expect(
            projects.inside("own", "id -u; id -g; touch f; grep CapEff /proc/self/status")
                == "4711\n4711\nCapEff:\t0000000000000000\n")
        #expect(Perigee.shell("stat -c %u:%g \(projects.workspace("own"))/f").output == "4711:4711\n")
        let base = projects.workspaces + "/hostile"
        try #require(Perigee.shell("ln -s /etc \(base)/link; mkdir \(base)/others; touch \(base)/file").status == 0)
        let link = projects.deploy("link")
        #expect(link.status == 1 && link.errors.contains("workspace \(base)/link: openat2(2) link: ELOOP"), "\(link)")
        let others = projects.deploy("others")
        #expect(others.status == 5, "\(others)")
        #expect(
            others.errors.hasPrefix(
                "perigee: workspace \(base)/others: it belongs to user 0, and must be user 4711's\n"))
        let file = projects.deploy("file")
        #expect(file.status == 1 && file.errors.contains("ENOTDIR"), "\(file)")
        #expect(projects.deploy("../own").status == 2)
        // A directory of the user's, in which he put a link to somebody else's: nothing is made there.
        try #require(Perigee.shell("chown 4711 \(base) && mkdir \(base)/../victim").status == 0)
        let made = projects.deploy("made")
        #expect(made.status == 0, "\(made)")
        #expect(Perigee.shell("stat -c %u:%g:%a \(base)/made; ls -A \(base)/../victim").output == "4711:4711:755\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "/etc").contains("link") == false)
    }

    @Test("Without a place in the configuration it is ~/workspace of who called sudo")
    func home() throws {
        let projects = try TestProjects("home")
        defer { projects.clean() }
        let directory = projects.workspaces + "/alice"
        try #require(Perigee.shell("mkdir \(directory) && chown 4712:4713 \(directory)").status == 0)
        let passwd = projects.workspaces + "/passwd"
        try Data("root:x:0:0::/root:/bin/sh\nalice:x:4712:4713::\(directory):/bin/sh\n".utf8).write(
            to: URL(fileURLWithPath: passwd))
        try Data("{}".utf8).write(to: URL(fileURLWithPath: projects.configuration))
        let verb = "$perigee container deploy $tenant --image demo-host --background w"
        func run(_ command: String) -> Perigee.Outcome {
            projects.shell(
                "export perigee tenant; unshare -m sh -c 'mount --bind \(passwd) /etc/passwd && \(command)'")
        }
        let deployed = run("SUDO_UID=4712 \(verb)")
        #expect(deployed.status == 0, "\(deployed)")
        let owner = Perigee.shell("stat -c %u:%g:%a \(directory)/workspace \(directory)/workspace/w").output
        #expect(owner == "4712:4713:755\n4712:4713:755\n")
        #expect(projects.inside("w", "id -u; id -g; pwd; touch f && echo made") == "4712\n4713\n/workspace\nmade\n")
        let stranger = run("SUDO_UID=4799 \(verb)2")
        #expect(
            stranger.status == 1 && stranger.errors.hasPrefix("perigee: user 4799 has no home in /etc/passwd"),
            "\(stranger)")
        // A link of his in the way to somewhere that is not his.
        try #require(
            Perigee.shell("mv \(directory)/workspace \(directory)/w2; ln -s /root \(directory)/workspace").status == 0)
        let linked = run("SUDO_UID=4712 \(verb)3")
        #expect(linked.status == 1 && linked.errors.contains("ELOOP"), "\(linked)")
        #expect(!FileManager.default.fileExists(atPath: "/root/w3"))
    }
}
