package import Containers
internal import Glibc
internal import Images
internal import Linux
internal import OCI
package import Planning

/// A pod of one container, run in the foreground.
package struct PodRun {
    private let request: PodRequest
    private let store: ImageStore
    private var phases: LaunchPhases

    /// `storePath` is where images and volumes are.
    package init(_ request: PodRequest, storePath: String) throws(PodsError) {
        self.request = request
        phases = LaunchPhases(measured: request.timeline)
        do throws(ImagesError) { store = try ImageStore(path: storePath) } catch { throw .images(error) }
        phases.end("open store")
    }

    /// What a pod comes to: its end, or with `explain` its plan alone.
    package enum Result: Sendable {
        case explained(LaunchPlan)
        case ended(ContainerRun.Outcome)
    }

    /// Removes what killed commands have left, and tells what can't be removed.
    package func repair(in root: borrowing RuntimeRoot) -> [String] { Repair.run(in: root, and: store) }

    /// Runs the pod until it ends, or with `explain` only plans it.
    package mutating func run(in root: borrowing RuntimeRoot, explain: Bool) throws(PodsError) -> Result {
        do throws(ContainersError) { try Foreground.holdSignals() } catch { throw .containers(error) }
        let volume = try Volume(tenant: request.tenant, name: request.volume)
        let identifier = ContainerIdentifier.random()
        let standard: RuntimeSpec
        do throws(SpecError) { standard = try RuntimeSpec.standard() } catch {
            preconditionFailure("the embedded default specification: \(error)")
        }
        phases.end("default specification")
        let network = explain ? nil : ContainerRun.begin(standard.linux.namespaces, &phases)
        let hold: ImageHold
        do throws(ImagesError) { hold = try store.hold(request.image) } catch { throw .images(error) }
        let record = hold.record
        let config: ImageConfig
        do throws(ImagesError) { config = try store.config(of: record).config } catch { throw .images(error) }
        guard let stopSignal = SignalNumber.stop(config.stopSignal) else {
            throw .imageConfig(
                image: request.image, field: "StopSignal", why: "no signal \(quoted(config.stopSignal ?? ""))")
        }
        guard Emulation.runs(record.platform) else {
            throw .wrongArchitecture(
                image: request.image, platform: "\(record.platform)", host: "linux/" + Emulation.hostArchitecture)
        }
        phases.end("find image")
        // First what tells of all else, so that it can be removed if this process is killed.
        let own = root.ownName(of: identifier)
        let directory: String
        do throws(ImagesError) { directory = try OverlayRootfs.path(of: own, in: store) } catch {
            throw .images(error)
        }
        var state: StateDirectory
        do throws(ContainersError) {
            let all = ContainerRun.record(of: identifier, in: root, directories: [directory])
            state = try StateDirectory.make(identifier, all, in: root)
        } catch { throw .containers(error) }
        let rootfs: OverlayRootfs
        do throws(ImagesError) { rootfs = try OverlayRootfs.make(in: store, image: hold, id: own) } catch {
            throw .images(error)
        }
        let mount: OwnedDescriptor
        do throws(ImagesError) { mount = try rootfs.mount() } catch { throw .images(error) }
        phases.end("overlay of \(record.layers.count) layers")
        let used: VolumeHold?
        if explain { used = nil } else { used = try volume.hold(in: store) }
        let spec = try PodSpec(
            standard: standard, request: request, image: config, volumePath: volume.path(in: store),
            users: try users(in: mount.view)
        ).make(hostname: "\(request.tenant)-pod")
        phases.end("specification")
        do throws(ContainersError) {
            var launch = try ContainerRun(
                .init(
                    identifier: identifier, spec: spec, specPath: "",
                    rootDescription: "overlay of image \(record.reference) (\(record.layers.count) layers)",
                    filter: .standard(capabilities: Set(Capability.defaults)), isStrict: true, stopsOnSignal: true,
                    timeout: request.timeout,
                    stopSignal: stopSignal, timeline: request.timeline),
                root: root, network: network, phases: phases)
            if explain { return .explained(launch.plan) }
            let outcome = try launch.run(in: root, &state, rootFileSystem: mount)
            _ = consume rootfs
            _ = consume state
            if let held = consume used { held.end() }
            return .ended(outcome)
        } catch { throw .containers(error) }
    }

    /// The image's users, read inside its root: a number, too, has a group and a home there.
    private func users(in root: Descriptor) throws(PodsError) -> RootfsFacts {
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
        } catch { throw .passwd(image: request.image, error) }
    }
}
