import Foundation
import Glibc
import Testing

/// Commands that can't be executed: the kernel has one ENOENT and one EACCES for a dozen mistakes.
@Suite(.serialized) struct BadCommandTests {
    static let scene = Scene("command")

    /// A pod whose image has a program `/opt/tool`, made at the path by `make`, which is its command.
    private static func tool(
        _ input: String, _ status: Int32, user: String = "", make: @escaping @Sendable (String) throws -> Void
    ) -> BadInput {
        BadInput(input, status) { scene in
            try scene.image(config: ["User": user]) { tree in
                mkdir(tree + "/opt", 0o755)
                try make(tree + "/opt/tool")
            }
            return scene.pod("--", "/opt/tool")
        }
    }

    private static func write(_ text: String, to path: String, mode: mode_t = 0o755) throws {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o755) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        chmod(path, mode)
    }

    /// An ELF file of 64 bits for `machine`, with a segment that names `loader`.
    static func program(machine: UInt16, loader: String) -> [UInt8] {
        func little(_ number: UInt64, _ width: Int) -> [UInt8] { (0..<width).map { UInt8(number >> ($0 * 8) & 0xff) } }
        let name = Array(loader.utf8) + [0]
        var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        bytes += little(2, 2) + little(UInt64(machine), 2) + little(1, 4) + little(0x400000, 8) + little(64, 8)
        bytes += little(0, 8) + little(0, 4) + little(64, 2) + little(56, 2) + little(1, 2) + little(0, 6)
        bytes += little(3, 4) + little(4, 4) + little(120, 8) + little(0x400078, 8) + little(0x400078, 8)
        bytes += little(UInt64(name.count), 8) + little(UInt64(name.count), 8) + little(1, 8)
        return bytes + name
    }

    #if arch(x86_64)
        static let machine: UInt16 = 62
    #else
        static let machine: UInt16 = 183
    #endif

    /// The same for the command of a bundle.
    private static func bundle(
        _ input: String, _ changes: [(place: String, json: String)],
        rootfs: @escaping @Sendable (String) throws -> Void = { _ in }
    ) -> BadInput {
        BadInput(input, 1) { scene in
            var values: [(place: String, value: Any?)] = []
            for change in changes {
                let data = Data(change.json.utf8)
                values.append(
                    (change.place, try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)))
            }
            return try scene.bundle(values, rootfs: rootfs)
        }
    }

    static let cases: [BadInput] = [
        BadInput("a word that is in no directory of PATH", 127) { $0.pod("--", "nosuch", image: "demo-host") },
        BadInput("a path that is not there", 127) { $0.pod("--", "/no/such", image: "demo-host") },
        BadInput("an empty PATH", 127) { $0.pod("-e", "PATH=", "--", "ls", image: "demo-host") },
        BadInput("a directory", 126) { $0.pod("--", "/etc", image: "demo-host") },
        BadInput("a file on the way to it", 127) { $0.pod("--", "/etc/passwd/tool", image: "demo-host") },
        BadInput("a name of 300 bytes", 126) { scene in
            let name = String(repeating: "x", count: 300)
            return .init(
                words: scene.pod("--", "/" + name, image: "demo-host").words, placeholders: [(name, "NAME")])
        },
        BadInput("an argument of 128 KiB", 126) { scene in
            try scene.image(config: ["Cmd": ["/bin/echo", String(repeating: "x", count: 131_072)]])
            return scene.pod()
        },
        BadInput("a shell command, and the image has no shell", 127) { scene in
            try scene.image { tree in
                mkdir(tree + "/bin", 0o755)
                try write("", to: tree + "/bin/.wh.sh", mode: 0o644)
            }
            return scene.pod("true")
        },
        tool("a file without an execute bit", 126) { try write("#!/bin/sh\n", to: $0, mode: 0o644) },
        tool("a file that only its owner may execute", 126, user: "1000") {
            try write("#!/bin/sh\n", to: $0, mode: 0o700)
        },
        tool("a path with a component that the user may not search", 126, user: "1000") { path in
            try write("#!/bin/sh\n", to: path)
            chmod(String(path.dropLast("/tool".count)), 0o700)
        },
        tool("a FIFO", 126) { mkfifo($0, 0o755) },
        tool("a device", 126) { mknod($0, S_IFCHR | 0o777, 0x105) },
        tool("a link that leads to itself", 126) { symlink("tool", $0) },
        tool("a link to a program of the host", 127) { symlink(scene.canary + "/secret", $0) },
        tool("an empty file", 126) { try write("", to: $0) },
        tool("a text without #!", 126) { try write("echo hello\n", to: $0) },
        tool("a script whose interpreter is missing", 126) { try write("#!/usr/bin/python3\n", to: $0) },
        tool("a script whose interpreter has no execute bit", 126) { try write("#!/etc/passwd\n", to: $0) },
        tool("a script whose interpreter is a directory", 126) { try write("#!/etc\n", to: $0) },
        tool("a script whose interpreter's name is relative", 126) { try write("#!sh\n", to: $0) },
        tool("a script that is its own interpreter", 126) { try write("#!/opt/tool\n", to: $0) },
        tool("a script with Windows line ends", 126) { try write("#!/bin/sh\r\necho hello\r\n", to: $0) },
        tool("a script whose interpreter is /proc/self/exe (CVE-2019-5736)", 126) {
            try write("#!/proc/self/exe\n", to: $0)
        },
        tool("a link to /proc/self/exe as command (CVE-2019-5736)", 126) { symlink("/proc/self/exe", $0) },
        BadInput("/proc/self/exe as command (CVE-2019-5736)", 126) {
            $0.pod("--", "/proc/self/exe", "3", "4096", image: "demo-host")
        },
        tool("a program for another machine", 126) { path in
            try write(program(machine: 22, loader: "/lib/ld64.so.1"), to: path)
        },
        tool("a program whose loader is missing", 126) { path in
            try write(program(machine: machine, loader: "/lib64/ld-of-another-libc.so"), to: path)
        },
        tool("a program whose header points beyond the end of all memory", 126) { path in
            var bytes = program(machine: machine, loader: "/lib/x")
            bytes.replaceSubrange(32..<40, with: [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
            try write(bytes, to: path)
        },
        tool("a program that is cut off", 126) { path in
            try write(Array(program(machine: machine, loader: "/lib/x").prefix(40)), to: path)
        },
        bundle(
            "in a bundle: a file on a mount with noexec",
            [
                ("process/args", #"["/mnt/tool"]"#),
                (
                    "mounts",
                    """
                    [{"destination": "/proc", "type": "proc", "source": "proc"},
                     {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                     {"destination": "/mnt", "type": "bind", "source": "/usr/bin", "options": ["bind", "noexec"]}]
                    """
                ), ("process/args", #"["/mnt/env"]"#),
            ]),
        bundle("in a bundle: a word that is in no directory of PATH", [("process/args", #"["nosuch"]"#)]),
    ]

    @Test("a command that can't be executed is told apart", arguments: cases)
    func refused(_ bad: BadInput) throws { try bad.check(in: Self.scene, section: "The command") }

    @Test("nothing of perigee's can be written through /proc/self/exe (CVE-2019-5736)")
    func executable() throws {
        let binary = Perigee.shell("sha256sum \(Perigee.binary)").output
        // The script's process is the stage, for a moment; whoever opens it finds no more than sealed memory.
        try Self.scene.image { tree in
            mkdir(tree + "/opt", 0o755)
            try Self.write("#!/proc/self/exe\n", to: tree + "/opt/tool")
        }
        let attack = """
            i=0; while [ $i -lt 200 ]; do
              /opt/tool 2>/dev/null & p=$!
              readlink /proc/$p/exe; echo overwritten 2>/dev/null > /proc/$p/exe && echo written
              i=$((i+1))
            done; wait; sha256sum /proc/1/exe /bin/busybox
            """
        let outcome = Self.scene.perigee.run(Self.scene.pod("--", "/bin/sh", "-c", attack).words)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count > 2, "\(outcome.errors)")
        #expect(!lines.contains { $0.contains("perigee") && !$0.contains("memfd:perigee-stage") }, "\(outcome.output)")
        #expect(Perigee.shell("sha256sum \(Perigee.binary)").output == binary)
        #expect(Self.scene.leftovers() == [])
    }
}
