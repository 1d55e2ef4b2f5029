import Foundation
import Testing

/// Images that are damaged or hostile: a clear error, the exit code of the table, nothing left in the store, and nothing
/// outside of it touched. `Tests/bad_images.py` makes them.
@Suite(.serialized) struct BadArchiveTests {
    /// A file of that name, what loading it must end with, and what must be said.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let status: Int32
        let words: String
        var options: [String] = []
        var testDescription: String { name }
    }

    static let refused: [Case] = [
        Case(name: "no-such-file", status: 4, words: "no such file or directory"),
        Case(name: "empty-folder", status: 2, words: "no image: expected an OCI layout"),
        Case(name: "empty-file", status: 2, words: "no image: expected"),
        Case(name: "text-file", status: 2, words: "hint: a compressed archive must be unpacked before"),
        Case(name: "truncated.tar", status: 2, words: "the archive is damaged: Truncated tar archive"),
        Case(name: "truncated-layer", status: 2, words: "layer 1 of 1: the archive ends too early"),
        Case(name: "truncated-gzip", status: 2, words: "layer 1 of 1: the gzip stream ends too early"),
        Case(name: "no-gzip", status: 2, words: "the gzip stream is damaged: incorrect header check"),
        Case(name: "damaged-layer", status: 2, words: "layer 1 of 1: the content of sha256:"),
        Case(name: "damaged-config", status: 2, words: "is damaged: its digest is sha256:"),
        Case(name: "damaged-manifest", status: 2, words: "is damaged: its digest is sha256:"),
        Case(name: "wrong-diff-id", status: 2, words: "where the config says sha256:0000"),
        Case(name: "missing-layer", status: 2, words: "the image lacks its part blobs/sha256/"),
        Case(name: "layer-is-a-link", status: 2, words: "is not a regular file"),
        Case(name: "layer-is-a-fifo", status: 2, words: "is not a regular file"),
        Case(name: "deep-json", status: 2, words: "index.json: line 1, column 2049: more than 2048 levels"),
        Case(name: "other-architecture", status: 4, words: "only for linux/s390x"),
        Case(name: "absolute", status: 4, words: "only for linux/arm64", options: ["--platform", "linux/riscv64"]),
        Case(name: "unknown-media-type", status: 2, words: "the media type application/vnd.example.layer"),
        Case(name: "nul-in-environment", status: 2, words: "NUL in a string"),
        Case(name: "name-only-in-environment", status: 2, words: "/config/Env/0: expected NAME=value"),
        Case(name: "climbing", status: 2, words: "has '..' in its name"),
        Case(name: "climbing-in-the-middle", status: 2, words: "hint: no builder writes this; don't trust the image"),
        Case(name: "hard-link-out", status: 2, words: "has '..' in its name"),
        Case(name: "hard-link-absolute", status: 2, words: "which does not exist"),
        Case(name: "hard-link-through-a-link", status: 2, words: "is a hard link to 'out/file', which does not exist"),
        Case(name: "hard-link-to-a-directory", status: 2, words: "is a hard link to 'd', which is a directory"),
        Case(name: "overlay-attribute", status: 2, words: "trusted.overlay.redirect, which is overlayfs's own"),
        Case(name: "overlay-attribute-libarchive", status: 2, words: "trusted.overlay.opaque"),
        Case(name: "whiteout-device", status: 2, words: "entry 'gone' of the archive is a device 0:0"),
        Case(name: "root-replaced", status: 2, words: "in the place of the root directory"),
        Case(name: "reserved-name", status: 2, words: "reserved for whiteouts"),
        Case(name: "below-a-file", status: 2, words: "entry 'f' of the archive lies below something"),
        Case(name: "circle-of-links", status: 2, words: "too many symbolic links"),
        Case(name: "long-name", status: 2, words: "has a name of more than 4095 bytes"),
        Case(name: "long-component", status: 2, words: "has a part of more than 255 bytes"),
        Case(name: "deep-name", status: 2, words: "more than 200 directories deep"),
        Case(name: "long-link", status: 2, words: "is a symbolic link to more than 4095 bytes"),
        Case(name: "empty-link", status: 2, words: "is a symbolic link to nothing"),
        Case(name: "owner-too-large", status: 2, words: "owner or group is beyond 32 bits"),
        Case(name: "sparse-file", status: 3, words: "more than 68719476736 bytes\n  hint: if you trust it, --max-size"),
        Case(name: "sparse-file-old", status: 3, words: "more than 68719476736 bytes"),
        Case(name: "claims-10-terabytes", status: 3, words: "more than 68719476736 bytes"),
        Case(name: "bomb", status: 3, words: "more than 16777216 bytes", options: ["--max-size", "16m"]),
        Case(
            name: "a-million-entries", status: 3, words: "more than 1000000 entries\n  hint: if you trust it, --max-e"),
        Case(name: "climbing", status: 2, words: "--max-size 'lots' is no size", options: ["--max-size", "lots"]),
        Case(name: "climbing", status: 2, words: "--max-entries '-1' is no count", options: ["--max-entries", "-1"]),
        Case(name: "climbing", status: 2, words: "'Demo' is no image name", options: ["--name", "Demo"]),
    ]

    @Test("a bad image is refused with a reason, and leaves nothing, inside the store or outside", arguments: refused)
    func refuses(_ bad: Case) throws {
        let images = try BadArchives.shared()
        let before = images.canaryState()
        let outcome = images.load(bad.name, bad.options)
        #expect(outcome.status == bad.status, "\(outcome.errors)")
        #expect(outcome.errors.contains(bad.words), "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("perigee: ") && outcome.output.isEmpty)
        #expect(images.isStoreEmpty, "\(images.storeContent)")
        #expect(images.canaryState() == before)
    }

    @Test("the document has a row for each")
    func documented() throws {
        let path = Perigee.package.path + "/Sources/perigee/Perigee.docc/BadImages.md"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for bad in Self.refused {
            let name = ([bad.name] + (bad.options.isEmpty ? [] : ["with"] + bad.options)).joined(separator: " ")
            #expect(text.contains("\n| \(name) | \(bad.status) |"), "\(name)")
        }
    }

    @Test(
        "what only looks outside stays inside",
        arguments: [
            ("absolute", "CANARY/new"), ("below-a-link-out", "CANARY/new"), ("below-a-climbing-link", "CANARY/file"),
            ("link-put-under-an-entry", "CANARY/file"), ("link-overwritten", "/file"), ("foreign-names", "/l"),
            ("unknown-type", "/f"), ("newline-in-environment", "/file"), ("whole.tar", "CANARY/new"),
        ])
    func contains(name: String, file: String) throws {
        let images = try BadArchives.shared()
        let before = images.canaryState()
        let outcome = images.load(name)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let path = file.replacingOccurrences(of: "CANARY", with: images.canary)
        let layers = images.perigee.store + "/layers"
        let layer = try #require(try FileManager.default.contentsOfDirectory(atPath: layers).first)
        #expect(access("\(layers)/\(layer)/fs\(path)", F_OK) == 0 || name == "foreign-names")
        #expect(images.canaryState() == before)
        #expect(images.perigee.run(["image", "remove", "bad"]).status == 0)
        #expect(images.isStoreEmpty, "\(images.storeContent)")
    }

    @Test("a line break in a variable's value reaches the command as it is")
    func lineBreak() throws {
        let images = try BadArchives.shared()
        let own = Perigee(directory: images.perigee.directory + "/lines")
        #expect(own.run(["image", "load", "--name", "bad", images.path("newline-in-environment")]).status == 0)
        let plan = own.run(["pod", "run", "--image", "bad", "--explain", "--json", "true"])
        #expect(plan.status == 0, "\(plan.errors)")
        #expect(Perigee.shared.pod("-e", "A=b\nc", "echo \"$A\"").output == "b\nc\n")
    }

    @Test("an image that is not there is named")
    func missing() throws {
        let perigee = try BadArchives.shared().perigee
        for arguments in [
            ["image", "inspect", "nope"], ["image", "remove", "nope"], ["image", "unpack", "nope", "/x"],
        ] {
            let outcome = perigee.run(arguments)
            #expect(outcome.status == 4 && outcome.errors.contains("no such image: nope\n  hint: see"))
        }
        let run = perigee.run(["pod", "run", "--image", "nope", "true"])
        #expect(run.status == 125 && run.errors.contains("no such image: nope\n  hint: see"))
    }
}

/// The bad images, a store to load them into, and a folder that none of them may touch.
struct BadArchives: Sendable {
    let perigee: Perigee
    let canary: String

    private static let made: Result<BadArchives, any Error> = Result { try BadArchives() }

    static func shared() throws -> BadArchives { try made.get() }

    private init() throws {
        let directory = Perigee.shared.directory + "/bad"
        perigee = Perigee(directory: directory)
        canary = directory + "/canary"
        let files = FileManager.default
        for folder in [canary, canary + "/folder", directory + "/images"] {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        for name in ["file", "folder/other"] {
            try Data("canary\n".utf8).write(to: URL(fileURLWithPath: "\(canary)/\(name)"))
        }
        let script = Perigee.package.path + "/Tests/bad_images.py"
        let outcome = Perigee.execute(["python3", script, directory + "/images", canary])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    func load(_ name: String, _ options: [String] = []) -> Perigee.Outcome {
        let options = options.contains("--name") ? options : ["--name", "bad"] + options
        return perigee.run(["image", "load"] + options + [path(name)])
    }

    func path(_ name: String) -> String { "\(perigee.directory)/images/\(name)" }

    /// All that can be seen of the canary.
    func canaryState() -> String {
        let print = "find \(canary) -printf '%P %y %m %U %G %s %T@ %C@ %n %l\\n' | sort"
        return Perigee.shell("\(print); find \(canary) -type f | sort | xargs sha256sum").output
    }

    /// What is in the store beside its fixed files.
    var storeContent: String {
        let parts = ["tmp", "layers", "images", "containers", "blobs/sha256"]
        return Perigee.shell("cd \(perigee.store) 2>/dev/null && find \(parts.joined(separator: " ")) -mindepth 1")
            .output
    }

    var isStoreEmpty: Bool { storeContent.isEmpty }
}
