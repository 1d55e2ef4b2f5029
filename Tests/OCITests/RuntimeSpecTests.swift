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
            (#"{"ociVersion":"1.0","linux":{"intelRdt":{}}}"#, "/linux/intelRdt: intelRdt is not supported by perigee"),
            (
                #"{"ociVersion":"1.0","windows":{}}"#,
                "/windows: a configuration for windows is not supported by perigee"
            ),
        ])
    func mistakes(text: String, message: String) { #expect(decode(text) == message) }
}
