import Foundation
import OCI
import Testing

@testable import Pods

struct ConfigurationTests {
    private static let example = """
        {"nodes": {"mpu": {"arch": "arm64", "enabled": true, "cpus": "0-3"},
                   "fpga": {"arch": "aarch64", "devices": ["/dev/uio0", "/dev/udmabuf0"]},
                   "gpu": {"arch": "x86_64", "enabled": false, "gpu_slots": ["0"], "cdi": "nvidia.com/gpu"}},
         "default_node": "fpga",
         "defaults": {"max_pods": 1, "mode": "replace", "memory": "256m", "cpus": 0.5, "pids": 128, "shm_size": "32m",
                      "max_runtime_h": null, "grace_seconds": 300, "termination_grace_seconds": 20},
         "groups": {"researcher": {"max_runtime_h": 48, "memory": null, "host_paths": ["/opt/models"]}},
         "tenants": {"client1": {"group": "researcher", "max_pods": 3, "mode": "parallel", "uids": [1000, 1001]},
                     "client2": {"cpus": "1.5", "uids": [1002]}}}
        """

    private func read(_ text: String) throws -> Configuration {
        try Configuration(parsing: Array(text.utf8), path: "/etc/perigee/config.json")
    }

    /// What reading `text` fails with.
    private func failure(_ text: String) -> String {
        do {
            _ = try read(text)
            return "it is taken"
        } catch { return "\(error)".replacing("configuration /etc/perigee/config.json: ", with: "") }
    }

    @Test("each value comes from the nearest level that has it, and tells which")
    func precedence() throws {
        let configuration = try read(Self.example)
        let limits = try configuration.tenant(named: "client1").limits
        #expect(limits.maximumPods == 3)
        #expect(limits.source(of: .maximumPods) == .tenant("client1"))
        #expect(limits.mode == .parallel)
        #expect(limits.memory == nil)
        #expect(limits.source(of: .memory) == .group("researcher"))
        #expect(limits.maximumRuntime == 48 * 3600 * 1_000_000_000)
        #expect(limits.cpus == 500)
        #expect(limits.source(of: .cpus) == .defaults)
        #expect(limits.hostPaths == ["/opt/models"])
        #expect(limits.maximumGroup == 8)
        #expect(limits.source(of: .maximumGroup) == .builtIn)
        #expect(limits.terminationGrace == 20)
        #expect(limits.maximumRuntimeMessage.hasPrefix("Tenant limit max_runtime 48 h reached;"))
        let other = try configuration.tenant(named: "client2").limits
        #expect(other.memory == 256 << 20)
        #expect(other.cpus == 1500)
        #expect(other.maximumRuntime == nil)
        #expect(other.hostPaths == [] && other.devices == [] && other.hostNamespaces == [] && !other.privileged)
        let unknown = try configuration.tenant(named: "nobody-named").limits
        #expect(unknown.pids == 128)
        #expect(unknown.source(of: .pids) == .defaults)
    }

    @Test("without a file there are built-in limits, and one node")
    func builtIn() throws {
        let configuration = Configuration()
        let limits = try configuration.tenant(named: "default").limits
        #expect(limits.memory == 512 << 20)
        #expect(limits.grace == 300 && limits.terminationGrace == 30)
        #expect(limits.mode == .replace && limits.maximumPods == 1)
        #expect(limits.maximumRuntime == nil && limits.writableLayer == nil)
        #expect(try configuration.node(nil).name == .mpu)
        #expect(try configuration.node("default").isEnabled)
        #expect(try !configuration.node("gpu").isEnabled)
    }

    @Test(
        "nodes are named in any case",
        arguments: [
            ("FPGA", .fpga), ("fpga", .fpga), ("Mpu", .mpu), ("GPU", .gpu), ("default", .fpga), ("Default", .fpga),
            (nil, .fpga),
        ] as [(String?, NodeName)])
    func nodes(text: String?, name: NodeName) throws {
        let profile = try read(Self.example).node(text)
        #expect(profile.name == name)
        #expect(profile.architecture == (name == .gpu ? "amd64" : "arm64"))
        #expect(profile.isEnabled == (name != .gpu))
    }

    @Test("a node that there is not", arguments: ["tpu", "", "fpga ", "mpu\0"])
    func unknownNode(text: String) throws {
        do {
            _ = try read(Self.example).node(text, task: "X")
            Issue.record("\(text) is taken")
        } catch {
            let expected = "Node selection is invalid. (task X: node \"\(text)\"; valid: fpga, mpu, gpu, default)"
            #expect("\(error)" == expected)
            #expect((error as? PodsError)?.managementStatus == 2)
        }
    }

    @Test("whose tenant a caller is")
    func callers() throws {
        let configuration = try read(Self.example)
        #expect(try configuration.tenant(of: 1001, asked: nil).name == "client1")
        #expect(try configuration.tenant(of: 1001, asked: "client1").name == "client1")
        #expect(try configuration.tenant(of: 0, asked: nil).name == "default")
        #expect(try configuration.tenant(of: 0, invoker: 1002, asked: nil).name == "client2")
        #expect(try configuration.tenant(of: 0, invoker: 1002, asked: "client1").name == "client1")
        #expect(try configuration.tenant(of: 0, invoker: 4711, asked: nil).name == "default")
        #expect { try configuration.tenant(of: 1001, asked: "client2") } throws: { error in
            "\(error)".hasPrefix("Permission denied: you are tenant client1, and not client2")
                && (error as? PodsError)?.managementStatus == 5
        }
        #expect { try configuration.tenant(of: 4711, asked: nil) } throws: { error in
            "\(error)".hasPrefix("user 4711 has no tenant") && (error as? PodsError)?.managementStatus == 5
        }
    }

    @Test(
        "what is wrong is named with its place",
        arguments: [
            (#"{"defualts": {}}"#, "/defualts: unknown key; did you mean 'defaults'?"),
            (#"{"defaults": {"memroy": "1g"}}"#, "/defaults/memroy: unknown key; did you mean 'memory'?"),
            (#"{"nodes": {"tpu": {}}}"#, "/nodes/tpu: unknown key; did you mean 'mpu'?"),
            (#"{"nodes": {"accelerator": {}}}"#, "/nodes/accelerator: unknown key; known are fpga, mpu, gpu"),
            (#"{"nodes": {"mpu": {"cpu": "0"}}}"#, "/nodes/mpu/cpu: unknown key; did you mean 'cpus'?"),
            (
                #"{"nodes": {"mpu": {"cpus": "3-1"}}}"#,
                #"/nodes/mpu/cpus: '3-1' is not a list of processors such as "0-3,7""#
            ),
            (
                #"{"nodes": {"mpu": {"cpus": "0-"}}}"#,
                #"/nodes/mpu/cpus: '0-' is not a list of processors such as "0-3,7""#
            ),
            (#"{"nodes": {"mpu": {"arch": "mips"}}}"#, "/nodes/mpu/arch: 'mips' is neither arm64 nor amd64"),
            (
                #"{"nodes": {"mpu": {"devices": ["/etc/shadow"]}}}"#,
                "/nodes/mpu/devices/0: '/etc/shadow' is not a path below /dev"
            ),
            (
                #"{"nodes": {"mpu": {"devices": ["/dev/../etc"]}}}"#,
                "/nodes/mpu/devices/0: '/dev/../etc' is not a path below /dev"
            ),
            (#"{"nodes": {"gpu": {"gpu_slots": ["0", "0"]}}}"#, "/nodes/gpu/gpu_slots/1: '0' stands twice"),
            (
                #"{"nodes": {"gpu": {"cdi": "nvidia.com/gpu"}}}"#,
                "/nodes/gpu/cdi: 'nvidia.com/gpu' names no device, and there are no gpu_slots to name one"
            ),
            (
                #"{"nodes": {"gpu": {"cdi": "gpu=0"}}}"#,
                "/nodes/gpu/cdi: 'gpu=0' is neither VENDOR/CLASS nor VENDOR/CLASS=DEVICE"
            ),
            (#"{"default_node": "default"}"#, "/default_node: 'default' is none of fpga, mpu, gpu"),
            (#"{"cdi_dirs": ["etc/cdi"]}"#, "/cdi_dirs/0: 'etc/cdi' is not absolute"),
            (#"{"cni": {"conf_dir": "net.d"}}"#, "/cni/conf_dir: 'net.d' is not absolute"),
            (#"{"cni": {"bin_dirs": ["/a", "b"]}}"#, "/cni/bin_dirs/1: 'b' is not absolute"),
            (#"{"cni": {"bin_dirs": ["/a:b"]}}"#, "/cni/bin_dirs: '/a:b' has a ':', which separates such directories"),
            (#"{"cni": {"bin_dir": []}}"#, "/cni/bin_dir: unknown key; did you mean 'bin_dirs'?"),
            (#"{"cni": {"timeout_seconds": 0}}"#, "/cni/timeout_seconds: 0 is not from 1 to 600"),
            (#"{"defaults": {"cni": "front"}}"#, "/defaults/cni: expected true or false, found a string"),
            (
                #"{"defaults": {"memory": "1.5g"}}"#,
                #"/defaults/memory: '1.5g' is not a size such as "512m"; null is no limit"#
            ),
            (#"{"defaults": {"memory": 0}}"#, "/defaults/memory: 0 is not a size; null is no limit"),
            (#"{"defaults": {"memory": true}}"#, #"/defaults/memory: expected a size such as "512m", found a boolean"#),
            (
                #"{"defaults": {"cpus": 0}}"#,
                "/defaults/cpus: it must be from 0.001 to 1000000, with at most three decimals; null is no limit"
            ),
            (
                #"{"defaults": {"cpus": 0.0005}}"#,
                "/defaults/cpus: it must be from 0.001 to 1000000, with at most three decimals; null is no limit"
            ),
            (#"{"defaults": {"pids": 0}}"#, "/defaults/pids: 0 is not from 1 to 2147483647"),
            (#"{"defaults": {"pids": "512"}}"#, "/defaults/pids: expected an integer, found a string"),
            (
                #"{"defaults": {"max_runtime_h": -1}}"#,
                "/defaults/max_runtime_h: it must be more than 0 and at most 87600 hours; null is no limit"
            ),
            (
                #"{"defaults": {"max_runtime_h": 1e300}}"#,
                "/defaults/max_runtime_h: it must be more than 0 and at most 87600 hours; null is no limit"
            ),
            (
                #"{"defaults": {"mode": "paralel"}}"#,
                "/defaults/mode: 'paralel' is none of replace, parallel; did you mean 'parallel'?"
            ),
            (#"{"defaults": {"mode": null}}"#, "/defaults/mode: it can't be without limit"),
            (
                #"{"defaults": {"grace_seconds": 30}}"#,
                "/defaults/grace_seconds: termination_grace_seconds (30) must be less than grace_seconds (30), of which it is a part; tenant default"
            ),
            (
                #"{"groups": {"g": {"termination_grace_seconds": 301}}, "tenants": {"t": {"group": "g"}}}"#,
                "/groups/g/termination_grace_seconds: termination_grace_seconds (301) must be less than grace_seconds (300), of which it is a part; tenant t"
            ),
            (
                #"{"defaults": {"host_paths": ["../etc"]}}"#,
                "/defaults/host_paths/0: '../etc' is not an absolute path without '..'"
            ),
            (
                #"{"defaults": {"host_namespaces": ["net"]}}"#,
                "/defaults/host_namespaces/0: 'net' is none of network, pid, ipc, uts"
            ),
            (#"{"defaults": {"privileged": 1}}"#, "/defaults/privileged: expected true or false, found a number"),
            (
                #"{"tenants": {"Acme": {}}}"#,
                "/tenants/Acme: the name 'Acme': 1 to 63 lower-case letters, digits and '-' are allowed, and not '-' at an end"
            ),
            (
                #"{"tenants": {"a/b": {}}}"#,
                "/tenants/a~1b: the name 'a/b': 1 to 63 lower-case letters, digits and '-' are allowed, and not '-' at an end"
            ),
            (#"{"tenants": {"t": {"group": "nosuch"}}}"#, "/tenants/t/group: there is no group 'nosuch'"),
            (
                #"{"tenants": {"a": {"uids": [1]}, "b": {"uids": [1]}}}"#,
                "/tenants/b/uids/0: user 1 is tenant a's already"
            ),
            (#"{"tenants": {"a": {"uids": [-1]}}}"#, "/tenants/a/uids/0: -1 is not from 0 to 2147483647"),
            (#"{"groups": {"a": {"uids": [1]}}}"#, "/groups/a/uids: unknown key; did you mean 'pids'?"),
            (#"{"defaults": {"pids": 1, "pids": 2}}"#, "line 1, column 32: the name 'pids' stands twice"),
            ("[]", "expected an object, found an array"), ("", "line 1, column 1: the text ends before the value"),
        ])
    func refused(text: String, message: String) { #expect(failure(text) == message) }

    @Test("a file that others may write, or that is none")
    func untrusted() throws {
        let path = "/tmp/perigee-test-config-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        func failure() -> (text: String, status: Int32) {
            do {
                _ = try Configuration.read(path)
                return ("it is taken", 0)
            } catch { return ("\(error)".replacing(path, with: "FILE"), error.managementStatus) }
        }
        #expect(failure() == ("configuration FILE: openat(2) FILE: ENOENT (no such file or directory)", 4))
        try Data("{}".utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o664)
        #expect(
            failure().text.hasPrefix("FILE must be root's, and not writable by others: its owner is 0, its mode 664"))
        #expect(failure().status == 2)
        chmod(path, 0o644)
        #expect(failure() == ("it is taken", 0))
        chown(path, 1000, 0)
        #expect(failure().text.hasPrefix("FILE must be root's, and not writable by others: its owner is 1000"))
        chown(path, 0, 0)
        try Data(repeating: 32, count: 2 << 20).write(to: URL(fileURLWithPath: path))
        #expect(failure().text.contains("EFBIG"))
        try FileManager.default.removeItem(atPath: path)
        mkfifo(path, 0o600)
        #expect(failure().text.contains("not a regular file"))
    }

    @Test("limits in a pod's configuration")
    func applied() throws {
        var spec = try RuntimeSpec.standard()
        let limits = try read(Self.example).tenant(named: "client2").limits
        limits.apply(to: &spec)
        #expect(spec.linux.resources.memory.limit == 256 << 20)
        #expect(spec.linux.resources.memory.swap == 256 << 20)
        #expect(spec.linux.resources.cpu.quota == 150_000)
        #expect(spec.linux.resources.pids == 128)
        let shm = try #require(spec.mounts.first { $0.destination == "/dev/shm" })
        #expect(shm.options.filter { $0.hasPrefix("size=") } == ["size=\(32 << 20)"])
    }

    @Test("host names: 63 bytes and no more, nothing cut or changed")
    func hostnames() throws {
        #expect(try EffectiveHostname.of(tenant: "client1", pod: "test") == "client1-test")
        #expect(try EffectiveHostname.of(tenant: "1", pod: "2") == "1-2")
        let long = String(repeating: "p", count: 61)
        #expect(try EffectiveHostname.of(tenant: "a", pod: long).utf8.count == 63)
        do {
            _ = try EffectiveHostname.of(tenant: "aa", pod: long)
            Issue.record("64 bytes are taken")
        } catch {
            let text = "Hostname \"aa-\(long)\" is 64 characters; <tenant>-<pod_name> must be at most 63"
            #expect("\(error)" == text)
        }
        for bad in ["Hey-there", "a_b", "a.b", "-a", "a-", "", " ", "ä"] {
            #expect(throws: PodsError.self) { try EffectiveHostname.of(tenant: "a", pod: bad) }
        }
    }

    @Test(
        "messages of the pod layer",
        arguments: [
            (PodsError.podLimit(live: 3, most: 3), "Maximum pods reached (3/3); stop one or use replace mode", 3),
            (.belongsToOther(pod: "web", tenant: "b"), "Permission denied: pod web belongs to tenant b", 5),
            (.hostname("a-b-c", .usedBy(tenant: "a-b")), "Hostname \"a-b-c\" is in use by tenant a-b", 2),
            (.volumeInUse("payload", users: ["pod client1-x"]), "Volume \"payload\" is used by pod client1-x", 3),
        ] as [(PodsError, String, Int32)])
    func messages(error: PodsError, text: String, status: Int32) {
        #expect("\(error)".hasPrefix(text))
        #expect(error.managementStatus == status)
    }
}
