internal import Linux

/// Makes a group's directories and remembers which, so that all can be undone.
final class Births {
    private let group: Cgroup
    /// Whether a directory of the group itself was made.
    private var isBorn = false
    /// Directories above, the outermost first.
    private var parents: [String] = []

    init(_ group: Cgroup) { self.group = group }

    /// Makes the group everywhere and sets it up; returns its directory in the v2 tree.
    func makeAll(_ settings: CgroupSettings) throws(CgroupError) -> OwnedDescriptor? {
        for setting in settings.writes where setting.version == .v2 && group.layout.unifiedMountPoint == nil {
            throw .missingController(property: setting.property, setting.controller)
        }
        var unified: OwnedDescriptor?
        if let root = group.layout.unifiedMountPoint, let directory = group.unifiedDirectory {
            try make(below: root)
            do throws(SystemError) {
                unified = try Descriptor.workingDirectory.open(directory, Flags.directory)
            } catch { throw CgroupError(error) }
            try ControllerSwitch(group: group, settings: settings).enable(below: root, directory)
        }
        for hierarchy in group.hierarchies {
            try make(below: hierarchy.mountPoint)
            if hierarchy.controllers.contains(.cpuset) { try inheritSets(below: hierarchy.mountPoint) }
        }
        try group.apply(settings.writes)
        if !settings.devices.isEmpty { try restrictDevices(settings.devices, unified?.view) }
        return unified
    }

    /// Kills and removes what was made. It can't report: it runs when something else has failed already.
    func undo() {
        if isBorn {
            var isEmpty = false
            do throws(CgroupError) { isEmpty = try group.processes().isEmpty } catch {}
            if !isEmpty { do throws(CgroupError) { try group.kill() } catch {} }
            do throws(CgroupError) { try group.remove() } catch {}
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
    func forget() { (isBorn, parents) = (false, []) }
}

// MARK: - Directories

extension Births {
    /// Makes the group in one tree: one call where the groups above exist.
    private func make(below root: String) throws(CgroupError) {
        let directory = "\(root)/\(group.path.text)"
        // Another launch may remove empty groups above between two of our calls.
        let tries = 100
        for attempt in 1...tries {
            do throws(SystemError) {
                try Descriptor.workingDirectory.makeDirectory(directory, mode: 0o755)
                isBorn = true
                return
            } catch {
                switch error.code {
                case .ENOENT where attempt < tries: try makeParents(below: root)
                case .ENOENT: throw .vanished(error)
                case .EEXIST: try removeLeftover(directory)
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
    private func removeLeftover(_ directory: String) throws(CgroupError) {
        do throws(SystemError) {
            try Descriptor.workingDirectory.unlink(directory, flags: Flags.removeDirectory)
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
    private func restrictDevices(_ rules: [DeviceRule], _ unified: Descriptor?) throws(CgroupError) {
        if let place = group.place(of: .devices), place.version == .v1 {
            let list = try DeviceList(rules)
            do throws(SystemError) { try write(list, place.directory) } catch {
                throw CgroupError(error, property: "devices")
            }
        } else if let unified {
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
