internal import Linux
package import OCI

extension Cgroup {
    /// Changes limits of a group that runs to those of `resources`; what it does not name stays. The device rules are not
    /// touched: engines send them along, and nobody changes them on an update.
    package func update(_ resources: LinuxResources) throws(CgroupError) {
        var resources = resources
        resources.devices = []
        // The sum of memory and swap is checked against the memory, and v2 limits the difference.
        if resources.memory.swap ?? 0 > 0, resources.memory.limit ?? 0 == 0 {
            resources.memory.limit = try memoryLimit() ?? -1
        }
        // v1 keeps memory below the sum of memory and swap: without a limit of the one there is none of the other.
        if resources.memory.limit ?? 0 < 0, resources.memory.swap == nil, try limitsSwapOnV1() {
            resources.memory.swap = -1
        }
        try update(CgroupSettings(resources, legacy: layout.legacyControllers))
    }

    /// Changes limits of a group that runs. Device rules can't be changed and are refused.
    package func update(_ settings: CgroupSettings) throws(CgroupError) {
        guard settings.devices.isEmpty else {
            throw .unsupported(property: "devices", reason: "the rules of a running container can't be changed")
        }
        if let least = settings.leastMemory, let used = try statistics().memoryCurrent, used > least {
            throw .memoryInUse(limit: least, used: used)
        }
        for setting in settings.writes where setting.version == .v1 { try extend(to: setting.controller) }
        if let root = layout.unifiedMountPoint, let directory = unifiedDirectory {
            let opened: OwnedDescriptor
            do throws(SystemError) { opened = try Descriptor.workingDirectory.open(directory, Flags.listing) } catch {
                throw CgroupError(error)
            }
            try ControllerSwitch(group: self, settings: settings).enable(below: root, opened.view)
        }
        try apply(settings.writes)
    }

    /// Makes the group in the v1 hierarchy of `controller`, where no limit has needed it so far, and moves its processes
    /// there.
    private func extend(to controller: CgroupControllers) throws(CgroupError) {
        guard let hierarchy = hierarchies.first(where: { $0.controllers.isSuperset(of: controller) }) else { return }
        let directory = directory(in: hierarchy)
        do throws(SystemError) {
            if try Descriptor.workingDirectory.exists(directory) { return }
        } catch { throw CgroupError(error) }
        let births = Births(self, owner: nil)
        do throws(CgroupError) {
            try births.make(in: hierarchy)
            for process in try processes() {
                do throws(SystemError) { try CgroupFile.write("\(directory)/cgroup.procs", "\(process)") } catch {
                    // It has ended meanwhile.
                    if error.code != .ESRCH { throw CgroupError(error) }
                }
            }
        } catch {
            births.undoLast(in: hierarchy)
            throw error
        }
        births.forget()
    }

    /// The most bytes that it may have; nil: as many as there are, or nothing tells.
    package func memoryLimit() throws(CgroupError) -> Int64? {
        guard let memory = place(of: .memory) else { return nil }
        let file = memory.version == .v1 ? "memory.limit_in_bytes" : "memory.max"
        guard let text = try CgroupFile.readIfPresent("\(memory.directory)/\(file)"),
            let limit = Int64(text.prefix { $0 != "\n" })
        else { return nil }
        // v1 says "no limit" with the greatest number of pages.
        return limit < Int64.max - (1 << 20) ? limit : nil
    }

    private func limitsSwapOnV1() throws(CgroupError) -> Bool {
        guard let memory = place(of: .memory), memory.version == .v1 else { return false }
        do throws(SystemError) {
            return try Descriptor.workingDirectory.exists("\(memory.directory)/memory.memsw.limit_in_bytes")
        } catch { throw CgroupError(error) }
    }
}
