internal import Cgroups
internal import Glibc
internal import Launching
internal import Linux
package import OCI
internal import Planning

/// A container's directory below the root: made before anything else of it, and removed last. It is locked (flock(2))
/// as long as this value lives, so that others can tell a living container from one whose runtime was killed; the
/// record in it tells them what that one has left. Dropped, the directory goes, unless something is still there that
/// the record tells of: that is ``Repair``'s then.
package struct StateDirectory: ~Copyable {
    static let recordName = "record"
    /// The largest that is read, in bytes: of what a configuration may have, more than a record can hold.
    static let recordLimit = 8 * Bundle.limit

    private let root: RuntimeRoot.View
    private let name: String
    private let directory: OwnedDescriptor
    private let record: ContainerRecord
    private var isKept = false
    /// The container's group, from when it may have been made.
    var group: Cgroup?
    /// What makes the first of it meanwhile. It may hold the lock a moment longer than this process, so that a repair waits
    /// for what it still makes.
    var helper: LaunchHelper?

    /// Makes the directory of `identifier`, which must not exist, and puts `record` into it. `root` must outlive it.
    package static func make(
        _ identifier: ContainerIdentifier, _ record: ContainerRecord, in root: borrowing RuntimeRoot
    ) throws(ContainersError) -> StateDirectory {
        let made: OwnedDescriptor
        do throws(SystemError) {
            made = try make(identifier.text, record, in: root.directory.view)
        } catch {
            if error.code == .EEXIST { throw .identifierInUse(identifier.text, root: root.path) }
            throw .state(error)
        }
        return StateDirectory(root: root.view, name: identifier.text, directory: made, record: record)
    }

    /// Apart from what throws: Swift 6.0 can't compile an initializer of a type like this one that may.
    private init(root: RuntimeRoot.View, name: String, directory: consuming OwnedDescriptor, record: ContainerRecord) {
        self.root = root
        self.name = name
        self.directory = directory
        self.record = record
        group = nil
        helper = nil
    }

    /// Begins what takes longest, for a container with these namespaces and the group of its record: it needs nothing of
    /// what comes before the launch. Nothing is left of it if no launch follows.
    package mutating func begin(_ namespaces: [LinuxSpec.Namespace], _ phases: inout LaunchPhases) {
        guard Planner.makesNetworkBeside(namespaces, processors: Processors.count) else { return }
        let group = record.group
        helper = LaunchHelper.early(directory: group?.claimDirectory.map { ($0, group?.claimParent) })
        phases.end("begin cgroup and network namespace")
    }

    /// A repair may come between any two steps, take the directory for one whose maker died at once, and remove it: then
    /// it is made again. Nothing can be made in a directory that is gone, so that the record's ENOENT tells.
    private static func make(_ name: String, _ record: ContainerRecord, in root: Descriptor) throws(SystemError)
        -> OwnedDescriptor
    {
        let tries = 100
        for _ in 1...tries {
            try root.makeDirectory(name, mode: 0o700)
            do throws(SystemError) {
                let directory = try root.open(name, O_RDONLY | O_DIRECTORY)
                try lock(directory.view)
                let file = try directory.view.open(recordName, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                try file.view.write(record.json.bytes())
                return directory
            } catch {
                if error.code == .ENOENT { continue }
                // EEXIST: another command's container of this name, made after a repair had removed our directory.
                if error.code != .EEXIST, let made = try? root.open(name, O_RDONLY | O_DIRECTORY) {
                    try? remove(name, made.view, in: root)
                }
                throw error
            }
        }
        throw SystemError("mkdirat", name, .EEXIST)
    }

    /// Whoever else has the lock of a new directory is a repair, for a moment, or a command that was faster.
    private static func lock(_ directory: Descriptor) throws(SystemError) {
        let tries = 100
        for _ in 1...tries {
            if try directory.lock(exclusive: true, waiting: false) { return }
            Clock.pause(100_000)
        }
        throw SystemError("flock", recordName, .EEXIST)
    }

    /// For what else the container keeps here.
    var view: Descriptor { directory.view }

    /// The container goes on without this value: its record says so from now on, and the directory stays.
    mutating func leave(_ detached: ContainerRecord.Detached) throws(SystemError) {
        try directory.view.replaceFile(StateDirectory.recordName, with: record.detached(detached).json.bytes())
        isKept = true
    }

    // No early return: Swift 6.0's compiler fails on one here.
    deinit { if !isKept { undo() } }

    private borrowing func undo() {
        do throws(ContainersError) {
            let isBegun = helper?.end() == true
            // What is others' stays theirs: a launch that was refused their group has nothing in it.
            let isLeft = try isBegun ? true : !isAlone()
            if isLeft { _ = try record.removeAll(of: name, in: root) }
            do throws(SystemError) { try StateDirectory.remove(name, directory.view, in: root.directory) } catch {
                throw .state(error)
            }
        } catch {
            // The lock goes with this value: the next command's repair tries again, and says why it can't.
        }
    }

    /// Whether nothing that the record tells of is there any more.
    private borrowing func isAlone() throws(ContainersError) -> Bool {
        do throws(SystemError) {
            if try group?.isPresent() == true { return false }
            for path in record.directories where try Descriptor.workingDirectory.exists(path) { return false }
            return true
        } catch { throw .state(error) }
    }

    /// Whether a file of this name is one that a container has here.
    static func isOwn(_ name: [CChar]) -> Bool {
        let text = Descriptor.text(ofEntry: name)
        return ownNames.contains(text) || ownNames.contains { text.hasPrefix("\($0).") && Descriptor.isDraft(text) }
    }

    /// What ``ParkedLaunch`` has to say to who starts the container.
    static let launchName = "launch"
    /// The configuration, as it was at the creation.
    static let configurationName = "config"
    private static let ownNames = [
        recordName, launchName, configurationName, ParkedLaunch.Place.fifoName, ParkedLaunch.Place.planName,
    ]

    /// Removes the directory of container `name`, whose lock the caller holds through `directory`.
    static func remove(_ name: String, _ directory: Descriptor, in root: Descriptor) throws(SystemError) {
        do throws(SystemError) { try directory.unlink(recordName) } catch  where error.code == .ENOENT {}
        do throws(SystemError) { try root.unlink(name, flags: AT_REMOVEDIR) } catch {
            guard error.code == .ENOTEMPTY || error.code == .EEXIST else { throw error }
            // A detached container has more.
            try root.removeTree(name)
        }
    }
}
