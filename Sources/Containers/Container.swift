internal import Cgroups
internal import Glibc
internal import Launching
internal import Linux
package import OCI

/// The states of a container: runtime-spec, runtime.md, "State", and `paused`.
package enum ContainerStatus: String, Hashable, Sendable {
    /// Being made.
    case creating
    /// Made, and not started.
    case created
    case running
    /// Frozen by its cgroup.
    case paused
    /// Its first process has ended.
    case stopped
}

/// A container that is there, found by its name. As long as this value lives no other command changes it.
package struct Container: ~Copyable {
    let root: RuntimeRoot.View
    let name: String
    let directory: OwnedDescriptor
    let record: ContainerRecord
    /// The command that stays with it holds the lock.
    let isAttended: Bool

    private init(
        _ root: RuntimeRoot.View, _ name: String, _ directory: consuming OwnedDescriptor, _ record: ContainerRecord,
        isAttended: Bool
    ) {
        self.root = root
        self.name = name
        self.directory = directory
        self.record = record
        self.isAttended = isAttended
    }

    /// What is to be done with a container, and so who must be waited for.
    package enum Use: Sendable {
        /// Looked at, or sent a signal: a start that has hooks is not waited for.
        case look
        /// A process is executed in it, several at once.
        case join
        case change
        /// Whatever others do with it, it is killed.
        case end
    }

    /// Finds container `identifier` in `root`, which must outlive the value, and waits for who does something with it that
    /// does not go with `use`, some seconds.
    package static func find(
        _ identifier: ContainerIdentifier, in root: borrowing RuntimeRoot, for use: Use = .change
    ) throws(ContainersError) -> Container {
        let name = identifier.text
        let directory: OwnedDescriptor
        do throws(SystemError) {
            directory = try root.directory.view.open(name, O_RDONLY | O_DIRECTORY)
        } catch {
            if error.code == .ENOENT || error.code == .ENOTDIR { throw .noContainer(name) }
            throw .state(error)
        }
        let text: [UInt8], isLocked: Bool
        do throws(SystemError) {
            isLocked = try lock(directory.view, use)
            text = try directory.view.readFile(StateDirectory.recordName, limit: StateDirectory.recordLimit)
        } catch {
            if error.code == .ENOENT || error.code == .ENOTDIR { throw .noContainer(name) }
            if error.code == .EBUSY { throw .busy(name) }
            throw .state(error)
        }
        do throws(JSONError) {
            let record = try ContainerRecord(try JSON(parsing: text))
            return Container(root.view, name, directory, record, isAttended: !isLocked)
        } catch { throw .json(path: "\(name)/\(StateDirectory.recordName)", error) }
    }

    /// All of `root`, in the order of their names.
    package static func all(in root: borrowing RuntimeRoot) throws(ContainersError) -> [ContainerIdentifier] {
        let names: [[CChar]]
        do throws(SystemError) { names = try root.directory.view.entries() } catch { throw .state(error) }
        var found: [ContainerIdentifier] = []
        for name in names {
            if let identifier = try? ContainerIdentifier(Descriptor.text(ofEntry: name)) { found.append(identifier) }
        }
        return found.sorted { $0.text < $1.text }
    }

    /// How long others are waited for: an `exec` in a container that has little of the processor takes its time.
    private static let patience: UInt64 = 10_000_000_000
    /// And how long by who ends it anyway.
    private static let endingPatience: UInt64 = 200_000_000

    /// Waits for other commands that do something with the container. False: one stays with it.
    private static func lock(_ directory: Descriptor, _ use: Use) throws(SystemError) -> Bool {
        let start = Clock.monotonic()
        var pause: Int64 = 5_000_000
        var isKilled = false
        while true {
            if try directory.lock(exclusive: use != .join, waiting: false) { return true }
            let text = try directory.readFile(StateDirectory.recordName, limit: StateDirectory.recordLimit)
            if let json = try? JSON(parsing: text), let record = try? ContainerRecord(json) {
                // Another life than this one has nobody who stays.
                if record.detached == nil { return false }
                if use == .end, !isKilled, Clock.monotonic() > start + endingPatience {
                    try? record.group?.kill()
                    isKilled = true
                }
            }
            if use == .look { return true }
            if Clock.monotonic() > start + patience { throw SystemError("flock", StateDirectory.recordName, .EBUSY) }
            Clock.pause(pause)
            pause = min(2 * pause, 50_000_000)
        }
    }

    // MARK: What it is

    /// The name of its session keyring; nil: it has none.
    var keyring: String? { record.detached?.hasKeyring == false ? nil : "_ses." + name }

    /// What hooks and listeners are told of it.
    var told: ContainerState {
        ContainerState(
            ociVersion: record.detached?.ociVersion ?? "1.0.2", identifier: name,
            bundle: record.detached?.bundle ?? record.bundle ?? "",
            annotations: record.detached?.annotations ?? [])
    }

    var group: Cgroup? { record.group }

    /// Its first process; nil: it has ended, or there is none yet.
    borrowing func process() throws(ContainersError) -> Int32? {
        do throws(SystemError) {
            if let detached = record.detached {
                guard let status = try ProcessStatus.of(detached.process), status.startTime == detached.startTime,
                    !status.isEnded
                else { return nil }
                return detached.process
            }
        } catch { throw .state(error) }
        // The command that stays with it has not written down which it is: the oldest of the group.
        guard isAttended, let group else { return nil }
        do throws(CgroupError) {
            return try group.processes().min { (Self.began($0), $0) < (Self.began($1), $1) }
        } catch { throw .cgroup(error) }
    }

    private static func began(_ process: Int32) -> UInt64 {
        (try? ProcessStatus.of(process))??.startTime ?? .max
    }

    package borrowing func status() throws(ContainersError) -> ContainerStatus {
        guard try process() != nil else { return isAttended ? .creating : .stopped }
        do throws(SystemError) {
            if record.detached != nil, try ParkedLaunch.isWaiting(in: directory.view) { return .created }
        } catch { throw .state(error) }
        if let group, (try? group.isFrozen()) == true { return .paused }
        // With hooks that can last.
        if record.detached == nil, let first = try process(), isStage(first) { return .creating }
        return .running
    }

    /// Whether it is still being set up.
    private borrowing func isStage(_ process: Int32) -> Bool {
        let link = try? Descriptor.workingDirectory.readLink("/proc/\(process)/exe")
        return link?.hasPrefix("/memfd:\(Stage.name)") == true
    }

    /// runtime-spec, runtime.md, "State", and what runc adds to it.
    package borrowing func state() throws(ContainersError) -> JSON.Value {
        let status = try status()
        let process = try process()
        // Who stays with a container has written down where its configuration is, and nothing of it.
        let spec = record.configuration == nil ? nil : try? configuration()
        var members: [(name: String, value: JSON.Value)] = [
            ("ociVersion", .string(record.detached?.ociVersion ?? spec?.ociVersion ?? "1.3.0")), ("id", .string(name)),
            ("status", .string(status.rawValue)),
            ("pid", .integer(Int64(process ?? 0))),
            ("bundle", .string(record.detached?.bundle ?? record.bundle ?? "")),
        ]
        if let detached = record.detached {
            members.append(("rootfs", .string(detached.rootFileSystem)))
            members.append(("created", .string(detached.created)))
            members.append(("annotations", detached.annotationsValue))
        }
        if let spec {
            members.append(("annotations", .object(spec.annotations.map { ($0.name, .string($0.value)) })))
        }
        members.append(("owner", .string("")))
        return .object(members)
    }
}
