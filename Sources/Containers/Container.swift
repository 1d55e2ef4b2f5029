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

    /// Finds container `identifier` in `root`, which must outlive the value. With `changing` false it may be that another
    /// command does something with it meanwhile, as long as a start has hooks: who only looks, or sends a signal, does
    /// not wait for that.
    package static func find(
        _ identifier: ContainerIdentifier, in root: borrowing RuntimeRoot, changing: Bool = true
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
            isLocked = try lock(directory.view, waiting: changing)
            text = try directory.view.readFile(StateDirectory.recordName, limit: 1 << 20)
        } catch {
            if error.code == .ENOENT || error.code == .ENOTDIR { throw .noContainer(name) }
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

    /// Waits a moment for other commands that do something with the container. False: one stays with it.
    private static func lock(_ directory: Descriptor, waiting: Bool) throws(SystemError) -> Bool {
        let tries = 40
        for _ in 1...tries {
            if try directory.lock(exclusive: true, waiting: false) { return true }
            let text = try directory.readFile(StateDirectory.recordName, limit: 1 << 20)
            // Another life than this one has nobody who stays.
            if let json = try? JSON(parsing: text), let record = try? ContainerRecord(json), record.detached == nil {
                return false
            }
            if !waiting { return true }
            Clock.pause(5_000_000)
        }
        throw SystemError("flock", StateDirectory.recordName, .EBUSY)
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

    var group: Cgroup? {
        guard let path = record.cgroup, let layout = try? CgroupLayout.detect() else { return nil }
        return (try? CgroupPath(path)).map { Cgroup($0, in: layout) }
    }

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
        var members: [(name: String, value: JSON.Value)] = [
            ("ociVersion", .string(record.detached?.ociVersion ?? "1.0.2")), ("id", .string(name)),
            ("status", .string(status.rawValue)),
            ("pid", .integer(Int64(process ?? 0))),
            ("bundle", .string(record.detached?.bundle ?? record.bundle ?? "")),
        ]
        if let detached = record.detached {
            members.append(("rootfs", .string(detached.rootFileSystem)))
            members.append(("created", .string(detached.created)))
            members.append(("annotations", detached.annotationsValue))
        }
        members.append(("owner", .string("")))
        return .object(members)
    }
}
