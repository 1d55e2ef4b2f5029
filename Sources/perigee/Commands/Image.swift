internal import Containers
internal import Images
internal import Linux
internal import OCI
internal import Pods

// `perigee image ...`: the verbs of the store.
extension Verb {
    static let imageLoad = Verb(
        .imageLoad, operands: "PATH|-",
        summary: "load images from an OCI layout, an OCI archive or a docker-archive",
        options: [
            Option("--name", value: "NAME", "instead of the name that the image brings"),
            Option(
                "--platform", value: "OS/ARCH", "of several (default: linux/arm64 if there is one, else the host's)"),
            Option("--max-size", value: "SIZE", "the most that the image may unpack to (default 64g)"),
            Option("--max-entries", value: "COUNT", "the most files that it may have (default 1000000)"),
        ],
        run: { arguments, global in
            let path = try operand(arguments, "image load", "PATH or -")
            var platform: ImagePlatform?
            if let text = arguments["--platform"] {
                guard let given = ImagePlatform(text) else { throw UsageError("image load: no platform '\(text)'") }
                platform = given
            }
            var limits = UnpackLimits()
            if let text = arguments["--max-size"] {
                guard let bytes = Size.bytes(text) else {
                    throw UsageError("image load: --max-size '\(text)' is no size")
                }
                limits.maximumSize = bytes
            }
            if let text = arguments["--max-entries"] {
                guard let count = Int(text), count > 0 else {
                    throw UsageError("image load: --max-entries '\(text)' is no count")
                }
                limits.maximumEntries = count
            }
            return images(path == "-" ? "the standard input" : path) { () throws(ImagesError) in
                let store = try openRepairedStore(global)
                let source: ImageSource = path == "-" ? .standardInput : .path(path)
                let records = try store.load(source, name: arguments["--name"], platform: platform, limits: limits)
                return records.map { "loaded \($0.reference.familiar) \($0.platform) \($0.manifest)\n" }.joined()
            }
        })

    static let imageList = Verb(
        .imageList, operands: "", summary: "list the images of the store",
        options: [Option("--json", "as JSON")],
        run: { arguments, global in
            guard arguments.operands.isEmpty else { throw UsageError("image list: takes no operand") }
            return images { () throws(ImagesError) in
                let records = try openRepairedStore(global).list()
                if arguments.has("--json") { return JSON.Value.array(records.map(\.json)).text(indent: 2) + "\n" }
                return Table.text(
                    ["NAME", "PLATFORM", "SIZE", "LAYERS", "LOADED", "MANIFEST"],
                    records.map { record in
                        [
                            record.reference.familiar, record.platform.description, Size.text(record.size),
                            String(record.layers.count), String(Clock.rfc3339(record.loaded).prefix(19)) + "Z",
                            String(record.manifest.description.prefix(19)),
                        ]
                    })
            }
        })

    static let imageInspect = Verb(
        .imageInspect, operands: "IMAGE", summary: "show an image's record and configuration as JSON",
        options: [],
        run: { arguments, global in
            let name = try operand(arguments, "image inspect", "IMAGE")
            return images { () throws(ImagesError) in
                let store = try openRepairedStore(global)
                let record = try store.find(name)
                let config = try store.config(of: record).json
                return JSON.Value.members([("image", record.json), ("config", config)]).text(indent: 2) + "\n"
            }
        })

    static let imageRemove = Verb(
        .imageRemove, operands: "IMAGE", summary: "remove an image, and the layers that no other needs",
        options: [],
        run: { arguments, global in
            let name = try operand(arguments, "image remove", "IMAGE")
            return images { () throws(ImagesError) in
                "removed \(try openRepairedStore(global).remove(name).reference.familiar)\n"
            }
        })

    static let imagePrune = Verb(
        .imagePrune, operands: "",
        summary: "remove what no image needs, and what killed loads have left", options: [],
        run: { arguments, global in
            guard arguments.operands.isEmpty, arguments.command == nil else {
                throw UsageError("image prune: takes no operand")
            }
            return images { () throws(ImagesError) in
                "removed \(Size.text(try ImageStore(path: global.store).prune()))\n"
            }
        })

    static let imageUnpack = Verb(
        .imageUnpack, operands: "IMAGE DIR",
        summary: "write an image's root file system into a new or empty directory", options: [],
        run: { arguments, global in
            guard arguments.operands.count == 2, arguments.command == nil else {
                throw UsageError("image unpack: needs two operands, IMAGE and DIR")
            }
            return images { () throws(ImagesError) in
                let store = try openRepairedStore(global)
                let record = try store.find(arguments.operands[0])
                try store.unpack(record, to: arguments.operands[1])
                return "unpacked \(record.reference.familiar) to \(arguments.operands[1])\n"
            }
        })

    /// Opens the store, and removes what killed commands have left in it.
    static func openRepairedStore(_ global: GlobalOptions) throws(ImagesError) -> ImageStore {
        let store = try ImageStore(path: global.store)
        do throws(ContainersError) {
            if let root = try RuntimeRoot.existing(path: global.root) {
                Report.warn(Repair.run(in: root, and: store))
            } else {
                Report.warn(Repair.run(and: store))
            }
        } catch { Report.warn(["\(error)"]) }
        return store
    }

    private static func operand(_ arguments: Arguments, _ verb: String, _ what: String) throws(UsageError) -> String {
        guard arguments.operands.count == 1, arguments.command == nil else {
            throw UsageError("\(verb): needs one operand, \(what)")
        }
        return arguments.operands[0]
    }

    /// Runs `body` and prints what it returns; its error decides the exit code, and is said of `subject`.
    private static func images(_ subject: String = "", _ body: () throws(ImagesError) -> String) -> Int32 {
        do throws(ImagesError) { return CommandLineTool.printed(try body()) } catch {
            return Report.failed((subject.isEmpty ? "" : subject + ": ") + error.description, status: status(error))
        }
    }

    /// 1 failed, 2 the file or the name is none, 3 a limit, or busy, 4 not there, 5 not permitted.
    private static func status(_ error: ImagesError) -> Int32 {
        switch error {
        case .layer(_, _, let inner): status(inner)
        case .noSuchImage, .ambiguousName, .noSuchPlatform: 4
        case .imageInUse, .tooLarge, .tooManyEntries: 3
        case .system(let inner), .writing(_, let inner):
            switch inner.code {
            case .EPERM, .EACCES: 5
            case .ENOENT: 4
            default: 1
            }
        case .unknownStoreVersion, .directoryNotEmpty, .tooManyLayers: 1
        default: 2
        }
    }
}
