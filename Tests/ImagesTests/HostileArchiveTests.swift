import Glibc
import Linux
import OCI
import Testing

@testable import Images

/// Archives that want out of their directory, into overlayfs's notes, or more than there is.
struct HostileArchiveTests {
    /// Loads an image of `layers`, which must fail with `problem`, and leave nothing.
    private func refuse(
        _ layers: [[UInt8]], limits: UnpackLimits = UnpackLimits(), _ problem: ImagesError,
        _ change: (inout MadeImage) -> Void = { _ in }
    ) throws {
        let scratch = try Scratch()
        var image = MadeImage(layers)
        change(&image)
        do {
            _ = try image.load(in: scratch, limits: limits)
            Issue.record("it loaded")
        } catch let error as ImagesError {
            if case .layer(let number, let count, let inner) = error {
                #expect(number == count && count == layers.count && inner == problem)
            } else {
                #expect(error == problem)
            }
        }
        let store = try scratch.store()
        #expect(try store.list().isEmpty)
        #expect(try store.use() == StoreUse())
        #expect(try scratch.leftovers() == 0)
    }

    private func archive(_ build: (inout MadeArchive) -> Void) -> [UInt8] {
        var made = MadeArchive()
        build(&made)
        return made.ended
    }

    @Test("a name with .. is refused", arguments: ["../canary", "a/../../canary", "/../canary", "..", "a/.."])
    func climbing(name: String) throws {
        try refuse([archive { $0.add(name, "x") }], .entry(name, .climbs))
    }

    @Test("an absolute name lies in the image")
    func absolute() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let canary = "/var/tmp/perigee-canary-\(getpid())"
        let record = try MadeImage([archive { $0.add(canary, "x") }]).load(in: scratch)
        #expect(access(canary, F_OK) != 0)
        #expect(access(store.overlayLowerDirectories(for: record)[0] + canary, F_OK) == 0)
    }

    @Test(
        "a file below a link out of the image lies in the image", arguments: ["/var/tmp", "../../../../../../var/tmp"],
        [true, false])
    func links(target: String, isSameLayer: Bool) throws {
        let scratch = try Scratch()
        let name = "perigee-canary-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let link = { (made: inout MadeArchive) in made.add("out", type: "2", target: target) }
        let file = { (made: inout MadeArchive) in made.add("out/\(name)", "x") }
        let layers =
            isSameLayer
            ? [
                archive {
                    link(&$0)
                    file(&$0)
                }
            ] : [archive(link), archive(file)]
        let record = try MadeImage(layers).load(in: scratch)
        #expect(access("/var/tmp/\(name)", F_OK) != 0)
        let top = try scratch.store().overlayLowerDirectories(for: record)[0]
        #expect(access("\(top)/var/tmp/\(name)", F_OK) == 0)
    }

    @Test("a link that is replaced by its own target is not followed")
    func replacedLink() throws {
        let scratch = try Scratch()
        let canary = scratch.path + "/canary"
        try Descriptor.workingDirectory.replaceFile(canary, with: [1])
        let record = try MadeImage([
            archive {
                $0.add("link", type: "2", target: canary)
                $0.add("link", "overwritten")
            }
        ]).load(in: scratch)
        #expect(try Descriptor.workingDirectory.readFile(canary, limit: 10) == [1])
        let top = try scratch.store().overlayLowerDirectories(for: record)[0]
        #expect(try Descriptor.workingDirectory.readFile(top + "/link", limit: 20) == Array("overwritten".utf8))
    }

    @Test("a hard link out of the image finds nothing")
    func hardLinks() throws {
        try refuse(
            [archive { $0.add("link", type: "1", target: "../../../../etc/passwd") }],
            .entry("../../../../etc/passwd", .climbs))
        try refuse(
            [archive { $0.add("link", type: "1", target: "/etc/passwd") }],
            .entry("link", .missingLinkTarget("/etc/passwd")))
        let throughLink = archive {
            $0.add("out", type: "2", target: "/etc")
            $0.add("link", type: "1", target: "out/passwd")
        }
        try refuse([throughLink], .entry("link", .missingLinkTarget("out/passwd")))
    }

    @Test("overlayfs's own attributes are refused", arguments: ["trusted.overlay.opaque", "user.overlay.redirect"])
    func overlayAttributes(name: String) throws {
        let layer = archive {
            $0.add(Array("d".utf8), type: "5", mode: 0o755, records: [("SCHILY.xattr.\(name)", [121])])
        }
        try refuse([layer], .entry("d", .overlayAttribute(name)))
    }

    @Test("other attributes of the host are left out")
    func hostAttributes() throws {
        let scratch = try Scratch()
        let record = try MadeImage([
            archive {
                $0.add(
                    Array("f".utf8),
                    records: [("SCHILY.xattr.trusted.x", [1]), ("SCHILY.xattr.user.y", [2])])
            }
        ]).load(in: scratch)
        let top = try scratch.store().overlayLowerDirectories(for: record)[0]
        let file = try Descriptor.workingDirectory.open(top + "/f", O_RDONLY)
        #expect(try file.view.attribute("trusted.x") == nil)
        #expect(try file.view.attribute("user.y") == [2])
    }

    @Test("a whiteout by device is refused, and a device is made")
    func devices() throws {
        try refuse([archive { $0.add("null", type: "3") }], .entry("null", .whiteoutDevice))
        let scratch = try Scratch()
        let record = try MadeImage([archive { $0.add(Array("null".utf8), type: "3", device: (1, 3)) }])
            .load(in: scratch)
        let top = try scratch.store().overlayLowerDirectories(for: record)[0]
        let status = try Descriptor.workingDirectory.status(of: top + "/null")
        #expect(status.isCharacterDevice && status.rawDevice == DeviceNumber.make(major: 1, minor: 3))
    }

    @Test(
        "reserved names are refused", arguments: [".wh.", ".wh..", ".wh...", "a/.wh.b/c"])
    func reserved(name: String) throws {
        let last = name.hasPrefix("a/") ? ".wh.b" : name
        try refuse([archive { $0.add(name) }], .entry(last, .reservedName))
    }

    @Test("names need not be UTF-8, and do not lose a byte")
    func foreignNames() throws {
        let scratch = try Scratch()
        let raw: [UInt8] = [0x66, 0xff, 0xfe, 0xe4]
        let record = try MadeImage([
            archive {
                $0.add(raw)
                $0.add(Array("short".utf8), records: [("path", raw + [0x80])])
                $0.add(Array("short".utf8), records: [("path", Array("grün".utf8))])
            }
        ]).load(in: scratch)
        let top = try scratch.store().overlayLowerDirectories(for: record)[0]
        let directory = try Descriptor.workingDirectory.open(top, O_RDONLY | O_DIRECTORY)
        let names = Set(try directory.view.entries().map { $0.dropLast().map { UInt8(bitPattern: $0) } })
        #expect(names == [raw, raw + [0x80], Array("grün".utf8)])
    }

    @Test("names have a length")
    func longNames() throws {
        let long = [UInt8](repeating: 97, count: 5000)
        let shown = String(repeating: "a", count: 200) + "..."
        try refuse(
            [archive { $0.add([97], records: [("path", long)]) }], .entry(shown, .nameTooLong(EntryName.maximumLength)))
        try refuse(
            [archive { $0.add([97], records: [("path", Array(long.prefix(256)))]) }],
            .entry(shown, .componentTooLong(255)))
        let deep = Array(String(repeating: "d/", count: 300).utf8)
        #expect(throws: ImagesError.self) {
            let scratch = try Scratch()
            _ = try MadeImage([archive { $0.add([97], records: [("path", deep)]) }]).load(in: scratch)
        }
    }

    @Test("links that lead in a circle end")
    func loop() throws {
        let layer = archive {
            $0.add("a", type: "2", target: "b")
            $0.add("b", type: "2", target: "a")
            $0.add("a/file", "x")
        }
        #expect(throws: ImagesError.self) {
            let scratch = try Scratch()
            _ = try MadeImage([layer]).load(in: scratch)
        }
    }

    @Test("what unpacks to too much, or to too many, is stopped")
    func bombs() throws {
        let layer = archive { for i in 0..<100 { $0.add("file-\(i)", String(repeating: "x", count: 1000)) } }
        try refuse([layer], limits: UnpackLimits(maximumSize: 100_000), .tooLarge(limit: 100_000))
        try refuse([layer], limits: UnpackLimits(maximumEntries: 99), .tooManyEntries(limit: 99))
    }

    @Test("content that is not what the image says is refused")
    func digests() throws {
        let layer = archive { $0.add("file", "x") }
        let other = archive { $0.add("file", "y") }
        let (right, wrong) = (Digest(of: layer), Digest(of: other))
        try refuse([layer], .wrongDigest(expected: wrong, actual: right)) { $0.layerDigests = [wrong] }
        try refuse([layer], .wrongDiffID(expected: wrong, actual: right)) { $0.diffIDs = [wrong] }
        try refuse([layer], .noSuchPlatform(wanted: "linux/arm64 or linux/amd64", offered: ["linux/s390x"])) {
            $0.architecture = "s390x"
        }
        try refuse([layer], .unsupportedMediaType("text/plain")) { $0.mediaType = "text/plain" }
        let long = archive { $0.add("file", String(repeating: "x", count: 1000)) }
        try refuse([Array(long.prefix(700))], .truncated("the archive"))
    }

    @Test("a truncated archive of an image is refused, and so is what is none")
    func truncated() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let whole = try Descriptor.workingDirectory.openFollowing(TestImages.path("demo.oci.tar"), O_RDONLY)
        let bytes = try whole.view.readAll(limit: 64 << 20)
        for part in [0, 1, 511, 512, 5000, bytes.count / 2, bytes.count * 9 / 10] {
            let path = "\(scratch.path)/cut.tar"
            try Descriptor.workingDirectory.replaceFile(path, with: Array(bytes.prefix(part)))
            #expect(throws: ImagesError.self) { _ = try store.load(.path(path)) }
        }
        #expect(throws: ImagesError.self) { _ = try store.load(.path("/etc/passwd")) }
        #expect(throws: ImagesError.notAnImage(scratch.path)) { _ = try store.load(.path(scratch.path)) }
        #expect(try store.list().isEmpty)
        #expect(try scratch.leftovers() == 0)
    }
}
