internal import Linux

/// Where the host has its cgroup trees: v2 alone (unified), v1 alone (legacy), or v1 for limits and a v2 tree beside
/// them for placement, freezing and killing (hybrid).
package struct CgroupLayout: Hashable, Sendable {
    /// One v1 hierarchy: controllers mounted together.
    package struct Hierarchy: Hashable, Sendable {
        package let mountPoint: String
        package let controllers: CgroupControllers
    }

    /// The three ways in which hosts are set up.
    package enum Kind: Sendable { case unified, legacy, hybrid }

    /// The mount point of the v2 tree.
    package let unifiedMountPoint: String?
    /// The v1 hierarchies, without those that are only named (`name=systemd`).
    package let hierarchies: [Hierarchy]

    init(unifiedMountPoint: String?, hierarchies: [Hierarchy]) {
        self.unifiedMountPoint = unifiedMountPoint
        self.hierarchies = hierarchies
    }

    package var kind: Kind {
        if hierarchies.isEmpty { return .unified }
        return unifiedMountPoint == nil ? .legacy : .hybrid
    }

    /// The v1 controllers that are mounted.
    package var legacyControllers: CgroupControllers { hierarchies.reduce(into: []) { $0.formUnion($1.controllers) } }

    /// Where it is decided who makes a group: the same tree for every launch on this host, whatever its limits.
    var claimRoot: String? {
        unifiedMountPoint
            ?? hierarchies.first { !$0.controllers.isDisjoint(with: .alwaysJoined.union(.freezer)) }?.mountPoint
    }

    /// The controllers that limits can be set with: v1's, and what the v2 tree's root offers.
    package func availableControllers() throws(CgroupError) -> CgroupControllers {
        guard let unifiedMountPoint else { return legacyControllers }
        let offered = try CgroupFile.read("\(unifiedMountPoint)/cgroup.controllers")
        return legacyControllers.union(CgroupControllers(listing: offered))
    }
}

// MARK: - Finding it

extension CgroupLayout {
    /// Finds the trees of this host. A v2 host costs one statfs(2). A v1 or hybrid host costs reading
    /// /proc/self/cgroup, which says what is mounted together, and a statfs(2) for each place where it should be; only
    /// where one of those is not as usual is mountinfo read, which can be long on a busy host.
    package static func detect() throws(CgroupError) -> CgroupLayout {
        let root = "/sys/fs/cgroup"
        if try isMounted(.cgroup2, root) { return CgroupLayout(unifiedMountPoint: root, hierarchies: []) }
        let own = try readProc("/proc/self/cgroup")
        if let usual = try CgroupLayout(ownGroups: own, below: root, isMounted: isMounted) { return usual }
        return try CgroupLayout(mountinfo: try readProc("/proc/self/mountinfo"))
    }

    /// Takes the hierarchies of `ownGroups` (the text of /proc/self/cgroup) from their usual places; nil where one is
    /// not there, or there is none.
    init?(
        ownGroups: String, below root: String, isMounted: (FileSystemKind, String) throws(CgroupError) -> Bool
    ) throws(CgroupError) {
        var hierarchies: [Hierarchy] = []
        for line in ownGroups.split(separator: "\n") {
            // number:controllers:path
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            let controllers = CgroupControllers(listing: fields[1])
            guard !controllers.isEmpty, let first = fields[1].split(separator: ",").first else { continue }
            // Where several share a mount, each one's own name is a link to it.
            let mountPoint = "\(root)/\(first)"
            guard try isMounted(.cgroup, mountPoint) else { return nil }
            hierarchies.append(Hierarchy(mountPoint: mountPoint, controllers: controllers))
        }
        if hierarchies.isEmpty { return nil }
        let unified = "\(root)/unified"
        self.init(unifiedMountPoint: try isMounted(.cgroup2, unified) ? unified : nil, hierarchies: hierarchies)
    }

    /// Takes the trees from a mountinfo text, proc_pid_mountinfo(5). Of several mounts of one tree the first counts.
    package init(mountinfo: String) throws(CgroupError) {
        var unified: String?
        var hierarchies: [Hierarchy] = []
        var seen: CgroupControllers = []
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, dash + 3 < fields.count else { continue }
            let mountPoint = Self.unescaped(fields[4])
            if fields[dash + 1] == "cgroup2", unified == nil { unified = mountPoint }
            if fields[dash + 1] == "cgroup" {
                let controllers = CgroupControllers(listing: fields[dash + 3])
                guard !controllers.isEmpty, seen.isDisjoint(with: controllers) else { continue }
                seen.formUnion(controllers)
                hierarchies.append(Hierarchy(mountPoint: mountPoint, controllers: controllers))
            }
        }
        if unified == nil && hierarchies.isEmpty { throw .notMounted }
        self.init(unifiedMountPoint: unified, hierarchies: hierarchies)
    }

    /// Turns `\040` and its like, which the kernel writes for space, tab, newline and backslash, into what they mean.
    private static func unescaped(_ field: Substring) -> String {
        guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
        let bytes = Array(field.utf8)
        var plain: [UInt8] = []
        var at = 0
        while at < bytes.count {
            let digits = bytes[min(at + 1, bytes.count)..<min(at + 4, bytes.count)]
            if bytes[at] == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }) {
                plain.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1 - 48) }))
                at += 4
            } else {
                plain.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// A tree that can't be asked about is no missing one: who took it for that would leave groups in it.
    private static func isMounted(_ kind: FileSystemKind, _ path: String) throws(CgroupError) -> Bool {
        do throws(SystemError) { return try FileSystemKind(of: path) == kind } catch {
            if error.code == .ENOENT || error.code == .ENOTDIR { return false }
            throw .unreadableLayout(error)
        }
    }

    private static func readProc(_ path: String) throws(CgroupError) -> String {
        do throws(SystemError) {
            return String(decoding: try Descriptor.workingDirectory.readFile(path, limit: 16 << 20), as: UTF8.self)
        } catch { throw .unreadableLayout(error) }
    }
}
