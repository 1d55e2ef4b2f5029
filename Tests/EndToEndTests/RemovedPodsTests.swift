import Foundation
import Testing

/// What is kept of pods that were removed or replaced: REQUIREMENTS 3.2 "removed", 3.6.
@Suite(.serialized) struct RemovedPodsTests {
    private func removed(_ tenant: TestTenant) throws -> [[String: Any]] {
        let text = tenant.pod("list", "--removed", "--json").output
        return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]], "\(text)")
    }

    @Test("A replaced pod's record, end and log stay, and its name is free")
    func replaced() throws {
        let tenant = TestTenant("kept")
        defer { tenant.clean() }
        tenant.submit("first", "echo before; exit 3")
        #expect(tenant.pod("wait", "first").status == 3)
        tenant.submit("second", "echo after")
        #expect(tenant.pod("wait", "second").status == 0)
        #expect(tenant.pod("status", "first").status == 4)
        #expect(tenant.pod("logs", "--removed", "first").output == "before\n")
        let kept = try removed(tenant)
        #expect(kept.count == 1 && kept[0]["pod_name"] as? String == "first", "\(kept)")
        let inspected = tenant.pod("inspect", "--removed", "first").output
        #expect(inspected.contains("\"exitCode\": 3"), "\(inspected)")
        #expect(tenant.pod("rm", "--removed", "first").status == 0)
        #expect(try removed(tenant).isEmpty)
        #expect(tenant.pod("rm", "--removed", "first").status == 4)
        #expect(tenant.clean() == [])
    }

    @Test("The last five of a tenant are kept, and nothing of them but what is said")
    func five() throws {
        let tenant = TestTenant("fives")
        defer { tenant.clean() }
        for i in 0..<7 {
            tenant.submit("p\(i)", "echo \(i)")
            #expect(tenant.pod("wait", "p\(i)").status == 0)
            #expect(tenant.pod("rm", "p\(i)").status == 0)
        }
        let names = try removed(tenant).compactMap { $0["pod_name"] as? String }
        #expect(names.sorted() == ["p2", "p3", "p4", "p5", "p6"])
        let pods = tenant.perigee.store + "/pods"
        let root = try #require(FileManager.default.contentsOfDirectory(atPath: pods).first { !$0.hasPrefix(".") })
        let one = try #require(
            FileManager.default.contentsOfDirectory(atPath: "\(pods)/\(root)/removed").first {
                $0.hasPrefix("fives-p6-")
            })
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(pods)/\(root)/removed/\(one)")
        #expect(Set(files).isSubset(of: ["pod", "status", "lock", "log", "log.1", "log.state"]), "\(files)")
        #expect(tenant.clean() == [])
    }
}
