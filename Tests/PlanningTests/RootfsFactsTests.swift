import Testing

@testable import Planning

struct RootfsFactsTests {
    let facts = RootfsFacts(
        users: UserDatabase(
            passwd: Array(
                "root:x:0:0:root:/root:/bin/sh\napp:x:1000:100::/home/app:/bin/sh\nbad line\nbig:x:4294967296:0::/:\n"
                    .utf8),
            group: Array("root:x:0:\nstaff:x:50:app,other\nvideo:x:44:app\n".utf8)))

    @Test(
        "users resolve as Docker resolves them",
        arguments: [
            ("", 0, 0, [], "/root"), ("app", 1000, 100, [44, 50], "/home/app"),
            ("1000", 1000, 100, [44, 50], "/home/app"),
            ("app:staff", 1000, 50, [], "/home/app"), ("7:8", 7, 8, [], "/"), ("12345", 12345, 0, [], "/"),
        ] as [(String, UInt32, UInt32, [UInt32], String)])
    func resolves(text: String, uid: UInt32, gid: UInt32, groups: [UInt32], home: String) throws {
        let identity = try facts.resolve(user: text)
        #expect(identity.uid == uid && identity.gid == gid && identity.home == home)
        #expect(identity.additionalGids.sorted() == groups, "\(identity)")
    }

    @Test(
        "who is not there, or no number of a user, is refused",
        arguments: ["nobody", "app:nogroup", "4294967295", "2147483648", "-1", "1:99999999999", "big"])
    func refused(text: String) {
        #expect(throws: PlanningError.self) { _ = try facts.resolve(user: text) }
    }
}
