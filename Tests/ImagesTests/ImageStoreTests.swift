import Glibc
import Linux
import OCI
import Testing

@testable import Images

struct ImageStoreTests {
    @Test(
        "every image loads in every form",
        arguments: [
            "demo", "demo.oci.tar", "demo.docker.tar", "demo-host", "demo-host.oci.tar", "demo-host.docker.tar",
            "python", "python.oci.tar", "python.docker.tar", "layers", "layers.oci.tar", "layers.docker.tar",
            "foreign-umoci", "foreign-skopeo.oci.tar", "foreign-skopeo.docker.tar",
        ])
    func forms(name: String) throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let records = try store.load(.path(TestImages.path(name)))
        #expect(records.count == 1)
        let record = try #require(records.first)
        let short = name == "foreign-skopeo.docker.tar" ? "foreign" : String(name.prefix { $0 != "." })
        #expect(try store.find(short) == record)
        #expect(try store.find(record.manifest.short) == record)
        #expect(try store.list() == [record])
        #expect(try scratch.leftovers() == 0)
        #expect(try store.config(of: record).config.diffIDs == record.layers.map(\.diffID))
        #expect(JSON(try store.inspect(short))["configuration"]?["rootfs"] != nil)
        for directory in store.overlayLowerDirectories(for: record) { #expect(access(directory, R_OK) == 0) }
    }
}

extension ImageStoreTests {
    @Test("the short name finds an image, and an ambiguous one names all that it may be")
    func names() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let demo = ImageSource.path(TestImages.path("demo-host"))
        let local = try #require(try store.load(demo, name: "localhost/demo").first)
        #expect(try store.find("demo") == local)
        #expect(try store.find("demo:latest") == local)
        #expect(try store.find("docker.io/library/demo") == local)
        #expect(throws: ImagesError.noSuchImage("demo:2")) { _ = try store.find("demo:2") }
        _ = try store.load(demo, name: "docker.io/library/demo:latest")
        #expect(throws: ImagesError.ambiguousName("demo", ["docker.io/library/demo:latest", "localhost/demo:latest"])) {
            _ = try store.find("demo")
        }
        #expect(try store.find("localhost/demo") == local)
        #expect(throws: ImagesError.notAName("Demo")) { _ = try store.load(demo, name: "Demo") }
    }

    @Test("an image that is held is not removed, and then goes with all its layers")
    func removal() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        _ = try store.load(.path(TestImages.path("demo-host")))
        _ = try store.load(.path(TestImages.path("layers")))
        do {
            let hold = try store.hold("demo-host")
            #expect(throws: ImagesError.imageInUse("demo-host:latest")) { try store.remove("demo-host") }
            #expect(!hold.lowers.isEmpty)
        }
        try store.remove("demo-host")
        #expect(try store.list().map(\.reference.description) == ["layers:latest"])
        #expect(try store.use().unused == 0)
        try store.remove("layers")
        #expect(try store.use() == StoreUse())
        let blobs = try Descriptor.workingDirectory.open("\(store.path)/blobs/sha256", O_RDONLY | O_DIRECTORY)
        #expect(try blobs.view.entries().isEmpty)
    }

    @Test("what a killed load has left is removed by the next, and what a living one has is not")
    func sweeping() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let here = Descriptor.workingDirectory
        try here.makeDirectories("\(store.path)/tmp/1-2/layers/half/fs", mode: 0o700)
        let living = try WorkDirectory(store.root.view)
        _ = try store.load(.path(TestImages.path("demo-host")))
        #expect(try scratch.leftovers() == 1)
        #expect(try here.exists("\(store.path)/\(living.path)"))
        _ = consume living
        #expect(try scratch.leftovers() == 0)
    }

    @Test("two loads of one image at once both succeed")
    func concurrency() async throws {
        let scratch = try Scratch()
        let path = try scratch.store().path
        try await withThrowingTaskGroup(of: [ImageRecord].self) { group in
            for _ in 0..<4 {
                group.addTask { try ImageStore(path: path).load(.path(TestImages.path("layers"))) }
            }
            for try await records in group { #expect(records.count == 1) }
        }
        #expect(try scratch.store().list().count == 1)
        #expect(try scratch.store().use().layers == 7)
        #expect(try scratch.leftovers() == 0)
    }

    @Test("a store of another version is not touched")
    func version() throws {
        let scratch = try Scratch()
        _ = try scratch.store()
        try Descriptor.workingDirectory.replaceFile("\(scratch.path)/store/version", with: Array("2\n".utf8))
        #expect(throws: ImagesError.unknownStoreVersion("2")) { _ = try scratch.store() }
    }

    @Test("a full disk is said to be full, and what was written is removed")
    func fullDisk() throws {
        let context = try FileSystemContext(type: "tmpfs")
        try context.set("size", to: "8m")
        try context.create()
        let mount = try context.mount()
        let disk = try mount.view.open(".", O_RDONLY | O_DIRECTORY)
        let store = try ImageStore(path: "/proc/self/fd/\(disk.view.number)")
        do throws(ImagesError) {
            _ = try store.load(.path(TestImages.path("python")))
            Issue.record("66 MB went into 8")
        } catch {
            guard case .layer(1, of: 2, .writing(_, let failure)) = error else { throw error }
            #expect(failure.code == .ENOSPC)
            #expect("\(error)".contains("hint: the store's file system is full"))
        }
        let tmp = try disk.view.open("tmp", O_RDONLY | O_DIRECTORY)
        #expect(try tmp.view.entries().isEmpty)
        #expect(try store.use() == StoreUse())
    }

    @Test("an image is unpacked into an empty directory alone")
    func occupied() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let record = try #require(try store.load(.path(TestImages.path("demo-host"))).first)
        #expect(throws: ImagesError.directoryNotEmpty(scratch.path)) { try store.unpack(record, to: scratch.path) }
    }
}
