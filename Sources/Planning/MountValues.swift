package import OCI

// What the steps of a plan that mount something are made of.

/// How mount events travel, mount_namespaces(7).
package struct Propagation: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case shared, slave, `private`, unbindable

        /// Written out, as that of ``LaunchPlan/Namespace``.
        package init?(rawValue: String) {
            switch rawValue {
            case "shared": self = .shared
            case "slave": self = .slave
            case "private": self = .private
            case "unbindable": self = .unbindable
            default: return nil
            }
        }
    }

    package var kind: Kind
    package var recursive: Bool

    package init(_ kind: Kind, recursive: Bool) {
        self.kind = kind
        self.recursive = recursive
    }
}

/// Attributes of a mount as mount_setattr(2) names them: bits of `MOUNT_ATTR_*` to set and to clear.
package struct MountAttributes: Hashable, Sendable {
    package var set: UInt64
    package var clear: UInt64

    package init(set: UInt64 = 0, clear: UInt64 = 0) {
        self.set = set
        self.clear = clear
    }

    package static let readOnly: UInt64 = 0x1
    package static let noSetuid: UInt64 = 0x2
    package static let noDevices: UInt64 = 0x4
    package static let noExecute: UInt64 = 0x8
    /// The mask of the access time setting; `relatime` is 0 in it.
    package static let accessTimeMask: UInt64 = 0x70
    package static let noAccessTime: UInt64 = 0x10
    package static let strictAccessTime: UInt64 = 0x20
    package static let noDirectoryAccessTime: UInt64 = 0x80
    package static let noSymlinkFollow: UInt64 = 0x200000
}

/// A new file system at `target`.
package struct FileSystemMount: Hashable, Sendable {
    /// As in `/proc/filesystems`.
    package var type: String
    package var source: String
    /// Absolute inside the root.
    package var target: String
    /// What fsconfig(2) is given: a value, or a flag where it is nil.
    package var options: [Option]
    package var attributes: MountAttributes
    /// No component of `target` may be a symbolic link: /proc, /sys and /dev must be where they are named
    /// (CVE-2019-19921, CVE-2026-41579).
    package var strict: Bool
    package var propagation: [Propagation]
    /// What is in the target is copied into it: `tmpcopyup`.
    package var copiesUp = false
    /// It has the permissions of the directory that it covers, where there is one.
    package var takesMode = false

    package struct Option: Hashable, Sendable {
        package var key: String
        package var value: String?
        package init(_ key: String, _ value: String? = nil) {
            self.key = key
            self.value = value
        }
    }

    package init(
        type: String, source: String, target: String, options: [Option] = [], attributes: MountAttributes = .init(),
        strict: Bool, propagation: [Propagation] = []
    ) {
        self.type = type
        self.source = source
        self.target = target
        self.options = options
        self.attributes = attributes
        self.strict = strict
        self.propagation = propagation
    }
}

/// A new terminal of the container's devpts: the process's standard streams and its session's, pts(4).
package struct ContainerTerminal: Hashable, Sendable {
    /// Through which descriptor of the plan its other end goes.
    package var index: Int
    /// nil: as the kernel makes it, without a size.
    package var size: ProcessSpec.TerminalSize?
    /// Whose it is. Its group is devpts' own.
    package var uid: UInt32
    /// Whether it is the container's console, /dev/console.
    package var isConsole: Bool

    package static let devpts = "/dev/pts"
    package static let console = "/dev/console"

    package init(index: Int, size: ProcessSpec.TerminalSize?, uid: UInt32, isConsole: Bool) {
        self.index = index
        self.size = size
        self.uid = uid
        self.isConsole = isConsole
    }
}

/// A piece of the host's tree at `target`.
package struct BindMount: Hashable, Sendable {
    /// Which descriptor of the plan; nil: the child opens `source`.
    package var index: Int?
    /// What it is a clone of.
    package var source: String
    /// Whether what is mounted below the source comes with it, where the child opens it.
    package var isRecursive = false
    package var target: String
    package var attributes: MountAttributes
    /// Whether `attributes` hold for the mounts below too (`rro`, `rnosuid`, …).
    package var recursiveAttributes: MountAttributes
    package var propagation: [Propagation]
    /// As in ``FileSystemMount``.
    package var strict: Bool
    /// A symbolic link at the end of the target is what is mounted on.
    package var coversLink = false

    package init(
        index: Int?, source: String, target: String, attributes: MountAttributes = .init(),
        recursiveAttributes: MountAttributes = .init(), propagation: [Propagation] = [], strict: Bool = false
    ) {
        self.index = index
        self.source = source
        self.target = target
        self.attributes = attributes
        self.recursiveAttributes = recursiveAttributes
        self.propagation = propagation
        self.strict = strict
    }
}

/// A node in the container's /dev.
package struct DeviceNode: Hashable, Sendable {
    package var path: String
    /// Type and permission bits, as in `st_mode`.
    package var mode: UInt32
    package var major: UInt32
    package var minor: UInt32
    package var uid: UInt32
    package var gid: UInt32

    package init(path: String, mode: UInt32, major: UInt32, minor: UInt32, uid: UInt32, gid: UInt32) {
        self.path = path
        self.mode = mode
        self.major = major
        self.minor = minor
        self.uid = uid
        self.gid = gid
    }
}
