import Testing

@testable import Pods

struct TaskFileTests {
    @Test("every field of a pod run arrives (B02)")
    func fields() throws {
        let text = """
            - id: pod_run_job
              type: dphi.space.cg2.pod.run
              description: Run a pod with parameters
              pod_name: test
              image:
                name: my-app
                tag: latest
              command: ["/bin/sh"]
              args: ["-c", "echo 'Debi tirar mas fotos' > /data/hello-from-space.txt"]
              env:
              - name: LOG_LEVEL
                value: info
              - name: CONFIG_PATH
                value: /data/config/config.yaml
              ports:
              - container: 8080
                host: 8080
                protocol: tcp
              node: default
              volume: payload
              max_duration: 30

              # Optional: merge contiguous pod_run manifests into one file (--- separated)
              merge: true
            """
        let file = try TaskText.read(text)
        let step = try #require(file.operation.steps.first)
        #expect(step.id == "pod_run_job" && step.description == "Run a pod with parameters" && step.onFailure == .stop)
        #expect(
            step.pod
                == PodTask(
                    name: "test", hostname: "client1-test", image: "my-app:latest",
                    command: .list(
                        command: ["/bin/sh"],
                        arguments: ["-c", "echo 'Debi tirar mas fotos' > /data/hello-from-space.txt"]),
                    environment: [
                        .init(name: "LOG_LEVEL", value: "info"),
                        .init(name: "CONFIG_PATH", value: "/data/config/config.yaml"),
                    ], ports: [.init(container: 8080, host: 8080, transport: .tcp)], network: .pod,
                    node: .default,
                    volume: "payload", maxDuration: 1_800_000, onTimeout: .failure, hasInit: true))
        #expect(file.warnings.isEmpty)
        #expect(file.operation.groups.count == 1 && !file.operation.groups[0].isMerged)
    }

    @Test("scalars are what stands there: 3.10, 007, no (B34)")
    func sourceText() throws {
        let text = """
            - id: A
              type: dphi.space.cg2.pod.run
              pod_name: 007
              image: {name: fpga.example:5000/python, tag: 3.10}
              volume: 1
              env: [{name: A, value: 007}, {name: B, value: no}, {name: C, value: }, {name: D, value: ~}, {name: E, value: 1e3}]
            """
        let pod = try TaskText.onlyPod(text)
        #expect(pod.image == "fpga.example:5000/python:3.10" && pod.name == "007" && pod.volume == "1")
        #expect(pod.environment.map(\.value) == ["007", "no", "", "", "1e3"])
    }

    @Test("what may be written in several ways")
    func forms() throws {
        func pod(_ line: String) throws -> PodTask { try TaskText.onlyPod(TaskText.pod("A", line)) }
        for (text, node) in [("Mpu", PodTask.Node.mpu), ("FPGA", .fpga), ("gpu", .gpu), ("Default", .default)] {
            #expect(try pod("node: \(text)").node == node)
        }
        #expect(try pod("").node == .default)
        #expect(try pod("ports: [80]").ports == [.init(container: 80, host: nil, transport: .tcp)])
        #expect(
            try pod("ports: [{container: 53, host: 53, protocol: UDP}, {container: 53, host: 53, protocol: Tcp}]").ports
                == [.init(container: 53, host: 53, transport: .udp), .init(container: 53, host: 53, transport: .tcp)])
        #expect(try pod("ports: [{container: 80, host: 1}, {container: 80, host: 65535}]").ports.count == 2)
        #expect(try pod("on_timeout: success").onTimeout == .success)
        #expect(try pod("init: false").hasInit == false)
        #expect(try pod("max_duration: ~").maxDuration == nil)
    }

    @Test("an uplink: sources, destination, volume (B32)")
    func uplink() throws {
        let text = TaskText.uplink("U", source: "[a.py, ./d//b.py]").replacing(
            "destination: /", with: "destination: ./in//x")
        let step = try #require(try TaskText.read(text).operation.steps.first)
        guard case .uplink(let uplink) = step.work else {
            Issue.record("no uplink")
            return
        }
        #expect(uplink.sources.map(\.path.description) == ["a.py", "d/b.py"])
        #expect(uplink.sources.map { uplink.target(of: $0).description } == ["in/x/a.py", "in/x/b.py"])
        #expect(uplink.volume == "payload")
    }

    @Test("an operation's own keys, and none of them for the tenant (B18)")
    func operation() throws {
        let text = """
            id: test-health
            namespace: gamma
            system: cg2.em
            description: Example
            labels: {name: Orbital, number: 3.10, none: }
            tasks:
            """
        let operation = try TaskText.read(text + "\n" + TaskText.pod()).operation
        #expect(operation.id == "test-health" && operation.namespace == "gamma" && operation.system == "cg2.em")
        #expect(operation.description == "Example" && operation.tenant == "client1")
        #expect(operation.labels.map { "\($0.name)=\($0.value)" } == ["name=Orbital", "number=3.10", "none="])
        #expect(
            TaskText.problems("tenant: other\ntasks:\n" + TaskText.pod()) == [
                "1:1: operation: unknown key \"tenant\"; there are id, namespace, system, description, labels, tasks"
            ])
    }

    @Test("warnings, which refuse nothing")
    func warnings() throws {
        let text =
            TaskText.uplink("U", "merge: true") + TaskText.pod("A", "scheduled_time: null")
            + TaskText.pod("B", "env: [{name: X, value: 1}, {name: X, value: 2}]")
        #expect(
            try TaskText.read(text).warnings.map { $0.text(of: "f") } == [
                "f:6:10: task U: merge has no effect on type dphi.space.cg2.uplink",
                "f:12:3: task A: scheduled_time: null has no effect",
                "f:18:30: task B: variable X stands twice, and the last one wins",
            ])
    }

    @Test("host names of 63 bytes are the longest (3.8)")
    func hostNames() throws {
        let most = String(repeating: "p", count: 55)
        #expect(try TaskText.onlyPod(TaskText.pod("A", name: most)).hostname.utf8.count == 63)
        #expect(
            TaskText.problems(TaskText.pod("A", name: most + "p")) == [
                "3:13: Hostname \"client1-\(most)p\" is 64 characters; <tenant>-<pod_name> must be at most 63 (task A)"
            ])
        #expect(try TaskText.read(TaskText.pod("A", name: "b"), tenant: "a").operation.steps[0].pod?.hostname == "a-b")
        for name in ["Hey-there", "a_b", "a.b", "-a", "a-", "' '", "\u{e9}", "../x", "a/b"] {
            let problems = TaskText.problems(TaskText.pod("A", name: name))
            #expect(problems.count == 1)
            #expect(problems.first?.hasPrefix("3:13: Hostname \"client1-") == true, "\(problems)")
            #expect(problems.first?.contains("must match [a-z0-9]([-a-z0-9]*[a-z0-9])?") == true, "\(problems)")
        }
        for tenant in ["", "A", "a_b", "-", String(repeating: "t", count: 64)] {
            #expect(TaskText.problems(TaskText.pod(), tenant: tenant).first?.hasPrefix("tenant '") == true)
        }
    }

    @Test("all that is wrong is told at once, in the order of the lines")
    func together() {
        let text = """
            tasks:
            - id: A
              type: dphi.space.cg2.pod.run
              pod_name: a
              pod_name: b
              image: {name: python}
              node: tpu
              merge: 1
            - id: A
              type: dphi.space.cg2.uplink
              source: [../x]
              destination: /
              volume: payload
            - 5
            """
        #expect(
            TaskText.problems(text) == [
                "2:3: Volume is missing. (task A: volume is required)",
                "5:3: the key pod_name stands twice; it is in line 4 already",
                "6:10: Image name or tag is missing. (task A: image.tag)",
                "7:9: Node selection is invalid. (task A: node \"tpu\"; valid: fpga, mpu, gpu, default)",
                "8:10: task A: merge: expected true or false, found 1",
                "9:7: task A: this id is another task's already, in line 2",
                "11:12: task A: source \"../x\": '..' is not allowed\n  hint: sources lie beneath the task file's directory",
                "14:3: task in line 14: expected keys and values, found 5",
            ])
    }

    @Test("names that two tasks have, and may not")
    func names() throws {
        let twice = TaskText.pod("A", name: "x") + TaskText.pod("B", name: "x")
        #expect(
            TaskText.problems(twice) == [
                "8:13: tasks A and B have the same pod_name \"x\"; it must be unique in the file\n"
                    + "  hint: --allow-sequential-reuse lets a later step have it again"
            ])
        #expect(TaskText.problems(twice, reuse: true) == [])
        let merged = TaskText.pod("A", name: "x", "merge: true") + TaskText.pod("B", name: "x", "merge: true")
        let problem = "9:13: tasks A and B have the same pod_name \"x\"; they are begun together and need a name each"
        #expect(TaskText.problems(merged) == [problem])
        #expect(TaskText.problems(merged, reuse: true) == [problem])
    }

    @Test("a host port twice in a pod or in a group is one too many, one after the other it is none (E10)")
    func hostPorts() {
        func pod(_ id: String, _ ports: String, _ more: String = "") -> String {
            TaskText.pod(id, "ports: [\(ports)]", more)
        }
        let port = "{container: 80, host: 8080}"
        #expect(
            TaskText.problems(pod("A", port + ", {container: 81, host: 8080}")) == [
                "6:40: Duplicate host port 8080/tcp (task A)"
            ])
        #expect(TaskText.problems(pod("A", port + ", " + port)) == ["6:40: Duplicate host port 8080/tcp (task A)"])
        #expect(TaskText.problems(pod("A", port + ", {container: 80, host: 8080, protocol: udp}")) == [])
        #expect(TaskText.problems(pod("A", port) + pod("B", port)) == [])
        #expect(
            TaskText.problems(pod("A", port, "merge: true") + pod("B", port, "merge: true")) == [
                "13:11: Duplicate host port 8080/tcp (tasks A, B)"
            ])
        #expect(TaskText.problems(pod("A", "80, {container: 80}")) == ["6:15: task A: ports[1]: 80/tcp stands twice"])
    }

    /// A line of a pod run, and what is said of it; `A` is its task, 6 its line.
    @Test(
        "a field of a pod run that is wrong",
        arguments: [
            ("volme: x", "3: task A: unknown key \"volme\"; did you mean 'volume'?"),
            ("max_duration_seconds: 5", "3: task A: unknown key \"max_duration_seconds\"; max_duration has minutes"),
            ("pvc_name: 5", "3: task A: unknown key \"pvc_name\"; volume names it"),
            ("envs: {}", "3: task A: unknown key \"envs\"; did you mean 'env'?"),
            (
                "source: []",
                "3: task A: unknown key \"source\"; there are id, type, description, on_failure, pod_name, image,"
            ),
            ("description: [a]", "16: task A: description: expected a text, found a list"),
            ("merge: \"true\"", "10: task A: merge: expected true or false, found the text \"true\""),
            ("merge: yes", "10: task A: merge: expected true or false, found yes"),
            ("on_failure: retry", "15: task A: on_failure: no value \"retry\"; there are stop, continue"),
            ("on_timeout: ok", "15: task A: on_timeout: no value \"ok\"; there are failure, success"),
            (
                "max_duration: 0",
                "17: task A: max_duration: expected minutes, more than 0 and at most 525600, such as 30 or 0.5, found 0"
            ),
            ("max_duration: '30'", "17: task A: max_duration: expected minutes"),
            ("max_duration: -1", "17: task A: max_duration: expected minutes"),
            ("scheduled_time: 2026-01-01", "3: task A: scheduled_time is not supported"),
            (
                "command: {a: b}",
                "12: task A: command: expected a list of words, or a text for /bin/sh, found a mapping"
            ),
            ("command: ['']", "12: task A: command[0] is empty"),
            ("command: [[a]]", "13: task A: command[0]: expected a text, found a list"),
            ("args: -c", "9: task A: args: expected a list, found -c"),
            ("args: [null]", "10: task A: args[0]: expected a text, found nothing; in quotes it is a text"),
            ("command: a 'b\nargs: [x]", "12: task A: command \"a 'b\": beside args it is split into words"),
            ("env: {A: b}", "8: task A: env: expected a list, found a mapping"),
            ("env: [A=b]", "9: task A: env[0]: expected keys and values, found A=b"),
            ("env: [{name: 1a, value: }]", "16: task A: env[0].name: letters, digits"),
            ("env: [{name: A=B, value: }]", "16: task A: env[0].name: letters, digits"),
            ("env: [{value: x}]", "9: task A: env[0].name: letters, digits"),
            ("env: [{name: A}]", "9: task A: env[0].value is missing"),
            ("env: [{name: A, value: {a: b}}]", "26: task A: env[0].value: expected a text, found a mapping"),
            ("env: [{name: A, valeu: b}]", "19: task A: unknown key \"env[0].valeu\"; did you mean 'value'?"),
            ("ports: 80", "10: task A: ports: expected a list, found 80"),
            ("ports: [0]", "11: task A: ports[0]: expected a port, 1 to 65535, found 0"),
            ("ports: [65536]", "11: task A: ports[0]: expected a port"),
            ("ports: [080]", "11: task A: ports[0]: expected a port"),
            ("ports: ['80']", "11: task A: ports[0]: expected a port, 1 to 65535, found the text \"80\""),
            ("ports: [80:80]", "11: task A: ports[0]: expected a port, 1 to 65535, found 80:80"),
            ("ports: [80-90]", "11: task A: ports[0]: expected a port, 1 to 65535, found 80-90"),
            ("ports: [{host: 80}]", "11: task A: ports[0].container is missing"),
            ("ports: [{container: 80, host: 0}]", "33: task A: ports[0].host: expected a port, 1 to 65535, found 0"),
            (
                "ports: [{container: 80, protocol: sctp}]",
                "37: task A: ports[0].protocol: no value \"sctp\"; there are tcp, udp"
            ),
            ("node: tpu", "9: Node selection is invalid. (task A: node \"tpu\"; valid: fpga, mpu, gpu, default)"),
            ("node: [mpu]", "9: task A: node: expected a text, found a list"),
        ])
    func field(line: String, problem: String) {
        let problems = TaskText.problems(TaskText.pod("A", line))
        #expect(problems.contains { $0.hasPrefix("6:\(problem)") }, "\(problems)")
    }

    /// A line in the place of one that must be there.
    @Test(
        "a field that must be there and is not, or is nothing",
        arguments: [
            ("  pod_name: a", "", "1:3: task A: pod_name is missing"),
            ("  pod_name: a", "  pod_name:", "3:3: task A: pod_name is missing"),
            ("  volume: payload", "", "1:3: Volume is missing. (task A: volume is required)"),
            ("  volume: payload", "  volume: ''", "5:11: Volume is missing. (task A: volume is required)"),
            ("  volume: payload", "  volume: ../x", "5:11: task A: volume \"../x\": 1 to 63 lower-case letters"),
            ("  volume: payload", "  volume: A", "5:11: task A: volume \"A\": 1 to 63 lower-case letters"),
            ("  image: {name: python, tag: 3.10}", "", "1:3: Image name or tag is missing. (task A: image)"),
            ("name: python, ", "", "4:10: Image name or tag is missing. (task A: image.name)"),
            ("name: python, ", "name: '', ", "4:17: Image name or tag is missing. (task A: image.name)"),
            (", tag: 3.10", ", tag: ", "4:25: Image name or tag is missing. (task A: image.tag)"),
            (
                "{name: python, tag: 3.10}", "python:3.10",
                "4:10: task A: image: expected the keys name and tag, found python:3.10"
            ),
            (
                "name: python, ", "name: A B, ",
                "4:10: Failed to parse image reference \"A B:3.10\": invalid reference format (task A)"
            ),
            (
                "tag: 3.10", "tag: 5000/x",
                "4:10: Failed to parse image reference \"python:5000/x\": invalid reference format"
            ),
            ("name: python,", "name: 'python:3',", "4:10: Failed to parse image reference \"python:3:3.10\": invalid"),
            ("name: python,", "name: [python],", "4:17: task A: image.name: expected a text, found a list"),
            ("tag: 3.10", "tga: 3.10", "4:25: task A: unknown key \"image.tga\"; did you mean 'tag'?"),
            (
                "  type: dphi.space.cg2.pod.run", "",
                "1:3: task A: type is missing; there are dphi.space.cg2.pod.run, dphi.space.cg2.uplink"
            ),
            (
                "dphi.space.cg2.pod.run", "dphi.space.cg2.podrun",
                "2:9: task A: unknown type \"dphi.space.cg2.podrun\"; did you mean 'dphi.space.cg2.pod.run'?"
            ),
            (
                "dphi.space.cg2.pod.run", "dphi.space.cg2.downlink",
                "2:9: task A: unknown type \"dphi.space.cg2.downlink\"; there are dphi.space.cg2.pod.run, dphi.space.cg2.uplink"
            ),
            ("- id: A", "- description: x", "1:3: task in line 1: id is missing"),
            ("id: A", "id: ../A", "1:7: task in line 1: id \"../A\": 1 to 200 letters, digits"),
            ("id: A", "id: .A", "1:7: task in line 1: id \".A\": 1 to 200 letters, digits"),
            ("id: A", "id: [A]", "1:7: task in line 1: id: expected a text, found a list"),
        ])
    func missing(old: String, new: String, problem: String) {
        let text = TaskText.pod("A").replacing(old, with: new)
        let problems = TaskText.problems(text)
        #expect(problems.contains { $0.hasPrefix(problem) }, "\(problems)")
    }

    @Test(
        "an uplink that is wrong",
        arguments: [
            ("source: [a.py]", "source: a.py", "3:11: task U: source: expected a list, found a.py"),
            ("source: [a.py]", "source: []", "3:11: task U: source: the list is empty"),
            ("source: [a.py]", "source: ~", "3:3: task U: source is missing: a list of files"),
            ("[a.py]", "[/etc/passwd]", "3:12: task U: source \"/etc/passwd\": it must not begin with '/'"),
            ("[a.py]", "[d/../../x]", "3:12: task U: source \"d/../../x\": '..' is not allowed"),
            ("[a.py]", "[d/]", "3:12: task U: source \"d/\": it names no file"),
            ("[a.py]", "[.]", "3:12: task U: source \".\": it names no file"),
            ("[a.py]", "['']", "3:12: task U: source \"\": it names no file"),
            ("[a.py]", "[\"a\\0b\"]", "3:12: a NUL byte"),
            ("[a.py]", "[x/a.py, a.py]", "3:20: task U: \"a.py\" and \"x/a.py\" would be the same file of the volume"),
            ("destination: /", "destination: ../x", "4:16: task U: destination \"../x\": '..' is not allowed"),
            ("destination: /", "destination:", "4:3: task U: destination is missing: a directory of the volume, or /"),
            ("volume: payload", "volume: ", "5:3: Volume is missing. (task U: volume is required)"),
            ("volume: payload", "pod_name: x", "5:3: task U: unknown key \"pod_name\"; there are"),
        ])
    func uplinks(old: String, new: String, problem: String) {
        let problems = TaskText.problems(TaskText.uplink().replacing(old, with: new))
        #expect(problems.contains { $0.hasPrefix(problem) }, "\(problems)")
    }

    @Test(
        "a document that is none of tasks",
        arguments: [
            ("", "1:1: the file is empty: it has no tasks"), ("---\n...\n", "1:1: the file is empty: it has no tasks"),
            ("hello", "1:1: expected tasks: and a list, or a list of tasks, found hello"),
            ("tasks:", "1:1: operation: tasks: a list of tasks is missing"),
            ("id: x", "1:1: operation: tasks: a list of tasks is missing"),
            ("tasks: {}", "1:8: operation: tasks: expected a list, found a mapping"),
            ("[]", "1:1: there is no task in the list"),
            (
                "id: A\ntype: dphi.space.cg2.uplink",
                "1:1: a task alone: tasks are items of a list\n  hint: write '- ' before its first line"
            ),
            ("tasks: []\nlabels: [a]", "2:9: operation: labels: expected keys and values, found a list"),
            ("tasks: []\nid: a b", "2:5: operation: id \"a b\": 1 to 200 letters, digits"),
        ])
    func documents(text: String, problem: String) {
        let problems = TaskText.problems(text)
        #expect(problems.contains { $0.hasPrefix(problem) }, "\(problems)")
    }

    @Test("a second document is one too many; marks around the only one are none")
    func secondDocument() {
        #expect(TaskText.problems("---\r\n" + TaskText.pod().replacing("\n", with: "\r\n") + "...\r\n---\r\n") == [])
        let problem = "7:1: a second document: a task file has one\n  hint: remove the line with ---"
        #expect(TaskText.problems(TaskText.pod() + "---\n- id: B\n") == [problem])
    }

    @Test("a text that the file holds can do nothing to a terminal, and is shortened")
    func printable() {
        let long = String(repeating: "x", count: 5000)
        for text in ["\\e[31m", long] {
            let problems = TaskText.problems(TaskText.pod("A", "node: \"\(text)\""))
            #expect(problems.count == 1)
            #expect(problems.allSatisfy { $0.utf8.count < 400 && !$0.contains("\u{1b}") }, "\(problems)")
        }
    }
}
