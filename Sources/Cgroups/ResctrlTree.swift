internal import Glibc
package import Linux

/// The kernel's resctrl file system: classes of service for caches and memory bandwidth. config-linux.md, "IntelRdt".
package struct ResctrlTree: Hashable, Sendable {
    package let mountPoint: String
    /// With which its files are opened; the kernel makes them with their directory.
    private let writing: Int32

    package static let standardMountPoint = "/sys/fs/resctrl"

    /// The host's. ENOENT, ENODEV: it has none.
    package static func detect() throws(SystemError) -> ResctrlTree {
        let magic = FileSystemKind(rawValue: 0x0765_5821)
        guard try FileSystemKind(of: standardMountPoint) == magic else {
            throw SystemError("statfs", standardMountPoint, detail: "no resctrl is mounted", .ENODEV)
        }
        return ResctrlTree(mountPoint: standardMountPoint)
    }

    /// One that is mounted elsewhere; `flags` are further ones of open(2), for a directory that is no file system.
    init(mountPoint: String, flags: Int32 = 0) {
        self.mountPoint = mountPoint
        writing = O_WRONLY | flags
    }

    /// A class, and a group in it to count in.
    package struct Group: Hashable, Sendable {
        /// Of the class; empty: the default one.
        package var name: String
        /// Made for one container, and removed with it.
        package var isOwn: Bool
        package var schemata: [String]
        package var monitor: String?

        package init(name: String, isOwn: Bool, schemata: [String], monitor: String?) {
            self.name = name
            self.isOwn = isOwn
            self.schemata = schemata
            self.monitor = monitor
        }

        /// What goes with the container, below the mount point; what lies in another comes first.
        package var ownDirectories: [String] {
            let prefix = name.isEmpty ? "" : name + "/"
            return (monitor.map { [prefix + "mon_groups/" + $0] } ?? []) + (isOwn ? [name] : [])
        }
    }

    private func directory(_ group: Group) -> String { group.name.isEmpty ? mountPoint : mountPoint + "/" + group.name }

    private func monitorDirectory(_ group: Group) -> String? {
        group.monitor.map { directory(group) + "/mon_groups/" + $0 }
    }
}

// MARK: - Making and removing

extension ResctrlTree {
    /// Makes what is missing of `group`, and checks what is there: a class that others may use is not changed. On an
    /// error nothing is left of it.
    package func make(_ group: Group) throws(SystemError) {
        let isNew = try makeClass(group)
        do throws(SystemError) {
            if isNew {
                for line in group.schemata { try write("schemata", line + "\n", in: directory(group)) }
            } else if !group.schemata.isEmpty {
                try compare(group)
            }
            if let monitor = monitorDirectory(group) {
                try Descriptor.workingDirectory.makeDirectory(monitor, mode: 0o755)
            }
        } catch {
            if isNew { try? Descriptor.workingDirectory.unlink(directory(group), flags: Flags.removeDirectory) }
            throw error
        }
    }

    /// Whether it was not there.
    private func makeClass(_ group: Group) throws(SystemError) -> Bool {
        if group.name.isEmpty { return false }
        if !group.isOwn && group.schemata.isEmpty {
            _ = try Descriptor.workingDirectory.status(of: directory(group))
            return false
        }
        do throws(SystemError) { try Descriptor.workingDirectory.makeDirectory(directory(group), mode: 0o755) } catch {
            if error.code == .EEXIST, !group.isOwn { return false }
            throw error
        }
        return true
    }

    /// Puts process `process` into `group`; what it starts is in it too.
    package func join(_ group: Group, _ process: Int32) throws(SystemError) {
        try write("tasks", "\(process)", in: directory(group))
        if let monitor = monitorDirectory(group) { try write("tasks", "\(process)", in: monitor) }
    }

    /// Removes what was made for one container: directories as ``Group/ownDirectories`` has them. What is not there is
    /// removed already.
    package func remove(_ directories: [String]) throws(SystemError) {
        for name in directories {
            do throws(SystemError) {
                try Descriptor.workingDirectory.unlink("\(mountPoint)/\(name)", flags: Flags.removeDirectory)
            } catch {
                if error.code != .ENOENT && error.code != .ENOTDIR { throw error }
            }
        }
    }

    private func write(_ name: String, _ text: String, in directory: String) throws(SystemError) {
        let path = directory + "/" + name
        let file = try Descriptor.workingDirectory.open(path, writing, mode: 0o644)
        do throws(SystemError) { try file.view.write(text) } catch {
            throw SystemError(error.call, path, detail: "'\(text.split(separator: "\n").first ?? "")'", error.code)
        }
    }
}

// MARK: - Schemata

extension ResctrlTree {
    /// A class that is there must be as the container wants it.
    private func compare(_ group: Group) throws(SystemError) {
        let path = directory(group) + "/schemata"
        let present = try CgroupFile.readRaw(path)
        for line in group.schemata {
            guard !ResctrlTree.holds(line, in: present) else { continue }
            throw SystemError("read", path, detail: "the class is there, and not with '\(line)',", .EEXIST)
        }
    }

    /// Whether the text of a schemata file says the same as `line`, for each domain that the line names. The kernel pads
    /// with blanks and zeroes.
    static func holds(_ line: String, in schemata: String) -> Bool {
        guard let wanted = Row(line[...]) else { return false }
        for present in schemata.split(separator: "\n") {
            guard let row = Row(present), row.resource == wanted.resource else { continue }
            return wanted.values.allSatisfy { domain in
                row.values.contains { $0.domain == domain.domain && $0.value == domain.value }
            }
        }
        return false
    }

    /// `L3:0=7ff;1=1f`
    private struct Row {
        let resource: Substring
        let values: [(domain: Int, value: UInt64)]

        init?(_ line: Substring) {
            let text = line.drop { $0 == " " }
            guard let colon = text.firstIndex(of: ":") else { return nil }
            resource = text[..<colon]
            let radix = resource.hasPrefix("MB") || resource.hasPrefix("SMBA") ? 10 : 16
            var values: [(domain: Int, value: UInt64)] = []
            for part in text[text.index(after: colon)...].split(separator: ";") {
                let ends = part.split(separator: "=", maxSplits: 1)
                guard ends.count == 2, let domain = Int(ends[0].filter { $0 != " " }),
                    let value = UInt64(ends[1].filter { $0 != " " }, radix: radix)
                else { return nil }
                values.append((domain, value))
            }
            self.values = values
        }
    }
}
