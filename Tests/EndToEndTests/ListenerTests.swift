import Foundation
import Testing

/// SCMP_ACT_NOTIFY, and the agent that decides: config-linux.md, "Seccomp".
@Suite(.serialized) struct ListenerTests {
    /// Takes any number of listeners, writes down what it is told with each, denies mkdir with ENOANO, and lets go on
    /// what else it is asked.
    private static let agent = """
        import fcntl, json, os, select, socket, struct, sys, threading
        def serve(fd):
            while True:
                request = bytearray(80)
                try: fcntl.ioctl(fd, 0xc0502100, request)
                except OSError: return
                identifier, _, _, call = struct.unpack_from("=QIIi", request)
                error, flags = (-55, 0) if call in (83, 258, 34) else (0, 1)
                try: fcntl.ioctl(fd, 0xc0182101, struct.pack("=QqiI", identifier, 0, error, flags))
                except OSError: pass
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(sys.argv[1] + "/agent")
        server.listen()
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            text, fds, _, _ = socket.recv_fds(connection, 1 << 20, 4)
            while part := connection.recv(1 << 20): text += part
            with open(sys.argv[1] + "/states", "a") as file:
                file.write(json.dumps([json.loads(text), len(fds)]) + "\\n")
            threading.Thread(target=serve, args=fds, daemon=True).start()
        """

    private final class Agent {
        let scene: HookScene
        private let process = Process()

        /// With a filter that asks for these calls.
        init(_ calls: [String], noNewPrivileges: Bool, flags: [String] = [], runs: Bool = true) throws {
            scene = try HookScene("/bin/sh", "-c", "mkdir /log/new; echo $?")
            scene.bundle.set("process/noNewPrivileges", noNewPrivileges)
            scene.bundle.set(
                "linux/seccomp",
                [
                    "defaultAction": "SCMP_ACT_ALLOW", "flags": flags, "listenerPath": scene.log + "/agent",
                    "listenerMetadata": "some data", "syscalls": [["names": calls, "action": "SCMP_ACT_NOTIFY"]],
                ] as [String: Any])
            scene.bundle.set("annotations", ["a": "b"])
            guard runs else { return }
            process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            process.arguments = ["-c", ListenerTests.agent, scene.log]
            try process.run()
            #expect(eventually { Perigee.shell("grep -c '00010000 .*\(scene.log)/agent$' /proc/net/unix").status == 0 })
        }

        deinit {
            guard process.isRunning else { return }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        /// What it has been told, and how many descriptors came with it.
        func states() throws -> [(state: [String: Any], descriptors: Int)] {
            let text = try String(contentsOfFile: scene.log + "/states", encoding: .utf8)
            return try text.split(separator: "\n").map { line in
                let pair = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [Any])
                return (try #require(pair[0] as? [String: Any]), try #require(pair[1] as? Int))
            }
        }
    }

    /// Calls that the stage makes once a filter is loaded, the one by which it waits among them.
    private static let ours = ["mkdir", "mkdirat", "read", "setgroups", "setresuid", "prctl", "chdir", "execve"]

    @Test(
        "the agent decides, whatever calls it is asked for", arguments: [true, false], [ours, ["mkdir", "mkdirat"]])
    func run(noNewPrivileges: Bool, calls: [String]) throws {
        let agent = try Agent(calls, noNewPrivileges: noNewPrivileges)
        let outcome = try agent.scene.run()
        #expect(outcome.output == "1\n" && outcome.errors.contains("No anode"), "\(outcome)")
        let told = try #require(try agent.states().first)
        #expect(told.descriptors == 1)
        #expect(told.state["fds"] as? [String] == ["seccompFd"])
        #expect(told.state["metadata"] as? String == "some data")
        let state = try #require(told.state["state"] as? [String: Any])
        #expect(state["id"] as? String == "c" && state["status"] as? String == "creating")
        #expect(state["bundle"] as? String == agent.scene.bundle.path)
        #expect(state["pid"] as? Int == told.state["pid"] as? Int && state["pid"] as? Int ?? 0 > 1)
        #expect(state["annotations"] as? [String: String] == ["a": "b"])
        #expect(try agent.scene.left() == [])
    }

    @Test("by create and start, and for a further process", arguments: [true, false])
    func start(noNewPrivileges: Bool) throws {
        let agent = try Agent(Self.ours, noNewPrivileges: noNewPrivileges)
        agent.scene.bundle.set("process/args", ["/bin/sleep", "100"])
        #expect(try agent.scene.create().status == 0)
        let started = agent.scene.perigee("start", "c")
        #expect(started.status == 0 && started.errors.isEmpty, "\(started)")
        let inside = agent.scene.perigee("exec", "c", "mkdir", "/log/new")
        #expect(inside.status == 1 && inside.errors.contains("No anode"), "\(inside)")
        let statuses = try agent.states().map { ($0.state["state"] as? [String: Any])?["status"] as? String }
        #expect(statuses == ["created", "running"])
        #expect(agent.scene.perigee("delete", "--force", "c").status == 0)
        #expect(try agent.scene.left() == [])
    }

    @Test("each flag of the specification is taken")
    func flags() throws {
        for flag in ["TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV"] {
            let agent = try Agent(
                ["mkdir", "mkdirat"], noNewPrivileges: true, flags: ["SECCOMP_FILTER_FLAG_\(flag)"])
            let outcome = try agent.scene.run()
            #expect(outcome.output == "1\n" && outcome.errors.contains("No anode"), "\(flag): \(outcome)")
        }
    }

    @Test("where nobody listens the container does not start, and nothing of it stays")
    func nobody() throws {
        let agent = try Agent(Self.ours, noNewPrivileges: true, runs: false)
        let outcome = try agent.scene.run()
        #expect(outcome.status == 1 && outcome.errors.contains("send the filter's listener to"), "\(outcome)")
        #expect(outcome.errors.contains("the seccomp agent must listen there"), "\(outcome)")
        #expect(try agent.scene.left() == [])
        #expect(try agent.scene.create().status == 0)
        let started = agent.scene.perigee("start", "c")
        #expect(started.status == 1 && started.errors.contains("/agent: ENOENT"), "\(started)")
        #expect(eventually { agent.scene.state("status") as? String == "stopped" })
        #expect(agent.scene.perigee("delete", "c").status == 0)
        #expect(try agent.scene.left() == [])
        agent.scene.bundle.set("linux/seccomp/listenerMetadata", nil)
        agent.scene.bundle.set("linux/seccomp/listenerPath", nil)
        #expect(try agent.scene.run().errors.contains("SCMP_ACT_NOTIFY needs a listenerPath"))
    }
}
