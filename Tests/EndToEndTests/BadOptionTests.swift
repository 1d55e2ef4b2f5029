import Foundation
import Testing

/// Command lines that say what perigee can't do, and callers who may not.
@Suite(.serialized) struct BadOptionTests {
    static let scene = Scene("option")

    private static func pod(_ input: String, _ arguments: String...) -> BadInput {
        BadInput(input, 2, ["pod", "run", "--image", "demo-host"] + arguments)
    }

    /// As nobody, who may execute `perigee` and no more.
    private static func nobody(
        _ input: String, _ status: Int32, _ make: @escaping @Sendable (Scene) throws -> BadInput.Command
    ) -> BadInput {
        BadInput(input, status) { scene in
            var command = try make(scene)
            command.before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            return command
        }
    }

    static let cases: [BadInput] = [
        BadInput("no verb", 2, []), BadInput("an unknown verb", 2, ["rnu"]),
        BadInput("half a verb", 2, ["check"]), BadInput("a verb's name that is nearly one", 2, ["pod", "rnu"]),
        BadInput("an unknown global option", 2, ["--sotre", "/tmp", "image", "list"]),
        pod("a global option behind the verb", "--store", "/tmp", "true"),
        pod("an option that does not exist", "--memroy", "64m", "true"),
        pod("a capability: there is no such option", "--cap-add", "SYS_ADMIN", "true"),
        pod("an option without its value", "--memory"), pod("a value for an option that takes none", "--explain=yes"),
        BadInput("pod run without an image", 4, ["pod", "run", "true"]),
        pod("a size with an unknown unit", "--memory", "64x", "true"), pod("a negative size", "--memory=-1", "true"),
        pod("a size beyond 64 bits", "--memory", "9999999999g", "true"),
        pod("no memory at all", "--memory", "0", "true"),
        pod("no processor at all", "--cpus", "0", "true"),
        pod("a number of processors that is none", "--cpus", "two", "true"),
        pod("a writable layer without room", "--rootfs-size", "64k", "true"),
        pod("a node that there is not", "--node", "tpu", "true"),
        pod("a port that there is not", "--publish", "80:99999", "true"),
        pod("no process at all", "--pids", "0", "true"), pod("a time that is none", "--timeout", "soon", "true"),
        pod("a time of nothing", "--timeout", "0s", "true"), pod("a variable without a name", "-e", "=x", "true"),
        pod("a variable without a value", "-e", "NAME", "true"),
        pod("a tenant's name in capitals", "--tenant", "Acme", "true"),
        pod("a tenant's name that climbs", "--tenant", "../acme", "true"),
        pod("a volume's name that climbs", "--volume", "..", "true"),
        pod("a volume's name of 64 letters", "--volume", String(repeating: "v", count: 64), "true"),
        pod("an empty volume's name", "--volume=", "true"),
        pod("a command string and words behind it", "echo", "hello"),
        pod("a command string and -- as well", "true", "--", "true"), pod("nothing behind --", "--"),
        BadInput("run without an ID", 2, ["run"]),
        BadInput("an ID that climbs", 1) { try $0.bundle(identifier: "../web") },
        BadInput("an ID with a slash", 1) { try $0.bundle(identifier: "a/b") },
        BadInput("a directory for the state that is somebody else's", 1) { scene in
            let other = scene.canary
            let bundle = try scene.bundle()
            return .init(words: ["--root", other] + bundle.words, placeholders: bundle.placeholders)
        },
        BadInput("an ID of the runtime's own", 1) { try $0.bundle(identifier: "@exited") },
        BadInput("an ID of 300 letters", 1) { scene in
            let name = String(repeating: "x", count: 300)
            var command = try scene.bundle(identifier: name)
            command.placeholders.append((name, "NAME"))
            return command
        },
        BadInput("an empty name for the store", 2, ["--store=", "image", "list"]),
        BadInput("a file instead of the store's directory", 125) { scene in
            .init(words: ["--store", scene.canary + "/secret", "pod", "run", "--image", "demo-host", "true"])
        },
        BadInput("a file instead of the state's directory", 125) { scene in
            .init(words: ["--root", scene.canary + "/secret", "pod", "run", "--image", "demo-host", "true"])
        },
        BadInput("a relative path in a directory that has been removed", 1) { scene in
            let leave = "mkdir $0 && cd $0 && rmdir $0 && exec \"$@\""
            let directory = scene.perigee.directory + "/removed"
            return .init(words: ["--root", "state", "list"], before: ["sh", "-c", leave, directory])
        },
        BadInput("the state's file system is full", 125) { scene in
            let pod = ["pod", "run", "--image", "demo-host", "true"]
            let mount = "mkdir -p $0 && mount -t tmpfs -o size=4k none $0 && touch $0/@root && "
            let fill = "head -c 4096 /dev/zero >$0/@fill && exec \"$@\""
            return .init(words: pod, before: ["unshare", "-m", "sh", "-c", mount + fill, scene.perigee.root])
        },
        BadInput("no config.json", 1) { .init(words: ["run", "-b", $0.canary, "web"]) },
        BadInput("a bundle that is not there", 1) { .init(words: ["run", "-b", $0.canary + "/none", "web"]) },
        nobody("not root: pod run", 125) { scene in .init(words: ["pod", "run", "--image", "demo-host", "true"]) },
        nobody("not root: run", 1) { try $0.bundle() },
        nobody("not root: image list", 5) { _ in .init(words: ["image", "list"]) },
        nobody("not root: image load", 5) { _ in .init(words: ["image", "load", "/dev/null"]) },
    ]

    @Test("a command line that can't be carried out is refused before anything is done", arguments: cases)
    func refused(_ bad: BadInput) throws {
        chmodForNobody()
        try bad.check(in: Self.scene, section: "The command line, and who calls")
    }

    /// The executable's own directory may be root's alone; what the test says is of the store and the root.
    private func chmodForNobody() {
        for path in [Self.scene.perigee.store, Self.scene.perigee.root] {
            try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        }
    }
}
