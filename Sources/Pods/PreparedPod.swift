internal import Containers
internal import Glibc
internal import Images
internal import Linux
internal import OCI
internal import Planning

/// A pod that is ready to be launched: all that its image, its request and this host say of it, with what is held for it.
/// Dropped, nothing is left of it.
struct PreparedPod: ~Copyable {
    let launch: ContainerRun
    /// What ends the command.
    let stopSignal: Int32
    /// The root file system; nil once it was handed over.
    var mount: OwnedDescriptor?
    private let rootfs: OverlayRootfs
    var state: StateDirectory
    private let volume: VolumeHold?
    /// Open until it is mounted: the launch finds it by this descriptor alone.
    private let workspace: OpenedWorkspace?

    fileprivate init(
        _ launch: ContainerRun, _ stopSignal: Int32, _ mount: consuming OwnedDescriptor,
        _ rootfs: consuming OverlayRootfs, _ state: consuming StateDirectory, _ volume: consuming VolumeHold?,
        _ workspace: OpenedWorkspace?
    ) {
        self.launch = launch
        self.stopSignal = stopSignal
        self.mount = consume mount
        self.rootfs = rootfs
        self.state = state
        self.volume = volume
        self.workspace = workspace
    }

    /// The container has ended: its directories go.
    consuming func end() {
        _ = consume rootfs
        _ = consume state
        if let held = consume volume { held.end() }
    }

    /// The container goes on by itself, with its directories, which its record tells of. What is returned keeps the volume.
    consuming func keep() -> VolumeHold? {
        rootfs.keep()
        _ = consume state
        return volume
    }
}

/// How a pod's container is to be made beside what its request says.
struct PodPlacement {
    var identifier: ContainerIdentifier
    var hostname: String
    /// nil: the command is the first process. The stop signal is the image's, whatever it says.
    var initial: ContainerInit?
    /// Nothing is held, and nobody may use what is made: only the plan is wanted.
    var explains = false
    /// INT and TERM of whoever stays with it end it.
    var stopsOnSignal = true
    /// What it gets of its node; nil: nothing of its own.
    var node: NodeShare?
    /// nil: a namespace of its own, in which it is alone, and no files.
    var network: NetworkShare?
    /// What makes it one of several of a pod; nil: it is the only one.
    var container: ContainerShare?
}

extension ImageStore {
    /// Reads the image, makes the overlay and the specification, and plans the launch. What takes longest is begun first.
    /// `image` is the request's, where somebody holds it already.
    func prepare(
        _ request: PodRequest, _ placement: PodPlacement, image held: consuming ImageHold? = nil,
        in root: borrowing RuntimeRoot, phases measured: LaunchPhases
    ) throws(PodsError) -> PreparedPod {
        var phases = measured
        let volume = try Volume(tenant: request.tenant, name: request.volume)
        var standard: RuntimeSpec
        do throws(SpecError) { standard = try RuntimeSpec.standard() } catch {
            preconditionFailure("the embedded default specification: \(error)")
        }
        placement.container?.place(in: &standard)
        phases.end("default specification")
        // First what tells of all else, so that it can be removed if this process is killed.
        let identifier = placement.identifier
        let own = root.ownName(of: identifier)
        let directory: String
        do throws(ImagesError) { directory = try OverlayRootfs.path(of: own, in: self) } catch { throw .images(error) }
        var state: StateDirectory
        do throws(ContainersError) {
            let all = ContainerRun.record(of: identifier, in: root, directories: [directory])
            state = try StateDirectory.make(identifier, all, in: root)
        } catch { throw .containers(error) }
        phases.end("state directory")
        let namespaces = placement.network?.namespaces(standard.linux.namespaces) ?? standard.linux.namespaces
        if !placement.explains { state.begin(namespaces, &phases) }
        let hold: ImageHold
        if let held {
            hold = held
        } else {
            do throws(ImagesError) { hold = try self.hold(request.image) } catch { throw .images(error) }
        }
        let record = hold.record
        var config: ImageConfig
        do throws(ImagesError) { config = try self.config(of: record).config } catch { throw .images(error) }
        if let container = placement.container { config = container.adjust(config) }
        let stopSignal = try request.stopSignal(config)
        guard Emulation.runs(record.platform) else {
            throw .wrongArchitecture(
                image: request.image, platform: "\(record.platform)", host: "linux/" + Emulation.hostArchitecture)
        }
        if let node = placement.node?.profile, let needed = node.architecture, needed != record.platform.architecture {
            throw .nodeArchitecture(
                image: request.image, platform: "\(record.platform)", node: node.name, needed: "linux/" + needed)
        }
        phases.end("find image")
        let rootfs: OverlayRootfs
        do throws(ImagesError) {
            rootfs = try OverlayRootfs.make(in: self, image: hold, id: own, limit: request.writableLayer)
        } catch { throw .images(error) }
        let mount: OwnedDescriptor
        do throws(ImagesError) { mount = try rootfs.mount() } catch { throw .images(error) }
        phases.end("overlay of \(record.layers.count) layers")
        let used: VolumeHold?
        if placement.explains || placement.container != nil { used = nil } else { used = try volume.hold(in: self) }
        let workspace = try request.workspace?.open()
        var spec = try PodSpec(
            standard: standard, request: request, image: config, volumePath: volume.path(in: self),
            users: try request.users(in: mount.view), workspaceSource: workspace?.source
        ).make(hostname: placement.hostname)
        try placement.container?.apply(to: &spec)
        try placement.node?.apply(to: &spec)
        placement.network?.apply(to: &spec)
        phases.end("specification")
        var run = ContainerRun.Request(
            identifier: identifier, spec: spec, specPath: "",
            rootDescription: "overlay of image \(record.reference) (\(record.layers.count) layers)",
            filter: .standard(capabilities: Set(placement.container?.capabilities ?? Capability.defaults)),
            isStrict: true,
            stopsOnSignal: placement.stopsOnSignal, timeout: request.timeout, stopSignal: stopSignal,
            timeline: request.timeline, initial: placement.initial)
        run.initial?.stopSignal = stopSignal
        run.lock = placement.node?.lock
        do throws(ContainersError) {
            let launch = try ContainerRun(run, root: root, phases: phases)
            return PreparedPod(launch, stopSignal, mount, rootfs, state, used, workspace)
        } catch { throw .containers(error) }
    }
}

extension PodRequest {
    /// What ends the image's command.
    func stopSignal(_ config: ImageConfig) throws(PodsError) -> Int32 {
        guard let signal = SignalNumber.stop(config.stopSignal) else {
            throw .imageConfig(image: image, field: "StopSignal", why: "no signal \(quoted(config.stopSignal ?? ""))")
        }
        return signal
    }

    /// The image's users, read inside its root: a number, too, has a group and a home there.
    func users(in root: Descriptor) throws(PodsError) -> RootfsFacts {
        func text(_ path: String) throws(SystemError) -> [UInt8] {
            do throws(SystemError) {
                let file = try root.openInRoot(path, O_RDONLY | O_NONBLOCK, crossingMounts: false)
                let status = try file.view.status()
                guard status.isRegular else {
                    throw SystemError("open", path, detail: "not a regular file,", .EINVAL)
                }
                return try file.view.readAll(limit: 1 << 20, size: status.size)
            } catch {
                if error.code == .ENOENT || error.code == .ENOTDIR { return [] }
                throw SystemError(error.call, path, detail: error.detail, error.code)
            }
        }
        do throws(SystemError) {
            return RootfsFacts(users: UserDatabase(passwd: try text("/etc/passwd"), group: try text("/etc/group")))
        } catch { throw .passwd(image: image, error) }
    }
}
