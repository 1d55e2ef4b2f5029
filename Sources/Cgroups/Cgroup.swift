internal import Linux

/// A group, by its place in the host's trees: the same path in each of them. It is a name and owns nothing;
/// ``OwnedCgroup`` is one that goes when it is dropped. Calls are cheap in system calls: a path from the mount point
/// each, no open directories.
package struct Cgroup: Hashable, Sendable {
    package let layout: CgroupLayout
    package let path: CgroupPath
    /// The v1 hierarchies in which it has, or may have, a directory.
    let hierarchies: [CgroupLayout.Hierarchy]

    /// Names a group that another process made; which v1 hierarchies have it is seen when they are used.
    package init(_ path: CgroupPath, in layout: CgroupLayout) {
        self.init(path, in: layout, hierarchies: layout.hierarchies)
    }

    init(_ path: CgroupPath, in layout: CgroupLayout, hierarchies: [CgroupLayout.Hierarchy]) {
        (self.path, self.layout, self.hierarchies) = (path, layout, hierarchies)
    }

    /// Its directory in the v2 tree: what a cgroup namespace, or a user, is shown.
    package var unifiedDirectory: String? { layout.unifiedMountPoint.map { "\($0)/\(path.text)" } }

    /// Its directory in the tree that decides whose it is; nil: the host has none.
    package var claimDirectory: String? { layout.claimRoot.map { "\($0)/\(path.text)" } }

    /// The one above, where whoever makes the group may make that, for whoever ends last removes it.
    package var claimParent: String? {
        guard path.isOurs, let root = layout.claimRoot, let parent = path.parent else { return nil }
        return "\(root)/\(parent.text)"
    }

    /// Its directories in all trees, v2's first.
    var directories: [String] {
        (unifiedDirectory.map { [$0] } ?? []) + hierarchies.map { directory(in: $0) }
    }

    func directory(in hierarchy: CgroupLayout.Hierarchy) -> String { "\(hierarchy.mountPoint)/\(path.text)" }

    /// Its directory in the v1 hierarchy of the controllers that are named as v1 names them, or with none in the v2 tree.
    package func directory(of controllers: [String]) -> String? {
        guard let first = controllers.first else { return unifiedDirectory }
        let wanted = CgroupControllers(named: first)
        return hierarchies.first { $0.controllers.isSuperset(of: wanted) && !wanted.isEmpty }.map { directory(in: $0) }
    }

    /// A directory and the version of the files in it.
    struct Place {
        let directory: String
        let version: CgroupVersion
    }

    /// Where a controller's files are; v2 has those that v1 does not.
    func place(of controller: CgroupControllers) -> Place? {
        if let one = hierarchies.first(where: { $0.controllers.isSuperset(of: controller) && !controller.isEmpty }) {
            return Place(directory: directory(in: one), version: .v1)
        }
        return unifiedDirectory.map { Place(directory: $0, version: .v2) }
    }
}

// MARK: - Members

extension Cgroup {
    /// Moves process `pid` into the group. On v1 into each of its hierarchies, where the first move after a pause can
    /// take milliseconds: the kernel waits for RCU. Into the v2 tree only if `unified`: a child that was born there
    /// (`CLONE_INTO_CGROUP`) needs no move.
    package func join(_ pid: Int32, unified: Bool) throws(CgroupError) {
        let text = "\(pid)"
        if unified, let directory = unifiedDirectory {
            do throws(SystemError) { try CgroupFile.write("\(directory)/cgroup.procs", text) } catch {
                throw CgroupError(error)
            }
        }
        for hierarchy in hierarchies {
            do throws(SystemError) { try CgroupFile.write("\(directory(in: hierarchy))/cgroup.procs", text) } catch {
                // A hierarchy that no limit needed has no such group.
                let isNeeded = !hierarchy.controllers.isDisjoint(with: .alwaysJoined)
                if error.code == .ENOENT && !isNeeded { continue }
                throw CgroupError(error)
            }
        }
    }

    /// The processes in the group and in those that were made below it; none where the group is gone. Zombies are not
    /// among them.
    package func processes() throws(CgroupError) -> [Int32] {
        // The tree that decides whose the group is: another may be one that it was never put into.
        guard let root = layout.claimRoot else { return [] }
        do throws(SystemError) { return try CgroupTree.processes(below: "\(root)/\(path.text)") } catch {
            throw CgroupError(error)
        }
    }
}

// MARK: - Limits

extension Cgroup {
    /// Writes all, and then once more what was refused: a value may be valid only together with one that comes later
    /// (v1's memory.limit_in_bytes must not pass memory.memsw.limit_in_bytes, a period not its quota), and which order
    /// is right depends on whether limits rise or fall.
    func apply(_ settings: [CgroupSetting]) throws(CgroupError) {
        var refused: [CgroupSetting] = []
        for setting in settings {
            do throws(CgroupError) { try write(setting) } catch {
                guard case .rejectedValue(_, let inner) = error, inner.code == .EINVAL, settings.count > 1 else {
                    throw error
                }
                refused.append(setting)
            }
        }
        for setting in refused { try write(setting) }
    }

    private func write(_ setting: CgroupSetting) throws(CgroupError) {
        let place = setting.version == .v2 ? unifiedDirectory : place(of: setting.controller)?.directory
        guard let place else { throw .missingController(property: setting.property, setting.controller) }
        do throws(SystemError) { try CgroupFile.write("\(place)/\(setting.file)", setting.value) } catch {
            if error.code == .ENOENT {
                if setting.version == .v2, try writeLater(setting, in: place) { return }
                if setting.otherwise != .failure { return try writeOther(setting, in: place) }
            }
            throw CgroupError(error, property: setting.property)
        }
        if setting.isReadBack { try verify(setting, in: place) }
    }

    /// The same once more, when whoever enables controllers is through: a controller is named in `cgroup.controllers` a moment
    /// before its files are there (cgroup_subtree_control_write() in kernel/cgroup/cgroup.c), as when two are the first to launch
    /// something on a host. False: the file is not there.
    private func writeLater(_ setting: CgroupSetting, in place: String) throws(CgroupError) -> Bool {
        // Changes nothing, and has its turn behind what is being changed.
        do throws(SystemError) { try CgroupFile.write("\(place)/cgroup.subtree_control", "\n") } catch { return false }
        do throws(SystemError) { try CgroupFile.write("\(place)/\(setting.file)", setting.value) } catch {
            if error.code == .ENOENT { return false }
            throw CgroupError(error, property: setting.property)
        }
        return true
    }

    /// Refuses a limit in bytes that the kernel has taken and not set.
    private func verify(_ setting: CgroupSetting, in place: String) throws(CgroupError) {
        let text = try CgroupFile.read("\(place)/\(setting.file)")
        guard let wanted = UInt64(setting.value), let now = UInt64(text.prefix { $0 != "\n" }), now > wanted else {
            return
        }
        throw .unsupported(property: setting.property, reason: "this kernel takes the value and limits nothing")
    }

    private func writeOther(_ setting: CgroupSetting, in place: String) throws(CgroupError) {
        guard case .write(let file, let value) = setting.otherwise else { return }
        do throws(SystemError) { try CgroupFile.write("\(place)/\(file)", value) } catch {
            throw CgroupError(error, property: setting.property)
        }
    }
}
