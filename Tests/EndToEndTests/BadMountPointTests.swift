import Foundation
import Glibc
import Testing

/// What an image can put where the runtime mounts, binds, masks and writes.
@Suite(.serialized) struct BadMountPointTests {
    static let scene = Scene("mounts")

    /// Where `kind` of a link points.
    private static func target(_ kind: String, _ scene: Scene) -> String {
        ["/": "/", "..": "../.."][kind] ?? scene.canary
    }

    /// A pod whose image has a link at /dev, /proc or /sys; CVE-2019-19921, CVE-2023-27561, CVE-2026-41579.
    private static func pod(_ name: String, _ kind: String, _ description: String) -> BadInput {
        BadInput("/\(name) of the image is a link to \(description)", 125) { scene in
            try scene.image { tree in symlink(target(kind, scene), tree + "/" + name) }
            return scene.pod("true")
        }
    }

    /// A bundle with a changed root file system.
    private static func bundle(
        _ input: String, _ changes: @escaping @Sendable (Scene) throws -> [(place: String, value: Any?)] = { _ in [] },
        rootfs: @escaping @Sendable (Scene, String) throws -> Void
    ) -> BadInput {
        BadInput(input, 1) { scene in
            try scene.bundle(try changes(scene)) { root in try rootfs(scene, root) }
        }
    }

    /// Removes `name` of the root file system, and links it to `target`.
    private static func link(_ root: String, _ name: String, to target: String) throws {
        try? FileManager.default.removeItem(atPath: root + "/" + name)
        try FileManager.default.createSymbolicLink(atPath: root + "/" + name, withDestinationPath: target)
    }

    static let podCases: [BadInput] = ["dev", "proc", "sys"].flatMap { name in
        [("/", "/"), ("..", "../.."), ("HOST", "a directory of the host")].map { pod(name, $0.0, $0.1) }
    }

    static let bundleCases: [BadInput] =
        ["dev", "proc", "sys"].map { name in
            bundle("/\(name) of the bundle is a link to a directory of the host") { scene, root in
                try link(root, name, to: scene.canary)
            }
        } + [
            bundle("/proc of the bundle is a file") { _, root in
                try FileManager.default.removeItem(atPath: root + "/proc")
                try Data().write(to: URL(fileURLWithPath: root + "/proc"))
            },
            bundle(
                "no mount at /dev, and /dev/null is a link, with maskedPaths (CVE-2025-31133)",
                { _ in
                    [
                        ("mounts", try Scene.mounts([], without: ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"])),
                        ("linux/maskedPaths", ["/etc/passwd"]), ("linux/devices", nil),
                    ]
                }, rootfs: { scene, root in try link(root, "dev/null", to: scene.canary + "/secret") }),
            bundle(
                "no mount at /dev, and /dev/null is another device, with maskedPaths",
                { _ in
                    [
                        ("mounts", try Scene.mounts([], without: ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"])),
                        ("linux/maskedPaths", ["/etc/passwd"]),
                    ]
                }, rootfs: { _, root in mknod(root + "/dev/null", S_IFCHR | 0o666, 0x105) }),
            bundle(
                "a bind mount behind a link to a directory of the host",
                { scene in
                    let mount: [String: Any] = [
                        "destination": "/out/new", "type": "bind", "source": scene.canary + "/empty",
                        "options": ["bind"],
                    ]
                    return [("mounts", try Scene.mounts([mount]))]
                }, rootfs: { scene, root in try link(root, "out", to: scene.canary) }),
            bundle(
                "a bind mount of what is not there",
                { scene in
                    let mount: [String: Any] = [
                        "destination": "/mnt", "type": "bind", "source": scene.canary + "/missing", "options": ["bind"],
                    ]
                    return [("mounts", try Scene.mounts([mount]))]
                }, rootfs: { _, _ in }),
            bundle(
                "a device where the image has a file of that name",
                { _ in
                    [
                        ("mounts", try Scene.mounts([], without: ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"])),
                        ("linux/devices", [["path": "/dev/null", "type": "c", "major": 1, "minor": 3]]),
                    ]
                },
                rootfs: { _, root in
                    try Data("no device".utf8).write(to: URL(fileURLWithPath: root + "/dev/null"))
                }),
            bundle(
                "a file system that the kernel does not have",
                { _ in
                    [("mounts", try Scene.mounts([["destination": "/mnt", "type": "nosuchfs", "source": "none"]]))]
                }, rootfs: { _, _ in }),
            bundle("the root file system is missing", { _ in [("root/path", "missing")] }, rootfs: { _, _ in }),
            bundle("the root file system is a file", { _ in [("root/path", "config.json")] }, rootfs: { _, _ in }),
        ]

    @Test("a link where something must be mounted is refused", arguments: podCases)
    func pods(_ bad: BadInput) throws { try bad.check(in: Self.scene, section: "Mount points") }

    @Test("nothing of a bundle's root leads a mount, a mask or a device out of it", arguments: bundleCases)
    func bundles(_ bad: BadInput) throws { try bad.check(in: Self.scene, section: "Mount points") }

    @Test("a bind mount behind a link of the image stays in the image")
    func bindInside() throws {
        let before = try Self.scene.fingerprint()
        let mount: [String: Any] = [
            "destination": "/out/new", "type": "bind", "source": Self.scene.canary, "options": ["bind", "ro"],
        ]
        let changes: [(String, Any?)] = [
            ("mounts", try Scene.mounts([mount])), ("process/args", ["cat", "/inside/new/secret"]),
            ("root/readonly", false),
        ]
        let command = try Self.scene.bundle(changes) { root in
            try Self.link(root, "out", to: "/../../inside")
            mkdir(root + "/inside", 0o755)
        }
        let outcome = Self.scene.perigee.run(command.words)
        #expect(outcome.output == "secret\n", "\(outcome.errors)")
        #expect(try Self.scene.fingerprint() == before && Self.scene.leftovers() == [])
    }

    @Test("a mount point that a neighbour swaps for a link meanwhile stays in the container (CVE-2021-30465)")
    func exchanged() throws {
        let before = try Self.scene.fingerprint()
        let shared = Self.scene.perigee.directory + "/shared"
        for path in [shared, shared + "/point"] { mkdir(path, 0o755) }
        symlink(Self.scene.canary, shared + "/link")
        let exchange: UInt32 = 2  // RENAME_EXCHANGE
        let stop = DispatchTime.now() + .seconds(2), ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            while DispatchTime.now() < stop {
                _ = renameat2(AT_FDCWD, shared + "/point", AT_FDCWD, shared + "/link", exchange)
            }
            ended.signal()
        }
        let mounts: [[String: Any]] = [
            ["destination": "/data", "type": "bind", "source": shared, "options": ["bind"]],
            ["destination": "/data/point", "type": "tmpfs", "source": "tmpfs"],
            ["destination": "/data/point/made/later", "type": "tmpfs", "source": "tmpfs"],
        ]
        let look = "awk '{print $5}' /proc/self/mountinfo; touch /data/point/made/mine; exit 0"
        let command = try Self.scene.bundle([
            ("mounts", try Scene.mounts(mounts)), ("process/args", ["/bin/sh", "-c", look]), ("root/readonly", false),
        ])
        while DispatchTime.now() < stop {
            let outcome = Self.scene.perigee.run(command.words)
            #expect(outcome.status == 0 || outcome.errors.hasPrefix("perigee: step "), "\(outcome)")
            let targets = outcome.output.split(separator: "\n")
            #expect(!targets.contains { $0.hasSuffix("canary") || $0.hasSuffix("later") && !$0.hasPrefix("/data/") })
        }
        ended.wait()
        #expect(try Self.scene.fingerprint() == before && Self.scene.leftovers() == [])
    }

    @Test("a sysctl is the kernel's, whatever the image has below /proc/sys (CVE-2025-52881)")
    func sysctl() throws {
        let changes: [(String, Any?)] = [
            ("mounts", try Scene.mounts([], without: ["/proc"])), ("linux/maskedPaths", []),
            ("linux/readonlyPaths", []), ("linux/sysctl", ["net.ipv4.ip_forward": "1"]),
            ("process/args", ["cat", "/proc/sys/net/ipv4/ip_forward"]),
        ]
        let command = try Self.scene.bundle(changes) { root in
            let directory = root + "/proc/sys/net/ipv4"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Data("fake\n".utf8).write(to: URL(fileURLWithPath: directory + "/ip_forward"))
        }
        let outcome = Self.scene.perigee.run(command.words)
        #expect(outcome.status == 0 && outcome.output == "fake\n", "\(outcome.errors)")
    }

    @Test("masks hold where the image has links at the masked places (CVE-2025-31133)")
    func masks() throws {
        let before = try Self.scene.fingerprint()
        let changes: [(String, Any?)] = [
            ("linux/maskedPaths", ["/secret", "/etc/passwd"]), ("linux/readonlyPaths", ["/file"]),
            ("process/args", ["/bin/sh", "-c", "cat /secret; cat /kept; wc -c < /etc/passwd; echo x > /file"]),
            ("root/readonly", false),
        ]
        let command = try Self.scene.bundle(changes) { root in
            try Self.link(root, "secret", to: "/kept")
            try Data("inside\n".utf8).write(to: URL(fileURLWithPath: root + "/kept"))
            try Self.link(root, "file", to: "../../../written")
            try Data("inside\n".utf8).write(to: URL(fileURLWithPath: root + "/written"))
        }
        let outcome = Self.scene.perigee.run(command.words)
        #expect(outcome.output == "0\n" && outcome.errors.contains("Read-only file system"), "\(outcome)")
        #expect(try Self.scene.fingerprint() == before && Self.scene.leftovers() == [])
    }
}
