internal import Glibc
internal import Linux
internal import Network
internal import OCI

/// What the containers of a pod share and no one of them holds: namespaces, /dev/shm, volumes in memory, and the files that name
/// hosts. It is below the directory of running containers, and there are mounts of the host's in it:
///
///     ROOT/@pods/ID/net, ipc, uts   namespaces, see ``SharedNamespace``
///     ROOT/@pods/ID/pid             one more, where the pod's containers share it, see ``SandboxProcess``
///     ROOT/@pods/ID/shm             /dev/shm
///     ROOT/@pods/ID/memory-NAME     a volume
///     ROOT/@pods/ID/hosts, hostname /etc/hosts, /etc/hostname
///     ROOT/@pods/ID/made            it is whole
struct PodSandbox {
    let directory: String
    private let manifest: Manifest
    /// `TENANT-NAME`
    private let fullName: String
    /// Of /dev/shm, in bytes.
    private let sharedMemory: Int64
    /// Of its tenant's network; nil: it has the host's.
    var network: (files: PodAttachment.Files, address: String)?

    private static let madeName = "made"
    private static let usualSharedMemory: Int64 = 64 << 20

    /// Of the pod `id`, whose root is at the absolute path `root`.
    init(_ id: String, root: String, _ manifest: Manifest, fullName: String, sharedMemory: Int64?) {
        directory = PodSandbox.directory(of: id, root: root)
        self.manifest = manifest
        self.fullName = fullName
        self.sharedMemory = sharedMemory ?? PodSandbox.usualSharedMemory
    }

    static func directory(of id: String, root: String) -> String { "\(root)/@pods/\(id)" }

    /// Those that are its own and not the host's.
    private var kinds: [SharedNamespace] {
        SharedNamespace.allCases.filter {
            switch $0 {
            case .network: !manifest.hostNamespaces.network
            case .ipc: !manifest.hostNamespaces.ipc
            case .uts: true
            }
        }
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }
    func path(ofMemory volume: String) -> String { path("memory-\(volume)") }
    var hostsPath: String {
        guard let network else { return path("hosts") }
        return hasOwnHosts ? network.files.ownHosts : network.files.hosts
    }
    /// nil: the image's.
    var resolverPath: String? { network?.files.resolver }
    /// The tenant's other pods are in the file that all of the tenant share, which has no names of one pod alone.
    var hasOwnHosts: Bool {
        !manifest.hostAliases.isEmpty || ![manifest.name, fullName].contains(manifest.hostname)
    }
    var hostnamePath: String { path("hostname") }
    /// nil: the host's.
    var sharedMemoryPath: String? { manifest.hostNamespaces.ipc ? nil : path("shm") }

    /// Where the pid namespace is; nil: each container has its own.
    var processesPath: String? { manifest.sharesProcesses ? path("pid") : nil }

    /// For the configuration of a container.
    var namespaces: [LinuxSpec.Namespace] {
        lastingNamespaces + (processesPath.map { [LinuxSpec.Namespace(type: "pid", path: $0)] } ?? [])
    }

    /// Those that need no process to be there.
    var lastingNamespaces: [LinuxSpec.Namespace] {
        kinds.map { LinuxSpec.Namespace(type: $0 == .network ? "network" : $0.rawValue, path: path($0.rawValue)) }
    }

    /// The addresses of the pod, as it is told them.
    var addresses: [String] { [network?.address ?? "127.0.0.1"] }

    /// Nothing of it is missing.
    var isWhole: Bool {
        (try? Descriptor.workingDirectory.exists(path(PodSandbox.madeName))) == true
            && kinds.allSatisfy { SharedNamespace.isPinned(at: path($0.rawValue)) }
    }

    /// Makes it anew, with the network namespace that `space` leads to; nil: it has the host's.
    func make(network space: String?) throws(PodsError) {
        do throws(SystemError) {
            try PodSandbox.remove(directory)
            let here = Descriptor.workingDirectory
            try here.makeDirectories(directory, mode: 0o700)
            let own = try here.openFollowing(directory, O_RDONLY | O_DIRECTORY)
            for kind in kinds {
                if kind == .network {
                    guard let space else { throw SystemError("open", path("net"), .ENOENT) }
                    try kind.inside(space) { () throws(SystemError) in try kind.pin(at: path(kind.rawValue)) }
                } else {
                    try make(kind)
                }
            }
            if sharedMemoryPath != nil { try PodSandbox.mountMemory("shm", in: own.view, size: sharedMemory) }
            for volume in manifest.volumes { try make(volume, in: own.view) }
            if network == nil {
                try own.view.replaceFile("hosts", with: Array((loopbackHosts + hosts).utf8), mode: 0o644)
            }
            try own.view.replaceFile("hostname", with: Array((manifest.hostname + "\n").utf8), mode: 0o644)
            _ = try own.view.open(PodSandbox.madeName, O_WRONLY | O_CREAT, mode: 0o600)
        } catch { throw .sandbox(error) }
    }

    /// A volume in memory; of others nothing is made here.
    private func make(_ volume: ManifestVolume, in own: Descriptor) throws(SystemError) {
        let name = "memory-\(volume.name)"
        switch volume.source {
        case .memory(let limit): try PodSandbox.mountMemory(name, in: own, size: limit)
        case .secret(let files):
            // A page for each file and each directory on the way, and some for their names.
            let page: Int64 = 4096
            let size = files.reduce(256 * page) { $0 + Int64($1.content.count) + page * 16 }
            try PodSandbox.mountMemory(name, in: own, size: size, mode: "0755")
            let root = try own.open(name, O_RDONLY | O_DIRECTORY)
            for file in files { try PodVolumes.write(file, in: root.view, group: manifest.security.volumeGroup) }
            if let group = manifest.security.volumeGroup { try root.view.setOwner(of: "", uid: 0, gid: group) }
        case .empty, .claim, .files, .host: break
        }
    }

    private func make(_ kind: SharedNamespace) throws(SystemError) {
        try kind.insideNew { () throws(SystemError) in
            if kind == .uts { try OwnNamespaceSettings.setHostname(manifest.hostname) }
            try kind.pin(at: path(kind.rawValue))
        }
    }

    /// nil: half of the host's memory, as tmpfs(5) has it; what is written counts as the container's.
    private static func mountMemory(
        _ name: String, in directory: Descriptor, size: Int64?, mode: String = "0777"
    ) throws(SystemError) {
        try directory.makeDirectory(name, mode: 0o700)
        let context = try FileSystemContext(type: "tmpfs")
        try context.set("mode", to: name == "shm" ? "1777" : mode)
        if let size { try context.set("size", to: "\(size)") }
        try context.create()
        let (noSetuid, noDevices): (UInt32, UInt32) = (0x2, 0x4)
        let mount = try context.mount(attributes: noSetuid | noDevices)
        try mount.view.moveMount(to: name, in: directory)
    }

    /// What the tenant's file begins with.
    private var loopbackHosts: String { "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" }

    /// hosts(5): the lines that are this pod's alone.
    var hosts: String {
        let names = manifest.hostname == fullName ? [fullName] : [fullName, manifest.hostname]
        var text = "\(addresses[0])\t\(names.joined(separator: " "))\n"
        for alias in manifest.hostAliases where !alias.names.isEmpty {
            text += "\(alias.address)\t\(alias.names.joined(separator: " "))\n"
        }
        return text
    }

    /// Takes down all that is there of it; there need be nothing.
    static func remove(_ directory: String) throws(SystemError) {
        let here = Descriptor.workingDirectory
        let own: OwnedDescriptor
        do throws(SystemError) { own = try here.openFollowing(directory, O_RDONLY | O_DIRECTORY) } catch {
            if error.code == .ENOENT { return }
            throw error
        }
        for entry in try own.view.entries() {
            try PinnedMount.remove("\(directory)/\(Descriptor.text(ofEntry: entry))")
        }
        try here.removeTree(directory)
    }
}
