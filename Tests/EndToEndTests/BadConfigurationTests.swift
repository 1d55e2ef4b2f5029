import Foundation
import Glibc
import Testing

/// Bundles whose config.json asks for what can't be, and limits that nothing can live in.
@Suite(.serialized) struct BadConfigurationTests {
    static let scene = Scene("configuration")
    static let section = "The configuration of a bundle, and limits"
    static let tiny = "`--memory 1`: a limit that nothing can start in"

    /// A bundle with `json` at a place of its configuration.
    private static func setting(
        _ input: String, _ changes: (place: String, json: String)..., status: Int32 = 1
    ) -> BadInput {
        BadInput(input, status) { scene in
            var values: [(place: String, value: Any?)] = []
            for change in changes {
                let value = try JSONSerialization.jsonObject(with: Data(change.json.utf8), options: .fragmentsAllowed)
                values.append((change.place, value))
            }
            return try scene.bundle(values)
        }
    }

    /// A bundle whose config.json is this text.
    private static func text(_ input: String, _ text: String) -> BadInput {
        BadInput(input, 1) { scene in
            let command = try scene.bundle()
            try Data(text.utf8).write(to: URL(fileURLWithPath: command.words[2] + "/config.json"))
            return command
        }
    }

    private static func filter(_ action: String, _ names: [String]) -> String {
        let list = names.map { "\"\($0)\"" }.joined(separator: ",")
        return """
            {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [\(list)], "action": "\(action)"}]}
            """
    }

    static let cases: [BadInput] = [
        text("config.json is empty", ""), text("config.json is cut off", #"{"ociVersion": "1.0.0", "#),
        text("config.json is a list", "[]"),
        text("a member stands twice", #"{"ociVersion": "1.0.0", "ociVersion": "1.0.0"}"#),
        text("a NUL in a string", #"{"ociVersion": "1.0\u0000"}"#),
        BadInput("config.json is a FIFO", 1) { scene in
            let command = try scene.bundle()
            try FileManager.default.removeItem(atPath: command.words[2] + "/config.json")
            mkfifo(command.words[2] + "/config.json", 0o644)
            return command
        },
        BadInput("config.json is 1 GB long", 1) { scene in
            let command = try scene.bundle()
            truncate(command.words[2] + "/config.json", 1 << 30)
            return command
        },
        setting("no process", ("process", "null")),
        setting("a user beyond 32 bits", ("process/user/uid", "4294967296")),
        setting("a negative user", ("process/user/uid", "-1")),
        setting("the user 4294967295, which means unchanged", ("process/user/uid", "4294967295")),
        setting("a terminal and no devpts", ("process/terminal", "true"), ("mounts", "[]")),
        setting(
            "a terminal of 70000 columns", ("process/terminal", "true"),
            ("process/consoleSize", #"{"height": 24, "width": 70000}"#)),
        setting("cwd is a file", ("process/cwd", #""/etc/passwd""#)),
        setting("cwd is /proc/self/fd/5 (CVE-2024-21626)", ("process/cwd", #""/proc/self/fd/5""#)),
        setting(
            "cwd may not be entered by the user", ("process/cwd", #""/root""#), ("process/user/uid", "1000"),
            ("process/capabilities", "{}")),
        setting("an unknown limit", ("process/rlimits", #"[{"type": "RLIMIT_MOON", "soft": 1, "hard": 1}]"#)),
        setting(
            "an unknown mount option",
            ("mounts", #"[{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": ["moon=1"]}]"#)),
        setting("a mount over the root", ("mounts", #"[{"destination": "/", "type": "tmpfs", "source": "tmpfs"}]"#)),
        setting("an unknown sysctl", ("linux/sysctl", #"{"net.moon.phase": "1"}"#)),
        setting("a sysctl that climbs", ("linux/sysctl", #"{"net/../kernel/printk_ratelimit": "5"}"#)),
        setting("a sysctl that climbs by dots", ("linux/sysctl", #"{"net.//.kernel.printk_ratelimit": "5"}"#)),
        setting("a sysctl's value that the kernel refuses", ("linux/sysctl", #"{"net.ipv4.ip_forward": "moon"}"#)),
        setting("a host name that is too long", ("hostname", "\"\(String(repeating: "h", count: 65))\"")),
        setting(
            "a namespace of nobody",
            (
                "linux/namespaces",
                #"[{"type": "mount"}, {"type": "uts"}, {"type": "network", "path": "/proc/1/ns/none"}]"#
            )),
        setting("a cgroup path that climbs", ("linux/cgroupsPath", #""../../elsewhere""#)),
        setting(
            "a device number that is none",
            ("linux/devices", #"[{"path": "/dev/x", "type": "c", "major": 5000, "minor": 1}]"#)),
        setting("seccomp: an unknown action", ("linux/seccomp", filter("SCMP_ACT_MOON", ["read"]))),
        setting(
            "seccomp: an unknown architecture",
            ("linux/seccomp", #"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_MOON"]}"#)),
        setting(
            "seccomp: write and execve are denied", ("linux/seccomp", filter("SCMP_ACT_ERRNO", ["write", "execve"])),
            ("process/noNewPrivileges", "true")),
        setting(
            "seccomp: write and execve kill", ("linux/seccomp", filter("SCMP_ACT_KILL_PROCESS", ["write", "execve"])),
            ("process/noNewPrivileges", "true"), status: 159),
        setting(
            "seccomp: everything is denied, and loaded before the privileges go",
            ("linux/seccomp", #"{"defaultAction": "SCMP_ACT_ERRNO"}"#), ("process/noNewPrivileges", "false")),
        setting(
            "seccomp: everything kills", ("linux/seccomp", #"{"defaultAction": "SCMP_ACT_KILL_PROCESS"}"#),
            ("process/noNewPrivileges", "true"), status: 159),
        setting("a limit of processes that is no number", ("linux/resources/pids", #"{"limit": "many"}"#)),
    ]

    @Test("what a configuration asks for and can't have is named", arguments: cases)
    func refused(_ bad: BadInput) throws { try bad.check(in: Self.scene, section: Self.section) }

    @Test("a memory limit that nothing can start in")
    func memory() throws {
        let outcome = Self.scene.perigee.run(["pod", "run", "--image", "demo-host", "--memory", "1", "true"])
        #expect(outcome.status == 125 && Self.scene.leftovers() == [], "\(outcome)")
        // Which step it is that asks for a page too many is the kernel's.
        let message = Self.scene.generalized(outcome.errors, [])
            .replacing(#/(during set-up, )[^\n]*/#) { "\($0.output.1)STEP" }
        try BadInputDocument.compare(.init(input: Self.tiny, status: 125, message: message), section: Self.section)
    }

    @Test("who is killed for lack of memory is the container, and never the runtime, also when the machine is busy")
    func memoryOfMany() {
        let launch = Self.scene.perigee.command(["pod", "run", "--image", "demo-host", "--memory", "1", "true"])
        let once = launch.joined(separator: " ") + " 2>/dev/null; echo $?"
        let outcome = Perigee.shell("for i in 1 2 3 4 5 6; do (for k in 1 2 3 4 5; do \(once); done) & done; wait")
        #expect(outcome.output == String(repeating: "125\n", count: 30))
    }

    @Test("a memory limit that is reached in the set-up or in the command", arguments: ["4k", "64k", "128k"])
    func smallMemory(limit: String) throws {
        let outcome = Self.scene.perigee.run(["pod", "run", "--image", "demo-host", "--memory", limit, "true"])
        // The kernel charges in batches for each processor, so that either may be.
        let setUp = outcome.status == 125 && outcome.errors.contains("was killed for lack of memory during set-up")
        let command = outcome.status == 137 && outcome.errors.contains("ran out of memory and was killed")
        #expect((setUp || command) && Self.scene.leftovers() == [], "\(outcome)")
    }

    @Test("an unknown capability in a bundle is left out with a warning, as the specification wants")
    func capability() throws {
        let sets = ["bounding": ["CAP_MOON", "CAP_KILL"]]
        let command = try Self.scene.bundle([("process/capabilities", sets), ("process/args", ["true"])])
        let outcome = Self.scene.perigee.run(command.words)
        #expect(outcome.status == 0 && outcome.errors.contains("warning: /process/capabilities/bounding"), "\(outcome)")
    }

    @Test("5,000 mounts are too many, and that is said")
    func mounts() throws {
        let one: [String: Any] = ["destination": "/mnt", "type": "tmpfs", "source": "tmpfs"]
        let command = try Self.scene.bundle([("mounts", [[String: Any]](repeating: one, count: 5000))])
        let outcome = Self.scene.perigee.run(command.words)
        #expect(outcome.status == 1 && outcome.errors.contains("too many"), "\(outcome.status) \(outcome.errors)")
        #expect(Self.scene.leftovers() == [])
    }
}
