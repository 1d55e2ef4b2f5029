internal import Linux

/// Enables controllers for a new group of the v2 tree: each group above must pass them on (`cgroup.subtree_control`).
struct ControllerSwitch {
    /// What a limit needs.
    private let required: CgroupControllers
    /// That, and what is only counted.
    private let wanted: CgroupControllers
    private let settings: CgroupSettings
    private let path: CgroupPath

    init(group: Cgroup, settings: CgroupSettings) {
        let legacy = group.layout.legacyControllers
        required = settings.writes.reduce(into: []) { if $1.version == .v2 { $0.formUnion($1.controller) } }
        wanted = required.union(CgroupControllers.alwaysEnabled.subtracting(legacy))
        self.settings = settings
        path = group.path
    }

    /// Enables them from the tree's root down to the group above `directory`. Where that is done already, as with every
    /// launch but the first, it costs reading one file.
    func enable(below root: String, _ directory: Descriptor) throws(CgroupError) {
        if wanted.isEmpty { return }
        let present: String
        do throws(SystemError) { present = try CgroupFile.readRaw("cgroup.controllers", in: directory) } catch {
            throw CgroupError(error)
        }
        let has = CgroupControllers(listing: present)
        if has.isSuperset(of: wanted) { return }
        let offered = CgroupControllers(listing: try CgroupFile.read("\(root)/cgroup.controllers"))
        if let setting = settings.writes.first(where: { $0.version == .v2 && !offered.isSuperset(of: $0.controller) }) {
            throw .missingController(property: setting.property, setting.controller)
        }
        let missing = wanted.intersection(offered).subtracting(has)
        if missing.isEmpty { return }
        for above in [root] + path.ancestors.map({ "\(root)/\($0.text)" }) { try enable(missing, in: above) }
    }

    private func enable(_ controllers: CgroupControllers, in directory: String) throws(CgroupError) {
        let file = "\(directory)/cgroup.subtree_control"
        do throws(SystemError) {
            return try CgroupFile.write(file, controllers.names.map { "+\($0)" }.joined(separator: " "))
        } catch {
            // One by one, so that one that can't be had hinders only the limits that need it.
            if error.code == .EROFS || error.code == .EACCES, !required.isEmpty { throw CgroupError(error) }
        }
        for (controller, name) in CgroupControllers.table where controllers.contains(controller) {
            do throws(SystemError) { try CgroupFile.write(file, "+\(name)") } catch {
                if required.contains(controller) { throw Self.reason(error) }
            }
        }
    }

    private static func reason(_ error: SystemError) -> CgroupError {
        error.code == .EBUSY ? .processesAbove(error) : CgroupError(error)
    }
}
