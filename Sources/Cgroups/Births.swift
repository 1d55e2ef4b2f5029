internal import Linux

/// Makes a group's directories and remembers which, so that all can be undone.
final class Births {
    private let group: Cgroup
    /// Whether a directory of the group itself was made.
    private var isBorn = false
    /// Directories above, the outermost first.
    private var parents: [String] = []
    /// The group's directory in the tree where it was made first, with an exclusive flock(2): as long as it is held no
    /// other launch takes the group for one that was left over. It ends with this process, so that a crash frees it.
    private var claim: OwnedDescriptor?

    /// The group's directory in the v2 tree.
    var unifiedDirectory: Descriptor? { group.layout.unifiedMountPoint == nil ? nil : claim?.view }

    /// What the group is marked with; nil: its name tells whose it is.
    private let owner: String?

    init(_ group: Cgroup, owner: String?) {
        self.group = group
        self.owner = owner
    }

    /// Makes the group everywhere and sets it up. `begun`: see ``OwnedCgroup``.
    func makeAll(
        _ settings: CgroupSettings, begun: (String) throws(SystemError) -> Bool = { _ in false }
    ) throws(CgroupError) {
        for setting in settings.writes where setting.version == .v2 && group.layout.unifiedMountPoint == nil {
            throw .missingController(property: setting.property, setting.controller)
        }
        let first = group.layout.claimRoot
        if let first { try makeAndClaim(below: first, begun: begun) }
        if let owner, let directory = claim?.view {
            do throws(SystemError) { try CgroupMark.set(owner, on: directory) } catch { throw CgroupError(error) }
        }
        if let root = group.layout.unifiedMountPoint, let directory = unifiedDirectory {
            try ControllerSwitch(group: group, settings: settings).enable(below: root, directory)
        }
        for hierarchy in group.hierarchies {
            if hierarchy.mountPoint != first { try make(below: hierarchy.mountPoint) }
            if hierarchy.controllers.contains(.cpuset) { try inheritSets(below: hierarchy.mountPoint) }
        }
        try group.apply(settings.writes)
    }

    /// Makes the group in one more hierarchy, for a limit that comes later.
    func make(in hierarchy: CgroupLayout.Hierarchy) throws(CgroupError) {
        try make(below: hierarchy.mountPoint)
        if hierarchy.controllers.contains(.cpuset) { try inheritSets(below: hierarchy.mountPoint) }
    }

    /// Removes it there, and there alone.
    func undoLast(in hierarchy: CgroupLayout.Hierarchy) {
        do throws(SystemError) {
            try Descriptor.workingDirectory.unlink(group.directory(in: hierarchy), flags: Flags.removeDirectory)
        } catch {}
        forget()
    }

    /// Kills and removes what was made. It can't report: it runs when something else has failed already.
    func undo() {
        if isBorn {
            // Mostly it is empty, and one call is all.
            var isGone = false
            do throws(CgroupError) { isGone = try group.isRemoved(until: 0) } catch {}
            if !isGone {
                do throws(CgroupError) { try group.kill() } catch {}
                do throws(CgroupError) { try group.remove() } catch {}
            }
        }
        if group.path.isOurs {
            // Whoever ends last removes them, whoever made them.
            group.removeEmptyParents()
        } else {
            for parent in parents.reversed() {
                do throws(SystemError) {
                    try Descriptor.workingDirectory.unlink(parent, flags: Flags.removeDirectory)
                } catch {}
            }
        }
        forget()
    }

    /// Leaves all in place.
    func forget() {
        (isBorn, parents) = (false, [])
        claim = nil
    }
}

// MARK: - Directories

extension Births {
    /// Makes the group in the tree that decides whose it is, and claims it there. Who comes second finds it claimed; who
    /// finds it made and not yet claimed replaces it, and the first sees that its own is gone.
    private func makeAndClaim(
        below root: String, begun: (String) throws(SystemError) -> Bool
    ) throws(CgroupError) {
        let directory = "\(root)/\(group.path.text)"
        try make(
            below: root, begun: begun,
            replacing: { path throws(SystemError) in
                guard let leftover = try Self.claimed(path) else { return false }
                try Descriptor.workingDirectory.unlink(path, flags: Flags.removeDirectory)
                _ = consume leftover
                return true
            })
        do throws(SystemError) { claim = try Self.claimed(directory) } catch {
            isBorn = error.code != .ENOENT
            if !isBorn { throw .occupied(path: group.path.text) }
            throw CgroupError(error)
        }
        // What is there now is another's, and is left to it.
        isBorn = claim?.view != nil
        if !isBorn { throw .occupied(path: group.path.text) }
    }

    /// The directory with its lock; nil where another has that, or has put a new directory in its place.
    static func claimed(_ directory: String) throws(SystemError) -> OwnedDescriptor? {
        let opened = try Descriptor.workingDirectory.open(directory, Flags.listing)
        guard try opened.view.lock(exclusive: true, waiting: false),
            try opened.view.status().inode == Descriptor.workingDirectory.status(of: directory).inode
        else { return nil }
        return opened
    }

    /// Makes the group in one tree: one call where the groups above exist.
    private func make(
        below root: String, begun: (String) throws(SystemError) -> Bool = { _ in false },
        replacing remove: (String) throws(SystemError) -> Bool = { path throws(SystemError) in
            try Descriptor.workingDirectory.unlink(path, flags: Flags.removeDirectory)
            return true
        }
    ) throws(CgroupError) {
        let directory = "\(root)/\(group.path.text)"
        // Another launch may remove empty groups above between two of our calls.
        let tries = 100
        for attempt in 1...tries {
            do throws(SystemError) {
                let isMade = attempt == 1 ? try begun(directory) : false
                if !isMade {
                    try Descriptor.workingDirectory.makeDirectory(directory, mode: 0o755)
                }
                isBorn = true
                return
            } catch {
                switch error.code {
                case .ENOENT where attempt < tries: try makeParents(below: root)
                case .ENOENT: throw .vanished(error)
                case .EEXIST where attempt < tries: try removeLeftover(directory, with: remove)
                case .EEXIST: throw .occupied(path: group.path.text)
                default: throw CgroupError(error)
                }
            }
        }
    }

    private func makeParents(below root: String) throws(CgroupError) {
        for parent in group.path.ancestors {
            let directory = "\(root)/\(parent.text)"
            do throws(SystemError) {
                try Descriptor.workingDirectory.makeDirectory(directory, mode: 0o755)
                if !parents.contains(directory) { parents.append(directory) }
            } catch {
                if error.code == .ENOENT { return }
                if error.code != .EEXIST { throw CgroupError(error) }
            }
        }
    }

    /// Removes a group of that name with its old limits, if nothing runs in it.
    private func removeLeftover(
        _ directory: String, with remove: (String) throws(SystemError) -> Bool
    ) throws(CgroupError) {
        do throws(SystemError) {
            if try !remove(directory) { throw SystemError("flock", directory, .EBUSY) }
        } catch {
            if error.code == .ENOENT { return }
            if error.code == .EBUSY || error.code == .ENOTEMPTY { throw .occupied(path: group.path.text) }
            throw CgroupError(error)
        }
    }

    /// On v1 a new cpuset is empty and takes no process: gives each group on the way what the one above it has.
    private func inheritSets(below root: String) throws(CgroupError) {
        var above = root
        for path in group.path.ancestors + [group.path] {
            let here = "\(root)/\(path.text)"
            for file in ["cpuset.cpus", "cpuset.mems"] where try CgroupFile.read("\(here)/\(file)").count <= 1 {
                let inherited = try CgroupFile.read("\(above)/\(file)")
                do throws(SystemError) { try CgroupFile.write("\(here)/\(file)", inherited) } catch {
                    throw CgroupError(error, property: "cpu")
                }
            }
            above = here
        }
    }
}

// MARK: - Devices

extension Births {
    /// Limits the devices that the group's processes may use: v1's controller, else a program on the v2 directory.
    func restrictDevices(_ rules: [DeviceRule]) throws(CgroupError) {
        if let place = group.place(of: .devices), place.version == .v1 {
            let list = try DeviceList(rules)
            do throws(SystemError) { try write(list, place.directory) } catch {
                throw CgroupError(error, property: "devices")
            }
        } else if let unified = unifiedDirectory {
            do throws(SystemError) {
                let filter = try DeviceFilter(loading: DeviceProgram.instructions(for: rules))
                try filter.attach(to: unified)
            } catch { throw CgroupError(error, property: "devices") }
        } else {
            throw .missingController(property: "devices", .devices)
        }
    }

    /// One write(2) a line, as the kernel wants it, through a descriptor that stays open.
    private func write(_ list: DeviceList, _ directory: String) throws(SystemError) {
        let allow = try Descriptor.workingDirectory.open("\(directory)/devices.allow", Flags.write)
        let deny = try Descriptor.workingDirectory.open("\(directory)/devices.deny", Flags.write)
        for (isAllow, text) in list.writes {
            do throws(SystemError) { try (isAllow ? allow.view : deny.view).write(text) } catch {
                let file = isAllow ? "devices.allow" : "devices.deny"
                throw SystemError(error.call, "\(directory)/\(file)", detail: "'\(text)'", error.code)
            }
        }
    }
}
