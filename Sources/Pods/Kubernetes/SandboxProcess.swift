internal import Containers
internal import Glibc
internal import Launching
internal import Linux
internal import OCI
internal import Planning

/// The first process of the pid namespace that a pod's containers share, if they do: the namespace is there as long as it is,
/// whoever else ends. It takes in what others leave, and when it ends all of them do.
///
/// It is a container like any other, `ID._init`, with nothing in it: the stage is its process, on an empty root that can't be
/// written to, with no capability and under the default filter. The pod's containers see it as process 1.
struct SandboxProcess {
    private let record: PodRecord
    private let sandbox: PodSandbox
    /// When it ends if nobody has ended it, in nanoseconds of `CLOCK_BOOTTIME`; 0: never.
    var deadline: UInt64 = 0
    /// What it keeps until nothing else is there; nil: nothing.
    var lock: Descriptor?

    init(_ record: PodRecord, _ sandbox: PodSandbox) {
        self.record = record
        self.sandbox = sandbox
    }

    private static func identifier(_ record: PodRecord) throws(ContainersError) -> ContainerIdentifier {
        try ContainerIdentifier(record.sandboxIdentifier)
    }

    /// Sees to it that there is one that lives, and that its namespace is mounted at `path`. Where the one before has ended the
    /// pod's containers have, too.
    func provide(at path: String, in root: borrowing RuntimeRoot) throws(PodsError) {
        let identifier: ContainerIdentifier
        let container: SupervisedContainer?
        do throws(ContainersError) {
            identifier = try SandboxProcess.identifier(record)
            container = try SupervisedContainer.find(identifier, in: root)
        } catch { throw .containers(error) }
        do throws(SystemError) {
            if let container, let found = try container.process() {
                if SharedNamespace.isPinned(at: path) { return }
                // One whose maker was killed before it was mounted. Its number is its own as long as it lives.
                let space = try SandboxProcess.space(of: found)
                guard try container.process() == found else { throw SystemError("open", "process \(found)", .ESRCH) }
                return try SandboxProcess.pin(space, at: path)
            }
            try PinnedMount.remove(path)
            try SandboxProcess.remove(of: record, in: root)
        } catch { throw .sandbox(error) }
        let process = try launch(identifier, in: root)
        do throws(SystemError) { try SandboxProcess.pin(try SandboxProcess.space(of: process), at: path) } catch {
            throw .sandbox(error)
        }
    }

    /// Whether nobody can join those in its namespace any more. Where that can't be told, it is not: all else would end with it.
    func isLost(in root: borrowing RuntimeRoot) -> Bool {
        do {
            let container = try SupervisedContainer.find(try SandboxProcess.identifier(record), in: root)
            guard let container else { return true }
            return try container.process() == nil
        } catch { return false }
    }

    private static func space(of process: Int32) throws(SystemError) -> OwnedDescriptor {
        try Descriptor.workingDirectory.openFollowing("/proc/\(process)/ns/pid", O_RDONLY)
    }

    private static func pin(_ space: consuming OwnedDescriptor, at path: String) throws(SystemError) {
        let here = Descriptor.workingDirectory
        do throws(SystemError) { _ = try here.open(path, O_RDONLY | O_CREAT | O_EXCL, mode: 0o600) } catch
            where error.code == .EEXIST
        {}
        try NamespacePin.make(space.view, at: path)
        try space.close()
    }

    private func launch(
        _ identifier: ContainerIdentifier, in root: borrowing RuntimeRoot
    ) throws(PodsError) -> Int32 {
        var initial = ContainerInit(stopSignal: SIGTERM, grace: 0, deadline: deadline)
        initial.role = .sandbox
        initial.holdsLock = lock != nil
        var request = ContainerRun.Request(
            identifier: identifier, spec: try spec(), specPath: "", rootDescription: "an empty file system",
            filter: .standard(capabilities: []), isStrict: true, stopsOnSignal: false, initial: initial)
        request.lock = lock
        let rootFileSystem = try SandboxProcess.emptyRoot()
        do throws(ContainersError) {
            var state = try StateDirectory.make(
                identifier, ContainerRun.record(of: identifier, in: root, directories: []), in: root)
            var run = try ContainerRun(request, root: root, phases: LaunchPhases(measured: false))
            return try run.leave(
                in: root, &state, rootFileSystem: rootFileSystem, rootPath: "/",
                exitRecord: try SandboxProcess.nowhere())
        } catch { throw .containers(error) }
    }

    private func spec() throws(PodsError) -> RuntimeSpec {
        var spec: RuntimeSpec
        do throws(SpecError) { spec = try RuntimeSpec.standard() } catch {
            preconditionFailure("the embedded default specification: \(error)")
        }
        spec.linux.namespaces.removeAll { ["network", "ipc", "uts"].contains($0.type) }
        spec.linux.namespaces += sandbox.lastingNamespaces
        spec.hostname = nil
        spec.mounts = []
        spec.linux.maskedPaths = []
        spec.linux.readonlyPaths = []
        spec.root.readonly = true
        spec.process?.args = ["sandbox"]
        spec.process?.env = []
        spec.process?.rlimits = []
        spec.process?.capabilities = ProcessSpec.Capabilities()
        spec.process?.noNewPrivileges = true
        return spec
    }

    /// There is room for the nodes of /dev.
    private static func emptyRoot() throws(PodsError) -> OwnedDescriptor {
        do throws(SystemError) {
            let context = try FileSystemContext(type: "tmpfs")
            try context.set("mode", to: "0755")
            try context.set("size", to: "65536")
            try context.create()
            let noSetuid: UInt32 = 0x2
            return try context.mount(attributes: noSetuid)
        } catch { throw .sandbox(error) }
    }

    /// It has no command whose end could be written down.
    private static func nowhere() throws(ContainersError) -> OwnedDescriptor {
        do throws(SystemError) { return try Descriptor.workingDirectory.openFollowing("/dev/null", O_WRONLY) } catch {
            throw .state(error)
        }
    }

    /// Ends it, and all that is still in its namespace; there need be none.
    static func remove(of record: PodRecord, in root: borrowing RuntimeRoot) throws(SystemError) {
        do throws(ContainersError) {
            let identifier = try identifier(record)
            let process = try SupervisedContainer.find(identifier, in: root)
            _ = try Container.find(identifier, in: root, for: .end).delete(force: true)
            // A child of this process's stays until it has been waited for.
            if let process { _ = process.wait() }
        } catch {
            if case .noContainer = error { return }
            throw SystemError("unlinkat", record.sandboxIdentifier, detail: "\(error),", .EIO)
        }
    }
}
