import Foundation
import Testing

@testable import Cgroups
@testable import Linux

/// On a directory that is made as the kernel would make it: no host of ours has the hardware.
struct ResctrlTreeTests {
    /// A tree of its own, whose files are made by whoever writes them.
    private func withTree(_ body: (ResctrlTree, String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/perigee-test-resctrl-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path + "/mon_groups", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(ResctrlTree(mountPoint: path, flags: O_CREAT | O_APPEND), path)
    }

    private func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    private func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test("a class of the container's own: schemata in their order, its process, and nothing left of it")
    func own() throws {
        try withTree { tree, path in
            let group = ResctrlTree.Group(name: "web", isOwn: true, schemata: ["L3:0=f", "MB:0=20"], monitor: nil)
            try tree.make(group)
            try tree.join(group, 77)
            #expect(text(path + "/web/schemata") == "L3:0=f\nMB:0=20\n" && text(path + "/web/tasks") == "77")
            #expect(group.ownDirectories == ["web"])
            #expect(throws: SystemError.self) { try tree.make(group) }
            // The kernel's directory can be removed with its files.
            for name in ["schemata", "tasks"] { try FileManager.default.removeItem(atPath: path + "/web/" + name) }
            try tree.remove(group.ownDirectories)
            try tree.remove(group.ownDirectories)
            #expect(try names(path) == ["mon_groups"])
        }
    }

    @Test("a class with a name is made where it is missing, kept, and compared where it is there")
    func named() throws {
        try withTree { tree, path in
            var group = ResctrlTree.Group(name: "gold", isOwn: false, schemata: [], monitor: nil)
            #expect(throws: SystemError.self) { try tree.make(group) }
            #expect(try names(path) == ["mon_groups"])
            group.schemata = ["L3:0=0ff;1=1f"]
            try tree.make(group)
            #expect(group.ownDirectories.isEmpty)
            try "    MB:0=100;1=100\n    L3:0=ff;1=01f\n".write(
                toFile: path + "/gold/schemata", atomically: false, encoding: .utf8)
            try tree.make(group)
            for other in ["L3:0=f", "L2:0=ff", "MB:0=20", "nonsense", "L3:2=1"] {
                group.schemata = [other]
                #expect(throws: SystemError.self, "\(other)") { try tree.make(group) }
            }
            group.schemata = []
            try tree.make(group)
        }
    }

    @Test("the default class is the tree itself; a group to count in is the container's own")
    func monitor() throws {
        try withTree { tree, path in
            let group = ResctrlTree.Group(name: "", isOwn: false, schemata: [], monitor: "web")
            try tree.make(group)
            try tree.join(group, 5)
            #expect(text(path + "/tasks") == "5" && text(path + "/mon_groups/web/tasks") == "5")
            #expect(group.ownDirectories == ["mon_groups/web"])
            let both = ResctrlTree.Group(name: "web", isOwn: true, schemata: [], monitor: "web")
            #expect(both.ownDirectories == ["web/mon_groups/web", "web"])
            // A class for which no group can be made is not left.
            #expect(throws: SystemError.self) { try tree.make(both) }
            #expect(try !names(path).contains("web"))
        }
    }
}
