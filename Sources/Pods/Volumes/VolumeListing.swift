package import Images
internal import Linux
package import OCI

/// What `volume list` tells of one.
package struct VolumeListing: Hashable, Sendable {
    package let name: String
    package let files: Int
    /// The contents of its files, in bytes.
    package let bytes: Int64
    /// What it takes on the disk, in bytes.
    package let allocated: Int64
    /// All of it was counted; else it has more than a million entries, or paths longer than 4,095 bytes.
    package let isWhole: Bool
    /// The processes that hold it: those of live pods.
    package let users: [Int32]

    /// Those of `tenant`, by name.
    package static func of(_ tenant: String, in store: ImageStore) throws(PodsError) -> [VolumeListing] {
        var list: [VolumeListing] = []
        let all = try Volume.all(of: tenant, in: store)
        if all.isEmpty { return [] }
        let locks = (try? FileLocks.text()) ?? ""
        for volume in all {
            guard let directory = try volume.open(in: store) else { continue }
            let size = try FileTree.size(of: directory.view)
            let users: [Int32]
            do throws(SystemError) { users = try volume.users(in: store, locks: locks) } catch {
                throw .volume(volume.name, error)
            }
            list.append(
                VolumeListing(
                    name: volume.name, files: size.files, bytes: size.bytes, allocated: size.allocated,
                    isWhole: size.isWhole, users: users))
        }
        return list
    }

    package var json: JSON.Value {
        .object([
            ("name", .string(name)), ("files", .integer(Int64(files))), ("bytes", .integer(bytes)),
            ("disk_bytes", .integer(allocated)), ("complete", .bool(isWhole)),
            ("users", .array(users.map { .integer(Int64($0)) })),
        ])
    }
}
