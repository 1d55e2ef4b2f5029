import OCI
import Testing

@testable import Pods

struct WorkspacePlaceTests {
    private func read(_ text: String) throws -> Configuration {
        try Configuration(parsing: Array(text.utf8), path: "config.json")
    }

    private func path(_ text: String, _ tenant: String, caller: UInt32 = 0) throws -> String {
        let configuration = try read(text)
        return try configuration.workspace(of: "thesis", configuration.tenant(named: tenant), caller: caller).path
    }

    @Test("The place is looked up as a limit is, and {tenant} is the tenant's name")
    func places() throws {
        let text = """
            {"defaults": {"workspace": "/srv/{tenant}/x{tenant}/"}, "groups": {"lab": {"workspace": "//lab///"}},
             "tenants": {"a": {"group": "lab"}, "b": {"group": "lab", "workspace": "/own/{tenant"}, "c": {}}}
            """
        #expect(try path(text, "a") == "/lab/thesis")
        #expect(try path(text, "b") == "/own/{tenant/thesis")
        #expect(try path(text, "c") == "/srv/c/xc/thesis")
        #expect(try path(#"{"defaults": {"workspace": "~"}}"#, "c") == "/root/thesis")
        #expect(try path("{}", "c") == "/root/workspace/thesis")
    }

    @Test("It is the caller's, or where he is none of the tenant's users the first of those")
    func users() throws {
        let configuration = try read(
            #"{"defaults": {"workspace": "/w"}, "tenants": {"a": {"uids": [4001, 4002]}, "b": {}}}"#)
        func user(_ tenant: String, _ caller: UInt32) throws -> UInt32 {
            try configuration.workspace(of: "x", configuration.tenant(named: tenant), caller: caller).user
        }
        #expect(try user("a", 0) == 4001 && user("a", 4002) == 4002 && user("a", 4001) == 4001)
        #expect(try user("b", 0) == 0 && user("b", 4002) == 4002 && user("none", 7) == 7)
        #expect(throws: PodsError.self) { try path("{}", "c", caller: 4_000_123) }
    }

    @Test(
        "What is no place is refused",
        arguments: ["", "workspace", "~alice/w", "/", "/a/../b", "~/..", "/a/./b", "~/\\u0000", "./w"])
    func refused(place: String) {
        #expect(throws: PodsError.self) { try read(#"{"defaults": {"workspace": "\#(place)"}}"#) }
    }

    @Test("A record keeps it")
    func record() throws {
        let configuration = try read(#"{"defaults": {"workspace": "/w", "idle_timeout_h": 0.5}}"#)
        let tenant = try configuration.tenant(named: "a")
        var request = PodRequest(image: "demo")
        request.tenant = "a"
        #expect(try !PodRecord.accepted("p", request, tenant).isContainer)
        #expect(try PodRecord.accepted("p", request, tenant).idleTimeout == nil)
        request.workspace = try configuration.workspace(of: "x", tenant, caller: 4002)
        let record = try PodRecord.accepted("p", request, tenant)
        #expect(record.isContainer && record.idleTimeout == 1_800_000)
        #expect(try PodRecord(try JSON(parsing: record.json.bytes())) == record)
    }
}
