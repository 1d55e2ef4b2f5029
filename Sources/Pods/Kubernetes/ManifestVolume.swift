/// A volume of a pod: core/v1 Volume, of those kinds that there are here.
struct ManifestVolume: Hashable, Sendable {
    enum Source: Hashable, Sendable {
        /// A directory that goes with the pod.
        case empty
        /// A file system in memory; `limit` in bytes, nil: the tenant's memory is the limit.
        case memory(limit: Int64?)
        /// A volume of the tenant's, by its name here.
        case claim(String, isReadOnly: Bool)
        /// Files of a ConfigMap in the same file.
        case files([File])
        /// Files of a Secret in the same file: they are in memory alone.
        case secret([File])
        /// The host's; it is on the tenant's allow-list.
        case host(path: String, HostPathType)

        /// However it is mounted.
        var isReadOnly: Bool {
            switch self {
            case .files, .secret: true
            case .claim(_, let isReadOnly): isReadOnly
            case .empty, .memory, .host: false
            }
        }
    }

    /// A file of a ConfigMap or a Secret.
    struct File: Hashable, Sendable {
        /// Below the volume's root, no `..` in it.
        var path: String
        var content: [UInt8]
        var mode: UInt32
    }

    /// core/v1 HostPathType.
    enum HostPathType: String, Hashable, Sendable, CaseIterable {
        case any = ""
        case directoryOrCreate = "DirectoryOrCreate"
        case directory = "Directory"
        case fileOrCreate = "FileOrCreate"
        case file = "File"
        case socket = "Socket"
        case characterDevice = "CharDevice"
        case blockDevice = "BlockDevice"
    }

    var name: String
    var source: Source
}
