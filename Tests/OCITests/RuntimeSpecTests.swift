import Testing

@testable import OCI

struct RuntimeSpecTests {
    private func decode(_ text: String) -> String {
        do throws(JSONError) {
            let json = try JSON(parsing: Array(text.utf8))
            do throws(SpecError) { _ = try RuntimeSpec(decoding: json) } catch { return "\(error)" }
        } catch { return "\(error)" }
        return "decoded"
    }

    @Test("the default specification decodes to what it says")
    func standard() throws {
        let spec = try RuntimeSpec.standard()
        #expect(spec.process?.args == ["sh"] && spec.process?.noNewPrivileges == true && spec.root.readonly)
        #expect(spec.linux.namespaces.map(\.type).sorted() == ["cgroup", "ipc", "mount", "network", "pid", "uts"])
        #expect(spec.mounts.count == 7 && spec.linux.maskedPaths.contains("/proc/kcore"))
        #expect(spec.linux.resources.devices == [.init(allow: false)])
    }

    @Test("unknown properties are ignored, as the specification says")
    func unknown() {
        #expect(
            decode(#"{"ociVersion":"1.9.0","future":{"a":1},"process":{"cwd":"/","args":["x"],"more":[]}}"#)
                == "decoded")
    }

    @Test("what few configurations have is read, and where it is not there costs nothing")
    func settings() throws {
        let json = try JSON(
            parsing: Array(
                """
                {"ociVersion": "1.3.0", "process": {"cwd": "/", "args": ["x"],
                  "scheduler": {"policy": "SCHED_DEADLINE", "flags": ["SCHED_FLAG_RECLAIM"], "runtime": 1, "deadline": 2, "period": 3},
                  "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4}, "apparmorProfile": "a", "selinuxLabel": "",
                  "execCPUAffinity": {"initial": "7", "final": "0-3,7"}},
                 "mounts": [{"destination": "x", "uidMappings": [{"containerID": 0, "hostID": 1, "size": 2}], "gidMappings": []}],
                 "linux": {"timeOffsets": {"boottime": {"secs": -5, "nanosecs": 6}}, "personality": {"domain": "LINUX32"},
                  "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0"}, "netDevices": {"eth0": {"name": "e"}, "eth1": {}},
                  "intelRdt": {"closID": "gold", "schemata": ["L3:0=f"], "enableMonitoring": true}, "mountLabel": "m",
                  "resources": {"network": {"classID": 5, "priorities": [{"name": "eth0", "priority": 6}]},
                   "rdma": {"mlx": {"hcaHandles": 3}},
                   "blockIO": {"weight": 10, "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 9}]}}}}
                """.utf8))
        let spec = try RuntimeSpec(decoding: json)
        let process = try #require(spec.process?.settings), linux = try #require(spec.linux.settings)
        #expect(process.scheduler?.deadline == 2 && process.scheduler?.flags == ["SCHED_FLAG_RECLAIM"])
        #expect(process.ioPriority == .init(priorityClass: "IOPRIO_CLASS_BE", priority: 4))
        #expect(process.execCPUAffinity == .init(initial: "7", final: "0-3,7"))
        #expect(process.apparmorProfile == "a" && process.selinuxLabel == nil)
        #expect(spec.mounts[0].destination == "/x" && spec.mounts[0].identityMaps?.uid.count == 1)
        #expect(linux.timeOffsets == .init(boottime: .init(seconds: -5, nanoseconds: 6)))
        #expect(linux.netDevices.map(\.name) == ["e", "eth1"] && linux.mountLabel == "m")
        #expect(linux.intelRdt?.closID == "gold" && linux.intelRdt?.enableMonitoring == true)
        let rare = try #require(spec.linux.resources.rare)
        #expect(rare.classID == 5 && rare.priorities.first?.priority == 6 && rare.rdma.first?.handles == 3)
        #expect(rare.blockIO?.rates == [.init(limit: .wbps, device: .init(major: 8, minor: 0), rate: 9)])
        let standard = try RuntimeSpec.standard()
        #expect(standard.process?.settings == nil && standard.linux.settings == nil)
        #expect(standard.linux.resources.rare == nil)
    }

    @Test(
        "a mistake has its place and its rule",
        arguments: [
            ("{}", "/ociVersion: missing"), (#"{"ociVersion":"2.0"}"#, "/ociVersion: version '2.0' is not 1.x"),
            (#"{"ociVersion":"1.0","process":{"cwd":"/"}}"#, "/process/args: the command is empty"),
            (
                #"{"ociVersion":"1.0","process":{"cwd":"/","args":[1]}}"#,
                "/process/args/0: expected a string, found a number"
            ),
            (
                #"{"ociVersion":"1.0","process":{"cwd":"/","args":["x"],"user":{"uid":-1}}}"#,
                "/process/user/uid: -1 is not from 0 to 4294967294"
            ),
            (
                #"{"ociVersion":"1.0","process":{"cwd":"/","args":["x"],"rlimits":[{"type":"RLIMIT_CPU","soft":2,"hard":1}]}}"#,
                "/process/rlimits/0: soft 2 is above hard 1"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}}"#,
                "/linux/namespaces/1: pid stands twice"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"namespaces":[{"type":"user"}]}}"#,
                "/linux: a new user namespace needs uidMappings and gidMappings"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"intelRdt":{"closID":"../x"}}}"#,
                "/linux/intelRdt/closID: '../x' is not the name of a class"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"intelRdt":{"memBwSchema":"L3:0=f"}}}"#,
                "/linux/intelRdt/memBwSchema: it does not begin with 'MB:'"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"timeOffsets":{"realtime":{}}}}"#,
                "/linux/timeOffsets/realtime: only the clocks monotonic and boottime have offsets"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"timeOffsets":{"boottime":{"nanosecs":1000000000}}}}"#,
                "/linux/timeOffsets/boottime/nanosecs: 1000000000 is a second or more"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"netDevices":{"eth0":{"name":"a/b"}}}}"#,
                "/linux/netDevices/eth0: 'a/b' can't be the name of a network interface"
            ),
            (#"{"ociVersion":"1.0","linux":{"personality":{}}}"#, "/linux/personality/domain: missing"),
            (#"{"ociVersion":"1.0","linux":{"memoryPolicy":{}}}"#, "/linux/memoryPolicy/mode: missing"),
            (
                #"{"ociVersion":"1.0","process":{"cwd":"/","args":["x"],"ioPriority":{"class":"x"}}}"#,
                "/process/ioPriority/priority: missing"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"resources":{"rdma":{"mlx":{}}}}}"#,
                "/linux/resources/rdma/mlx: neither hcaHandles nor hcaObjects is there"
            ),
            (
                #"{"ociVersion":"1.0","linux":{"resources":{"blockIO":{"weightDevice":[{"major":8,"minor":0}]}}}}"#,
                "/linux/resources/blockIO/weightDevice/0: neither weight nor leafWeight is there"
            ),
            (
                #"{"ociVersion":"1.0","windows":{}}"#,
                "/windows: a configuration for windows is not supported by perigee"
            ),
        ])
    func mistakes(text: String, message: String) { #expect(decode(text) == message) }
}
