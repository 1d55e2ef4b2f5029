import Glibc
import Linux
import OCI
import Testing

@testable import Images

struct OverlayRootfsTests {
    @Test("a container writes into a directory of its own, which goes with it")
    func writing() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let record = try #require(try store.load(.path(TestImages.path("layers"))).first)
        do {
            let rootfs = try OverlayRootfs.make(in: store, image: try store.hold("layers"), id: "c1")
            let mount = try rootfs.mount()
            let root = try mount.view.open(".", O_RDONLY | O_DIRECTORY)
            let differences = try ExpectedTree(architecture: "arm64")
                .differences(from: root.view, countingLinks: false)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
            try root.view.replaceFile("targets/untouched", with: [1])
            try root.view.removeTree("names")
            #expect(throws: ImagesError.imageInUse("layers:latest")) { try store.remove("layers") }
            #expect(throws: ImagesError.self) {
                _ = try OverlayRootfs.make(in: store, image: try store.hold("layers"), id: "c1")
            }
        }
        #expect(try !Descriptor.workingDirectory.exists("\(store.path)/containers/c1"))
        try store.unpack(record, to: scratch.path + "/tree")
        let tree = try Descriptor.workingDirectory.open(scratch.path + "/tree", O_RDONLY | O_DIRECTORY)
        #expect(try ExpectedTree(architecture: "arm64").differences(from: tree.view) == [])
    }

    @Test("what is written may have a size; on kernels that want it attached, too", arguments: [false, true])
    func limited(attached: Bool) throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        _ = try store.load(.path(TestImages.path("layers")))
        let here = Descriptor.workingDirectory
        let before = try here.readLink("/proc/self/ns/mnt")
        let place = try here.readLink("/proc/self/cwd")
        do {
            let rootfs = try OverlayRootfs.make(
                in: store, image: try store.hold("layers"), id: "c2", limit: 4 << 20)
            let mount = attached ? try rootfs.mountAttached() : try rootfs.mount()
            let root = try mount.view.open(".", O_RDONLY | O_DIRECTORY)
            let differences = try ExpectedTree(architecture: "arm64")
                .differences(from: root.view, countingLinks: false)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
            let mebibyte = [UInt8](repeating: 7, count: 1 << 20)
            for i in 1...3 { try root.view.replaceFile("large-\(i)", with: mebibyte) }
            #expect {
                for i in 4...5 { try root.view.replaceFile("large-\(i)", with: mebibyte) }
            } throws: { ($0 as? SystemError)?.code == .ENOSPC }
            #expect(try here.readLink("/proc/self/ns/mnt") == before)
            #expect(try here.readLink("/proc/self/cwd") == place)
        }
        #expect(try !here.exists("\(store.path)/containers/c2"))
    }

    @Test("directories that lie ready are taken as they are, by one container")
    func ready() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        _ = try store.load(.path(TestImages.path("layers")))
        let here = Descriptor.workingDirectory
        store.provideNextLayer()
        store.provideNextLayer()
        let ready = try here.status(of: store.path + "/blank").inode
        #expect(try here.status(of: store.path + "/blank/upper").isDirectory)
        do {
            let first = try OverlayRootfs.make(in: store, image: try store.hold("layers"), id: "c3")
            #expect(try here.status(of: store.path + "/" + first.path).inode == ready)
            #expect(try !here.exists(store.path + "/blank"))
            let second = try OverlayRootfs.make(in: store, image: try store.hold("layers"), id: "c4")
            for path in [first.path, second.path] {
                let upper = try here.status(of: "\(store.path)/\(path)/upper")
                #expect(upper.mode & 0o7777 == 0o755)
            }
            // There is one already of that name.
            store.provideNextLayer()
            #expect(throws: ImagesError.self) {
                _ = try OverlayRootfs.make(in: store, image: try store.hold("layers"), id: "c4")
            }
            let mount = try first.mount()
            try mount.view.replaceFile("new", with: [1])
            #expect(try here.exists("\(store.path)/\(first.path)/upper/new"))
        }
        #expect(try !here.exists("\(store.path)/containers/c3") && here.exists("\(store.path)/blank"))
    }

    @Test("an identifier is no path", arguments: ["", ".", "..", "a/b", "a\nb"])
    func identifiers(id: String) throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        #expect(throws: ImagesError.self) { try store.removeRootfs(id) }
    }
}
