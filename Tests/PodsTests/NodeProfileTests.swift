import Containers
import Foundation
import OCI
import Testing

@testable import Pods

/// CDI files and devices, in directories of the test's own.
@Suite(.serialized) struct NodeProfileTests {
    private let directory: String
    private var low: String { directory + "/etc" }
    private var high: String { directory + "/run" }

    init() throws {
        directory = "/tmp/perigee-test-nodes-\(UUID().uuidString)"
        for path in ["/etc", "/run", "/root"] {
            try FileManager.default.createDirectory(atPath: directory + path, withIntermediateDirectories: true)
        }
    }

    private func remove() { try? FileManager.default.removeItem(atPath: directory) }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func node(_ json: String) throws -> NodeProfile {
        try Configuration(parsing: Array(#"{"nodes": {"gpu": \#(json)}}"#.utf8), path: "c").node("gpu")
    }

    private func apply(_ names: String..., to spec: inout RuntimeSpec) throws {
        let list = names.map { "\"\($0)\"" }.joined(separator: ",")
        try node("{\"cdi\": [\(list)]}").apply(to: &spec, slot: nil, cdiDirectories: [low, high])
    }

    private static func file(_ edits: String, version: String = "0.7.0", name: String = "a") -> String {
        #"{"cdiVersion": "\#(version)", "kind": "acme.org/card", "devices": [{"name": "\#(name)", "containerEdits": \#(edits)}]}"#
    }

    @Test("a device brings nodes, rules, mounts, variables and groups")
    func edits() throws {
        defer { remove() }
        try write(
            """
            {"cdiVersion": "0.7.0", "kind": "acme.org/card", "annotations": {"made": "by hand"},
             "containerEdits": {"env": ["CARDS=all"], "mounts": [
               {"hostPath": "/usr", "containerPath": "/opt/acme", "options": ["ro", "nosuid", "bind"]}]},
             "devices": [
               {"name": "a", "containerEdits": {"env": ["CARD=a"], "additionalGids": [0, 44],
                 "deviceNodes": [{"path": "/dev/card", "hostPath": "/dev/null", "permissions": "rw", "gid": 44},
                                 {"path": "/dev/zero"}, {"path": "/dev/made", "type": "b", "major": 7, "minor": 3}]}},
               {"name": "b", "containerEdits": {"env": ["CARD=b"]}}]}
            """, low + "/acme.json")
        var spec = RuntimeSpec()
        spec.process = ProcessSpec()
        spec.process?.env = ["CARDS=none", "HOME=/"]
        try apply("acme.org/card=a", "acme.org/card=b", to: &spec)
        #expect(spec.process?.env == ["HOME=/", "CARDS=all", "CARD=b"])
        #expect(spec.process?.user.additionalGids == [44])
        #expect(spec.mounts.map(\.destination) == ["/opt/acme"])
        #expect(spec.mounts[0].type == "bind" && spec.mounts[0].options == ["ro", "nosuid", "bind"])
        #expect(spec.linux.devices.map(\.path) == ["/dev/card", "/dev/zero", "/dev/made"])
        let card = spec.linux.devices[0]
        #expect(card.type == "c" && card.major == 1 && card.minor == 3 && card.gid == 44 && card.fileMode == 0o666)
        let rules = spec.linux.resources.devices
        #expect(rules.map(\.allow) == [true, true, true])
        #expect(rules.map(\.access) == ["rw", "rwm", "rwm"])
        #expect(rules.map(\.type) == ["c", "c", "b"])
        #expect(rules[2].major == 7 && rules[2].minor == 3)
    }

    @Test("the later directory goes before the earlier, and within one there is no before")
    func precedence() throws {
        defer { remove() }
        try write(Self.file(#"{"env": ["FROM=low"]}"#), low + "/x.json")
        try write(Self.file(#"{"env": ["FROM=high"]}"#), high + "/y.json")
        var spec = RuntimeSpec()
        spec.process = ProcessSpec()
        try apply("acme.org/card=a", to: &spec)
        #expect(spec.process?.env == ["FROM=high"])
        try write(Self.file(#"{"env": ["FROM=high2"]}"#), high + "/z.json")
        #expect { try apply("acme.org/card=a", to: &spec) } throws: { error in
            "\(error)"
                == "CDI device acme.org/card=a: it stands in \(high)/y.json and \(high)/z.json, and neither goes before the other"
        }
    }

    @Test("a device that no file has; files in YAML are named")
    func missing() throws {
        defer { remove() }
        var spec = RuntimeSpec()
        try write("cdiVersion: 0.7.0", low + "/nvidia.yaml")
        #expect { try apply("nvidia.com/gpu=0", to: &spec) } throws: { error in
            let text = "\(error)"
            return text.hasPrefix(
                "CDI device nvidia.com/gpu=0: no file in \(low) or \(high) has it\n  hint: perigee reads")
                && text.contains("JSON alone, and not \(low)/nvidia.yaml")
                && (error as? PodsError)?.managementStatus == 4
        }
    }

    @Test(
        "files that are not as the specification has them",
        arguments: [
            (Self.file("{}", version: "0.9.0"), "/cdiVersion: version 0.9.0 is not one from 0.3.0 to 0.8.0, or 1.0.0"),
            (Self.file("{}", version: "v1"), "/cdiVersion: 'v1' is no version such as 0.8.0"),
            (Self.file(#"{"evn": []}"#), "/devices/0/containerEdits/evn: unknown key; did you mean 'env'?"),
            (Self.file(#"{"env": ["=x"]}"#), "/devices/0/containerEdits/env/0: '=x' is not NAME=VALUE"),
            (
                Self.file(#"{"deviceNodes": [{"path": "dev/x"}]}"#),
                "/devices/0/containerEdits/deviceNodes/0/path: 'dev/x' is not absolute"
            ),
            (
                Self.file(#"{"deviceNodes": [{"path": "/dev/x", "permissions": "rx"}]}"#),
                "/devices/0/containerEdits/deviceNodes/0/permissions: 'rx' has other letters than r, w and m"
            ),
            (
                Self.file(#"{"deviceNodes": [{"path": "/dev/x", "hostPath": "/dev/null"}]}"#, version: "0.4.0"),
                "/devices/0/containerEdits/deviceNodes/0/hostPath: hostPath needs cdiVersion 0.5.0, and the file says 0.4.0"
            ),
            (
                Self.file(#"{"additionalGids": [1]}"#, version: "0.6.0"),
                "/devices/0/containerEdits/additionalGids: additionalGids needs cdiVersion 0.7.0, and the file says 0.6.0"
            ),
            (
                Self.file("{}", version: "0.3.0", name: "0"),
                "/devices/0/name: a name that begins with a digit needs cdiVersion 0.5.0, and the file says 0.3.0"
            ),
            (
                Self.file(#"{"mounts": [{"hostPath": "/x"}]}"#),
                "/devices/0/containerEdits/mounts/0/containerPath: missing"
            ),
            (
                Self.file(#"{"hooks": [{"hookName": "createContainer", "path": "/usr/bin/nvidia-cdi-hook"}]}"#),
                "/devices/0/containerEdits/hooks/0: the hook createContainer /usr/bin/nvidia-cdi-hook can't be run: a pod has no bundle for it to work on"
            ),
            (
                Self.file(#"{"hooks": [{"hookName": "beforeAll", "path": "/x"}]}"#),
                "/devices/0/containerEdits/hooks/0/hookName: 'beforeAll' is none of prestart, createRuntime, createContainer, startContainer, poststart, poststop"
            ),
        ])
    func refused(text: String, message: String) throws {
        defer { remove() }
        try write(text, low + "/acme.json")
        var spec = RuntimeSpec()
        let name = text.contains(#""name": "0""#) ? "0" : "a"
        do {
            try apply("acme.org/card=\(name)", to: &spec)
            Issue.record("it is taken")
        } catch {
            let start = "CDI file \(low)/acme.json"
            #expect(["\(start): \(message)", "\(start), device \(name): \(message)"].contains("\(error)"))
        }
    }

    @Test("a host device that is not there, or is none, is named with its file")
    func hostDevices() throws {
        defer { remove() }
        var spec = RuntimeSpec()
        try write(Self.file(#"{"deviceNodes": [{"path": "/dev/nosuch-card"}]}"#), low + "/acme.json")
        #expect { try apply("acme.org/card=a", to: &spec) } throws: { error in
            "\(error)".hasPrefix("CDI file \(low)/acme.json, device /dev/nosuch-card: openat(2)")
        }
        #expect { try node(#"{"devices": ["/dev/shm"]}"#).apply(to: &spec, slot: nil, cdiDirectories: []) } throws: {
            "\($0)" == "device /dev/shm: it is no character or block device"
        }
        try node(#"{"devices": ["/dev/full"], "cpus": "0"}"#).apply(to: &spec, slot: nil, cdiDirectories: [])
        #expect(spec.linux.devices.map(\.minor) == [7])
        #expect(spec.linux.resources.cpu.cpus == "0")
        #expect { try node(#"{"enabled": false}"#).apply(to: &spec, slot: nil, cdiDirectories: []) } throws: {
            "\($0)".hasPrefix("node gpu is not available on this machine")
        }
    }

    @Test("a CDI file that others may write")
    func untrusted() throws {
        defer { remove() }
        try write(Self.file("{}"), low + "/acme.json")
        chmod(low + "/acme.json", 0o666)
        var spec = RuntimeSpec()
        #expect { try apply("acme.org/card=a", to: &spec) } throws: { error in
            "\(error)".hasPrefix("\(low)/acme.json must be root's, and not writable by others")
        }
    }

    /// Whether it holds within ten seconds. Tests beside this one begin programs: until those are executed, they have the
    /// locks that this process has.
    private func soon(_ condition: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<1000 {
            if try condition() { return true }
            usleep(10_000)
        }
        return false
    }

    @Test("a slot is one pod's; the refusal says whose, and it is free when that is gone")
    func slots() throws {
        defer { remove() }
        let root = try RuntimeRoot.at(path: directory + "/root")
        let gpu = try node(#"{"gpu_slots": ["0", "1"], "cdi": "acme.org/card"}"#)
        guard let first = try DeviceSlot.take(gpu, tenant: "client1", pod: "web", in: root) else {
            throw PodsError.nodeDisabled(.gpu)
        }
        let firstSlot = first.slot
        #expect(firstSlot == "0")
        do {
            guard let second = try DeviceSlot.take(gpu, tenant: "client2", pod: "job", in: root) else {
                throw PodsError.nodeDisabled(.gpu)
            }
            let secondSlot = second.slot
            #expect(secondSlot == "1")
            let taken = try DeviceSlot.taken(of: gpu, in: root)
            #expect(taken.map(\.owner) == ["pod client1-web", "pod client2-job"])
            do {
                _ = try DeviceSlot.take(gpu, tenant: "client3", pod: "x", in: root)
                Issue.record("a third pod has a slot of two")
            } catch {
                let text =
                    "node gpu: no slot is free: slot 0 is used by pod client1-web, slot 1 is used by pod client2-job"
                #expect("\(error)".hasPrefix(text))
                #expect(error.managementStatus == 3)
            }
            _ = consume second
        }
        #expect(try soon { try DeviceSlot.taken(of: gpu, in: root).map(\.slot) == ["0"] })
        guard let third = try DeviceSlot.take(gpu, tenant: "client3", pod: "x", in: root) else {
            throw PodsError.nodeDisabled(.gpu)
        }
        let thirdSlot = third.slot
        #expect(thirdSlot == "1")
        _ = consume third
        _ = consume first
        #expect(try soon { try DeviceSlot.taken(of: gpu, in: root) == [] })
        if let other = try DeviceSlot.take(try node("{}"), tenant: "a", pod: "b", in: root) {
            Issue.record("slot \(other.slot) of none")
        }
        // The slot's name is the device's.
        try write(Self.file(#"{"env": ["CARD=1"]}"#, name: "1"), low + "/acme.json")
        var spec = RuntimeSpec()
        spec.process = ProcessSpec()
        try gpu.apply(to: &spec, slot: "1", cdiDirectories: [low])
        #expect(spec.process?.env == ["CARD=1"])
    }

    @Test("a slot is free as soon as the process that has it is killed")
    func slotOfKilled() throws {
        defer { remove() }
        let root = try RuntimeRoot.at(path: directory + "/root")
        let gpu = try node(#"{"gpu_slots": ["0"], "cdi": "acme.org/card"}"#)
        if let own = try DeviceSlot.take(gpu, tenant: "client1", pod: "web", in: root) { _ = consume own }
        #expect(try soon { try DeviceSlot.taken(of: gpu, in: root) == [] })
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        holder.arguments = ["--no-fork", "\(directory)/root/@slots/gpu-0", "sleep", "60"]
        try holder.run()
        #expect(try soon { try !DeviceSlot.taken(of: gpu, in: root).isEmpty })
        #expect(throws: PodsError.self) {
            if let own = try DeviceSlot.take(gpu, tenant: "client2", pod: "job", in: root) { _ = consume own }
        }
        kill(holder.processIdentifier, SIGKILL)
        holder.waitUntilExit()
        #expect(try soon { try DeviceSlot.taken(of: gpu, in: root) == [] })
        guard let own = try DeviceSlot.take(gpu, tenant: "client2", pod: "job", in: root) else {
            throw PodsError.nodeDisabled(.gpu)
        }
        _ = consume own
    }
}
