import Glibc
import Linux
import OCI
import Testing

@testable import Images

struct LayerWriterTests {
    @Test("layers unpack to the tree that the specification asks for", arguments: ["arm64", "amd64"])
    func plain(architecture: String) throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let record = try #require(
            try store.load(.path(TestImages.path("layers")), platform: ImagePlatform(architecture: architecture)).first)
        try store.unpack(record, to: scratch.path + "/tree")
        let tree = try Descriptor.workingDirectory.open(scratch.path + "/tree", O_RDONLY | O_DIRECTORY)
        let differences = try ExpectedTree(architecture: architecture).differences(from: tree.view)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test("layers mounted by overlayfs are that tree too", arguments: OverlayMount.Passing.allCases)
    func mounted(passing: OverlayMount.Passing) throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let record = try #require(try store.load(.path(TestImages.path("layers"))).first)
        var layers: [LayerHold] = []
        for layer in record.layers.reversed() {
            layers.append(try #require(try LayerHold(present: layer.chainID, store.root.view)))
        }
        let mount = try OverlayMount.make(lowers: layers.map(\.fs), passing: [passing])
        withExtendedLifetime(layers) {}
        let differences = try ExpectedTree(architecture: "arm64").differences(from: mount.view, countingLinks: false)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}
