package import OCI

/// A piece of the host's tree for a bind mount that is more than a clone of what a path leads to.
package struct SpecialSource: Hashable, Sendable {
    package var path: String
    package var recursive: Bool
    package var link: Link
    package var owners: OwnerMap?

    /// What a symbolic link at the end of `path` is.
    package enum Link: Hashable, Sendable {
        /// What it leads to is mounted.
        case followed
        /// `src-nofollow`: it is mounted itself.
        case mounted
        /// `copy-symlink`: it is made again at the target.
        case copied
    }

    /// Whom the files belong to in the mount: mount_setattr(2), "ID-mapped mounts".
    package enum OwnerMap: Hashable, Sendable {
        case ranges(uid: [IdentityRange], gid: [IdentityRange], recursive: Bool)
        /// As in a user namespace.
        case namespace(path: String, recursive: Bool)
    }

    package init(path: String, recursive: Bool, link: Link, owners: OwnerMap?) {
        self.path = path
        self.recursive = recursive
        self.link = link
        self.owners = owners
    }
}

/// How far a clock of a time namespace is from the host's.
package struct ClockOffset: Hashable, Sendable {
    package var seconds: Int64
    package var nanoseconds: UInt32
}

/// An interface by its names in the two namespaces.
package struct NetworkDevice: Hashable, Sendable {
    package var hostName: String
    package var name: String
}

/// A directory of a resctrl file system: a class of service, and one in it to count in.
package struct ResctrlGroup: Hashable, Sendable {
    /// Of the class, below the mount; empty: the default class, which is the mount itself.
    package var name: String
    /// Made for the container alone, and removed with it.
    package var isOwn: Bool
    /// In the order in which they are written.
    package var schemata: [String]
    /// The directory in `mon_groups`, made for the container and removed with it.
    package var monitor: String?

    package init(name: String, isOwn: Bool, schemata: [String], monitor: String?) {
        self.name = name
        self.isOwn = isOwn
        self.schemata = schemata
        self.monitor = monitor
    }

    /// What `spec` wants for the container `identifier`; nil: nothing.
    init?(_ spec: RuntimeSpec, identifier: String) {
        guard let rdt = spec.linux.settings?.intelRdt else { return nil }
        let lines = [rdt.l3CacheSchema, rdt.memBwSchema].compactMap { $0 } + rdt.schemata
        let name = rdt.closID.map { $0 == "/" ? "" : $0 } ?? identifier
        self.init(
            name: name, isOwn: rdt.closID == nil, schemata: lines, monitor: rdt.enableMonitoring ? identifier : nil)
    }

    /// What is made in a resctrl file system for a container of this configuration, below its mount point; what lies in
    /// another comes first.
    package static func directories(of spec: RuntimeSpec, identifier: String) -> [String] {
        guard let group = ResctrlGroup(spec, identifier: identifier) else { return [] }
        let prefix = group.name.isEmpty ? "" : group.name + "/"
        return (group.monitor.map { [prefix + "mon_groups/" + $0] } ?? []) + (group.isOwn ? [group.name] : [])
    }
}

/// `struct sched_attr` of sched_setattr(2).
package struct SchedulerSettings: Hashable, Sendable {
    package var policy: UInt32
    package var flags: UInt64
    package var nice: Int32
    package var priority: UInt32
    /// Nanoseconds, as the two that follow.
    package var runtime: UInt64
    package var deadline: UInt64
    package var period: UInt64

    /// Each stands at its number; 4 was SCHED_ISO, which no kernel has.
    static let policies = [
        "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE",
    ]
    /// Each stands at its bit.
    static let flagNames = [
        "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_KEEP_POLICY",
        "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX",
    ]
}

/// Who labels a process when its command is executed.
package enum SecurityModule: String, Hashable, Sendable {
    case apparmor = "AppArmor", selinux = "SELinux"
}

/// A list of numbers as cpuset(7) has it, `0-3,7`: processors, or memory nodes.
package struct NumberList: Hashable, Sendable {
    /// One bit for each number, 64 in a word, at least one word.
    package let words: [UInt64]
    /// More than any kernel has processors.
    package static let limit = 8192

    /// nil: it is no such list.
    package init?(_ text: String) {
        var words: [UInt64] = [0]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let low = ends.first.flatMap({ Int($0) }), let high = ends.last.flatMap({ Int($0) }),
                0 <= low, low <= high, high < NumberList.limit
            else { return nil }
            while words.count <= high / 64 { words.append(0) }
            for number in low...high { words[number / 64] |= 1 << UInt64(number % 64) }
        }
        self.words = words
    }
}
