internal import Images
internal import Linux
internal import Pods

extension Verb {
    /// `perigee image delete`: `image remove` that looks at pods first, those that have ended as well.
    static let imageDelete = Verb(
        .imageDelete, operands: "IMAGE...", summary: "remove images that no container and no pod was made of",
        options: [
            TenantOption.option, Option("--force", short: "-f", "end and remove these containers and pods first"),
            Option("--all-tenants", "with --force: also those of other tenants"),
        ],
        notes: "A container that has stopped counts until it is retired, and a pod until it is removed or replaced.",
        run: { arguments, global in
            guard !arguments.operands.isEmpty, arguments.command == nil else {
                throw UsageError("image delete: needs the names of images")
            }
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                var text = ""
                for name in arguments.operands {
                    let store = try openStore(global)
                    let image = try imageRecord(name, store)
                    let users = try list.users(of: image, in: store)
                    if !users.isEmpty {
                        guard arguments.has("--force") else {
                            throw .imageUsed(image.reference.familiar, by: users.map(\.record.hostname))
                        }
                        let other = users.first { $0.record.request.tenant != tenant.name }?.record
                        if let other, !arguments.has("--all-tenants") {
                            throw .belongsToOther(pod: other.hostname, tenant: other.request.tenant)
                        }
                        for user in users { _ = try list.retire(user.record.id, grace: 0) }
                    }
                    try remove(image, store)
                    text += "deleted \(image.reference.familiar)\n"
                }
                return CommandLineTool.printed(text)
            }
        })

    /// Removes those of `names` that nothing else was made of; tells what became of each.
    static func removeUnused(
        _ names: [String], _ list: PodList, _ global: GlobalOptions
    ) throws(PodsError) -> String {
        let store = try openStore(global)
        var text = ""
        for name in names {
            let image: ImageRecord
            do throws(PodsError) { image = try imageRecord(name, store) } catch {
                if error.managementStatus == 4 { continue }
                throw error
            }
            let users = try list.users(of: image, in: store)
            if users.isEmpty {
                try remove(image, store)
                text += "deleted \(image.reference.familiar)\n"
            } else {
                let others = users.map(\.record.hostname).joined(separator: ", ")
                text += "kept \(image.reference.familiar), which \(others) uses\n"
            }
        }
        return text
    }

    private static func openStore(_ global: GlobalOptions) throws(PodsError) -> ImageStore {
        do throws(ImagesError) { return try openRepairedStore(global) } catch { throw .images(error) }
    }

    private static func imageRecord(_ name: String, _ store: ImageStore) throws(PodsError) -> ImageRecord {
        do throws(ImagesError) { return try store.find(name) } catch { throw .images(error) }
    }

    private static func remove(_ image: ImageRecord, _ store: ImageStore) throws(PodsError) {
        do throws(ImagesError) { try store.remove(image.reference.description) } catch { throw .images(error) }
    }
}
