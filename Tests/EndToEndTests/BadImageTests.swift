import Foundation
import Glibc
import Testing

/// What an image's author can write into its configuration and into the files that the runtime reads.
@Suite(.serialized) struct BadImageTests {
    static let scene = Scene("image")

    private static func etc(_ tree: String) throws -> String {
        try FileManager.default.createDirectory(atPath: tree + "/etc", withIntermediateDirectories: true)
        return tree + "/etc"
    }

    /// An image whose file of users is what `make` makes at the path.
    private static func users(
        _ input: String, file: String = "passwd", user: String = "", make: @escaping @Sendable (String) throws -> Void
    ) -> BadInput {
        BadInput(input, 125) { scene in
            try scene.image(config: ["User": user]) { tree in try make(try etc(tree) + "/" + file) }
            return scene.pod("true")
        }
    }

    /// An image with changed settings.
    private static func setting(_ input: String, _ name: String, _ value: String) -> BadInput {
        BadInput(input, 125) { scene in
            try scene.image(config: [name: value])
            return scene.pod("true")
        }
    }

    static let cases: [BadInput] = [
        BadInput("an image that is not in the store", 125, ["pod", "run", "--image", "nosuch", "true"]),
        BadInput("a name that is none", 2, ["pod", "run", "--image", "Bad Name", "true"]),
        BadInput("an image for a machine that nothing here can run", 125) { scene in
            try scene.image(architecture: "s390x")
            return .init(words: scene.pod("true").words, placeholders: [("linux/amd64", "OS/ARCH")])
        },
        BadInput("no command, and the image has none", 125) { scene in
            try scene.image(config: ["Cmd": NSNull(), "Entrypoint": NSNull()])
            return scene.pod()
        },
        users("/etc/passwd is a FIFO") { path in mkfifo(path, 0o644) },
        users("/etc/group is a FIFO", file: "group") { path in mkfifo(path, 0o644) },
        users("/etc/passwd is a directory") { path in mkdir(path, 0o755) },
        users("/etc/passwd is a device") { path in mknod(path, S_IFCHR | 0o666, 0x105) },
        users("/etc/passwd is 1 GB long") { path in
            close(creat(path, 0o644))
            truncate(path, 1 << 30)
        },
        users("/etc/passwd is a link to the host's, in which `evil` is root", user: "evil") { path in
            symlink(scene.canary + "/passwd", path)
        },
        users("/etc/passwd is a link that climbs out of the image, to itself", user: "evil") { path in
            symlink("../../../../../../../../etc/passwd", path)
        },
        users("/etc/passwd says 4294967296 of `evil`, which some programs take for root", user: "evil") { path in
            try Data("root:x:0:0::/:/bin/sh\nevil:x:4294967296:0::/:/bin/sh\n".utf8).write(
                to: URL(fileURLWithPath: path))
        },
        setting("`User` is 2147483648", "User", "2147483648"),
        setting("`User` is 4294967296, which is 0 in 32 bits", "User", "4294967296"),
        setting("`User` is -1", "User", "-1"),
        setting("`User` has a group that the image does not have", "User", "0:nogroup-of-mine"),
        setting("`StopSignal` is none", "StopSignal", "SIGMOON"),
        BadInput("`WorkingDir` has 5,000 bytes", 125) { scene in
            let path = "/" + String(repeating: "long/", count: 1000)
            try scene.image(config: ["WorkingDir": path])
            return .init(words: scene.pod("true").words, placeholders: [(path, "PATH")])
        },
        setting("`WorkingDir` is not absolute", "WorkingDir", "relative"),
        setting("`WorkingDir` is /proc/self/fd/4 (CVE-2024-21626)", "WorkingDir", "/proc/self/fd/4"),
        setting("`WorkingDir` is a file", "WorkingDir", "/etc/passwd"),
        BadInput("`WorkingDir` lies behind a link to a directory of the host", 125) { scene in
            try scene.image(config: ["WorkingDir": "/out/new"]) { tree in symlink(scene.canary, tree + "/out") }
            return scene.pod("true")
        },
        BadInput("/data, where the volume is mounted, is a link to a directory of the host", 125) { scene in
            try scene.image { tree in symlink(scene.canary, tree + "/data") }
            return scene.pod("true")
        },
        BadInput("a name in the image that would write to the terminal", 127) { scene in
            try scene.image(config: ["Cmd": ["/\u{1b}]0;title\u{7}\u{1b}[2J"]])
            return scene.pod()
        },
    ]

    @Test("what an image says is not believed", arguments: cases)
    func refused(_ bad: BadInput) throws { try bad.check(in: Self.scene, section: "The image of a pod") }

    @Test(
        "no WorkingDir leads to a directory of the host, whatever the caller has open",
        arguments: [3, 4, 5, 6, 7, 8, 9, 12, 16])
    func descriptorsAsDirectory(number: Int) throws {
        let command = try Self.scene.bundle([
            ("process/cwd", "/proc/self/fd/\(number)"), ("process/args", ["ls", "-a"]),
        ])
        let open = (3...9).map { "\($0)<\(Self.scene.canary)" }.joined(separator: " ")
        let words = Self.scene.perigee.command(command.words).joined(separator: " ")
        let outcome = Perigee.shell("exec \(open); exec \(words)")
        // A descriptor of the container's own root is no way out.
        let inside = Set(outcome.output.split(separator: "\n").map(String.init))
        #expect(outcome.status == 1 || inside.isSuperset(of: ["bin", "etc", "proc"]), "\(outcome)")
        #expect(inside.isDisjoint(with: ["bundles", "config.json", "boot", "secret"]))
        #expect(Self.scene.leftovers() == [])
    }

    @Test("a WorkingDir behind a link is made inside the image, never on the host")
    func directoryBehindLink() throws {
        let before = try Self.scene.fingerprint()
        try Self.scene.image(config: ["WorkingDir": "/out/made/for/it"]) { tree in
            symlink(Self.scene.canary, tree + "/out")
            let inside = tree + Self.scene.canary
            try FileManager.default.createDirectory(atPath: inside, withIntermediateDirectories: true)
        }
        let outcome = Self.scene.perigee.run(Self.scene.pod("pwd -P").words)
        #expect(outcome.output == Self.scene.canary + "/made/for/it\n", "\(outcome.errors)")
        #expect(try Self.scene.fingerprint() == before && Self.scene.leftovers() == [])
    }

    @Test("a variable with a newline is one variable")
    func newline() throws {
        try Self.scene.image(config: ["Env": ["A=1\nPATH=/evil", "PATH=/bin"]])
        let outcome = Self.scene.perigee.run(Self.scene.pod("--", "/bin/sh", "-c", "echo \"$PATH\"; echo \"$A\"").words)
        #expect(outcome.output == "/bin\n1\nPATH=/evil\n", "\(outcome.errors)")
    }

    @Test(
        "a variable with a NUL, or without a value, is refused when the image is loaded",
        arguments: [("A=1\0B=2", "NUL in a string"), ("NOVALUE", "/config/Env/0: expected NAME=value")])
    func variables(text: String, words: String) throws {
        let path = try Self.scene.layout(config: ["Env": [text]])
        let outcome = Self.scene.perigee.run(["image", "load", "--name", "never", path])
        #expect(outcome.status == 2 && outcome.errors.contains(words), "\(outcome.errors)")
    }
}
