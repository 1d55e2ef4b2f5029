internal import Glibc
internal import Images
internal import Linux

/// The volumes of a pod, as its containers get them: a descriptor each, so that what a container does to the way there changes
/// nothing. Those of the tenant's can't be removed as long as this lives.
final class PodVolumes {
    /// What can't be copied can't stand in a list.
    private final class Held {
        let hold: VolumeHold
        init(_ hold: consuming VolumeHold) { self.hold = hold }
    }

    private let manifest: Manifest
    private let sandbox: PodSandbox
    private let tenant: Tenant
    private let store: ImageStore
    /// The pod's own, which must outlive this.
    private let directory: Descriptor
    private var holds: [Held] = []

    private static let name = "volumes"

    /// Makes what is not there yet.
    init(
        _ manifest: Manifest, _ sandbox: PodSandbox, of tenant: Tenant, in directory: Descriptor, _ store: ImageStore
    ) throws(PodsError) {
        self.manifest = manifest
        self.sandbox = sandbox
        self.tenant = tenant
        self.store = store
        self.directory = directory
        for volume in manifest.volumes {
            switch volume.source {
            case .claim(let name, _):
                holds.append(Held(try Volume(tenant: tenant.name, name: name).hold(in: store)))
            case .empty, .files:
                do throws(SystemError) { try make(volume) } catch { throw .volume(volume.name, error) }
            case .memory, .secret, .host: break
            }
        }
    }

    // MARK: the pod's own

    private func make(_ volume: ManifestVolume) throws(SystemError) {
        do throws(SystemError) { try directory.makeDirectory(PodVolumes.name, mode: 0o700) } catch
            where error.code == .EEXIST
        {}
        let all = try directory.open(PodVolumes.name, O_RDONLY | O_DIRECTORY)
        if try all.view.exists(volume.name) { return }
        // Under another name until it is whole.
        let draft = ".\(volume.name)"
        try all.view.removeTree(draft)
        var files: [ManifestVolume.File] = []
        if case .files(let list) = volume.source { files = list }
        let group = manifest.security.volumeGroup
        let mode: UInt32 = volume.source == .empty ? (group == nil ? 0o777 : 0o2777) : 0o755
        try all.view.makeDirectory(draft, mode: 0o700)
        let own = try all.view.open(draft, O_RDONLY | O_DIRECTORY)
        for file in files { try PodVolumes.write(file, in: own.view, group: group) }
        if let group { try own.view.setOwner(of: "", uid: 0, gid: group) }
        try own.view.setMode(mode)
        try all.view.rename(draft, to: volume.name, in: all.view)
    }

    /// Into a volume that nobody has yet.
    static func write(_ file: ManifestVolume.File, in root: Descriptor, group: UInt32?) throws(SystemError) {
        try makeDirectories(above: file.path, in: root, mode: 0o755)
        let made = try root.openBeneath(file.path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try made.view.write(file.content)
        if let group { try made.view.setOwner(of: "", uid: 0, gid: group) }
        // Who may read as its group must be able to.
        try made.view.setMode(group == nil ? file.mode : file.mode | (file.mode & 0o400) >> 3)
    }

    /// Each directory on the way to `path` that is not there. No link leads anywhere.
    private static func makeDirectories(above path: String, in root: Descriptor, mode: UInt32) throws(SystemError) {
        let parts = path.split(separator: "/").filter { $0 != "." }
        var way = ""
        for part in parts.dropLast() {
            way += way.isEmpty ? "\(part)" : "/\(part)"
            try makeDirectory(way, in: root, mode: mode)
        }
    }

    private static func makeDirectory(_ path: String, in root: Descriptor, mode: UInt32) throws(SystemError) {
        let parts = path.split(separator: "/")
        let above = parts.dropLast().joined(separator: "/")
        let parent = try root.openBeneath(above.isEmpty ? "." : above, O_RDONLY | O_DIRECTORY)
        do throws(SystemError) {
            try CreationMask.none { () throws(SystemError) in
                try parent.view.makeDirectory(String(parts.last ?? "."), mode: mode)
            }
        } catch  where error.code == .EEXIST {}
    }

    // MARK: for a container

    /// What is to be mounted, O_PATH, and whether it may be written to.
    func source(
        of mount: ManifestContainer.Mount
    ) throws(PodsError) -> (file: HeldDescriptor, isReadOnly: Bool) {
        guard let volume = manifest.volumes.first(where: { $0.name == mount.volume }) else {
            throw .volume(mount.volume, SystemError("open", mount.volume, .ENOENT))
        }
        do throws(SystemError) {
            let root = try open(volume)
            let file = HeldDescriptor(
                mount.subPath.isEmpty ? root : try PodVolumes.open(mount.subPath, in: root.view))
            return (file, volume.source.isReadOnly || mount.isReadOnly)
        } catch { throw .volumeMount(volume: mount.volume, subPath: mount.subPath, error) }
    }

    private func open(_ volume: ManifestVolume) throws(SystemError) -> OwnedDescriptor {
        let here = Descriptor.workingDirectory
        let flags = O_PATH | O_DIRECTORY
        switch volume.source {
        case .empty, .files: return try directory.openBeneath("\(PodVolumes.name)/\(volume.name)", flags)
        case .memory, .secret: return try here.openFollowing(sandbox.path(ofMemory: volume.name), flags)
        case .claim(let name, _): return try store.directory.openBeneath("volumes/\(tenant.name)/\(name)", flags)
        case .host(let path, let type): return try HostPath(path, type).open(allowed: tenant.limits)
        }
    }

    /// Below the volume's root, whatever a container has put there: no link is followed. What is not there becomes a directory,
    /// as with Kubernetes.
    private static func open(_ path: String, in root: Descriptor) throws(SystemError) -> OwnedDescriptor {
        do throws(SystemError) { return try root.openBeneath(path, O_PATH) } catch {
            guard error.code == .ENOENT else { throw error }
        }
        try makeDirectories(above: path + "/.x", in: root, mode: 0o777)
        return try root.openBeneath(path, O_PATH | O_DIRECTORY)
    }
}

/// An open file that several hold.
final class HeldDescriptor {
    private let file: OwnedDescriptor
    init(_ file: consuming OwnedDescriptor) { self.file = file }
    var view: Descriptor { file.view }
    /// Where another process of ours finds it, as long as this lives: a link to the file itself, and not to its name.
    var path: String { "/proc/\(Identity.process)/fd/\(file.view.number)" }
}
