internal import Containers
internal import Images
internal import Linux
internal import OCI
internal import Pods

// `perigee volume ...`
extension Verb {
    private static let most = Option(
        "--max-size", value: "SIZE", "the most bytes in all (default: the tenant's transfer_size)")

    static let volumeList = Verb(
        .volumeList, operands: "", summary: "list a tenant's volumes",
        options: [TenantOption.option, Option("--json", "as JSON")],
        notes:
            "USED BY are the processes that stay with live pods. A + behind a number: it is more than could be counted.",
        run: { arguments, global in
            guard arguments.operands.isEmpty, arguments.command == nil else {
                throw UsageError("volume list: takes no operand")
            }
            return try volumes(arguments, global) { tenant, store throws(PodsError) in
                let list = try VolumeListing.of(tenant.name, in: store)
                if arguments.has("--json") { return JSON.Value.array(list.map(\.json)).text(indent: 2) + "\n" }
                return Table.text(
                    ["NAME", "SIZE", "FILES", "USED BY"],
                    list.map { volume in
                        let more = volume.isWhole ? "" : "+"
                        let users = volume.users.map { String($0) }.joined(separator: ",")
                        return [
                            volume.name, Size.text(volume.bytes) + more, "\(volume.files)\(more)",
                            users.isEmpty ? "-" : users,
                        ]
                    })
            }
        })

    static let volumePut = Verb(
        .volumePut, operands: "SOURCE... VOLUME[:DIR]",
        summary: "copy files and directories into a volume, which is made if need be",
        options: [TenantOption.option, most],
        notes: """
            Files that are there are replaced, each in one step. DIR is a directory of the volume, which is made if need
            be. Every user of the tenant's pods may read and write what is put. SOURCE/. is a directory's content.
            """,
        run: { arguments, global in
            guard arguments.operands.count >= 2, arguments.command == nil, let target = arguments.operands.last else {
                throw UsageError("volume put: needs SOURCE... and VOLUME[:DIR]")
            }
            let (name, directory) = split(target)
            let limit = try most(arguments, "volume put")
            return try volumes(arguments, global) { tenant, store throws(PodsError) in
                let volume = try Volume(tenant: tenant.name, name: name)
                var sources: [UploadSource] = []
                for path in arguments.operands.dropLast() { sources.append(try UploadSource.at(path)) }
                let done = try volume.put(
                    sources, to: directory ?? "", in: store, limit: limit ?? tenant.limits.transferSize)
                return "put \(count(done)) into \(name)\n"
            }
        })

    static let volumeGet = Verb(
        .volumeGet, operands: "VOLUME:PATH... DEST",
        summary: "copy files and directories out of a volume",
        options: [TenantOption.option, most],
        notes: """
            PATH may have *, ? and [...], which stand for names in the volume; put it in quotes. DEST is a directory, which is
            made if need be. Links that lead out, devices and the like are refused; what remains is copied, and the exit
            code is then 1.
            """,
        run: { arguments, global in
            guard arguments.operands.count >= 2, arguments.command == nil,
                let destination = arguments.operands.last, let first = arguments.operands.first
            else { throw UsageError("volume get: needs VOLUME:PATH... and DEST") }
            let name = split(first).name
            var patterns: [String] = []
            for word in arguments.operands.dropLast() {
                let (other, path) = split(word)
                guard let path else { throw UsageError("volume get: '\(word)' is not VOLUME:PATH") }
                guard other == name else { throw UsageError("volume get: '\(word)' is of another volume than \(name)") }
                patterns.append(path)
            }
            let limit = try most(arguments, "volume get")
            var refused = 0
            let status = try volumes(arguments, global) { tenant, store throws(PodsError) in
                let volume = try Volume(tenant: tenant.name, name: name)
                let done = try volume.get(
                    patterns, to: destination, from: store, limit: limit ?? tenant.limits.transferSize)
                for one in done.refused { CommandLineTool.complain("\(name): \(one)") }
                refused = done.refused.count
                return "got \(count(done)) from \(name)\n"
            }
            return status == 0 && refused > 0 ? 1 : status
        })

    static let volumeRemove = Verb(
        .volumeRemove, operands: "VOLUME", summary: "remove a volume with all in it, which no live pod may use",
        options: [TenantOption.option],
        run: { arguments, global in
            guard arguments.operands.count == 1, arguments.command == nil else {
                throw UsageError("volume rm: needs one operand, VOLUME")
            }
            let name = arguments.operands[0]
            return try volumes(arguments, global) { tenant, store throws(PodsError) in
                let list = try PodList.open(global)
                try Volume(tenant: tenant.name, name: name).remove(in: store) {
                    list.hostname(supervisedBy: $0).map { "pod \($0)" }
                }
                return "removed \(name)\n"
            }
        })

    /// `VOLUME:PATH`; nil: there is no path.
    private static func split(_ text: String) -> (name: String, path: String?) {
        guard let colon = text.firstIndex(of: ":") else { return (text, nil) }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    private static func most(_ arguments: Arguments, _ verb: String) throws(UsageError) -> Int64? {
        guard let text = arguments["--max-size"] else { return nil }
        guard let bytes = Size.bytes(text), bytes > 0 else {
            throw UsageError("\(verb): --max-size '\(text)' is no size such as 64m")
        }
        return bytes
    }

    private static func count(_ done: Transfer) -> String {
        "\(done.files) \(done.files == 1 ? "file" : "files"), \(Size.text(done.bytes))"
    }

    /// Runs `body` with the caller's tenant and the store, and prints what it returns; its error decides the exit code.
    private static func volumes(
        _ arguments: Arguments, _ global: GlobalOptions,
        _ body: (Tenant, ImageStore) throws(PodsError) -> String
    ) throws -> Int32 {
        TenantOption.run(arguments, global) { tenant, _ throws(PodsError) in
            let store: ImageStore
            do throws(ImagesError) { store = try ImageStore(path: global.store) } catch { throw .images(error) }
            Volume.sweep(tenant.name, in: store)
            return CommandLineTool.printed(try body(tenant, store))
        }
    }
}
