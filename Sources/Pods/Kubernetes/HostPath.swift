internal import Glibc
internal import Linux

/// A file or a directory of the host's for a container: core/v1 HostPathVolumeSource. It lies below one that the tenant's
/// configuration has; links on the way must not lead out of that, for what is below may be the tenant's to change.
struct HostPath {
    private let path: String
    private let type: ManifestVolume.HostPathType

    init(_ path: String, _ type: ManifestVolume.HostPathType) {
        self.path = path
        self.type = type
    }

    /// O_PATH
    func open(allowed limits: Limits) throws(SystemError) -> OwnedDescriptor {
        let isDevice = type == .characterDevice || type == .blockDevice
        let roots = isDevice ? limits.devices : limits.hostPaths
        guard let root = roots.first(where: { ManifestReader.isBelow(path, $0) }) else {
            throw SystemError("open", path, detail: "it is not on the tenant's list,", .EACCES)
        }
        let here = Descriptor.workingDirectory
        let parts = path.split(separator: "/").filter { $0 != "." }
        let below = parts.dropFirst(root.split(separator: "/").count).joined(separator: "/")
        if below.isEmpty { return try checked(try open(root, in: here)) }
        let top = try here.openFollowing(root, O_PATH | O_DIRECTORY)
        do throws(SystemError) { return try checked(try top.view.openBeneath(below, O_PATH, links: true)) } catch {
            guard error.code == .ENOENT else { throw error }
        }
        try make(below, in: top.view)
        return try checked(try top.view.openBeneath(below, O_PATH, links: true))
    }

    private func open(_ path: String, in directory: Descriptor) throws(SystemError) -> OwnedDescriptor {
        try directory.openFollowing(path, O_PATH)
    }

    /// `DirectoryOrCreate` and `FileOrCreate`; the directory above must be there.
    private func make(_ below: String, in top: Descriptor) throws(SystemError) {
        let parts = below.split(separator: "/")
        let above = parts.dropLast().joined(separator: "/"), name = String(parts.last ?? "")
        let parent = try top.openBeneath(above.isEmpty ? "." : above, O_RDONLY | O_DIRECTORY, links: true)
        switch type {
        case .directoryOrCreate: try parent.view.makeDirectory(name, mode: 0o755)
        case .fileOrCreate: _ = try parent.view.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        default: throw SystemError("open", path, .ENOENT)
        }
    }

    private func checked(_ file: consuming OwnedDescriptor) throws(SystemError) -> OwnedDescriptor {
        let kind = try file.view.status().mode & S_IFMT
        let wanted: UInt32? =
            switch type {
            case .any: nil
            case .directory, .directoryOrCreate: S_IFDIR
            case .file, .fileOrCreate: S_IFREG
            case .socket: S_IFSOCK
            case .characterDevice: S_IFCHR
            case .blockDevice: S_IFBLK
            }
        if let wanted, kind != wanted {
            throw SystemError("open", path, detail: "it is no \(type.rawValue),", .EINVAL)
        }
        return file
    }
}
