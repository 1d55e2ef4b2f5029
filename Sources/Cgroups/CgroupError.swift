package import Linux

/// What can go wrong with a cgroup. `property` is the one of `linux.resources` in config.json: `memory.limit`.
package enum CgroupError: Error, Hashable, Sendable {
    /// The path of a group is malformed.
    case invalidPath(String, reason: StaticString)
    /// A limit makes no sense whatever the host.
    case invalidValue(property: String, value: String, reason: StaticString)
    /// A limit that this runtime or this cgroup version can't apply; it is never dropped silently.
    case unsupported(property: String, reason: StaticString)
    /// A limit whose controller the host lacks.
    case missingController(property: String, CgroupControllers)
    /// The kernel refused a limit's value.
    case rejectedValue(property: String, SystemError)
    /// The kernel has the controller, and not this file of it.
    case missingFile(property: String, SystemError)
    /// Neither /sys/fs/cgroup nor mountinfo shows a cgroup file system.
    case notMounted
    /// mountinfo or the list of our own groups could not be read.
    case unreadableLayout(SystemError)
    /// The tree is mounted read-only.
    case readOnly(SystemError)
    /// The kernel lets us not make, write or remove a group.
    case notPermitted(SystemError)
    /// The group exists and is in use: it has processes, or another launch has just made it.
    case occupied(path: String)
    /// A group above ours has processes itself, so v2 gives its children no controllers.
    case processesAbove(SystemError)
    /// The group, or one above, is of type `threaded` or `domain invalid`.
    case threaded(SystemError)
    /// A group was removed by somebody else in the middle, again and again.
    case vanished(SystemError)
    /// Processes were still there, or not frozen, when the time was over.
    case timedOut(StaticString, path: String)
    /// A new limit below what the group uses, bytes both, where the configuration wants that refused.
    case memoryInUse(limit: UInt64, used: UInt64)
    /// Any other call that failed.
    case failed(SystemError)

    /// Sorts what the kernel said by its remedy.
    init(_ error: SystemError) {
        switch error.code {
        case .EROFS: self = .readOnly(error)
        case .EACCES, .EPERM: self = .notPermitted(error)
        case .EOPNOTSUPP: self = .threaded(error)
        default: self = .failed(error)
        }
    }

    /// The same for a write of the limit `property`.
    init(_ error: SystemError, property: String) {
        switch error.code {
        case .ENOENT: self = .missingFile(property: property, error)
        // The file was opened, so that it is the value: processors that the group above does not have, on v1.
        case .EACCES where error.call == "write": self = .rejectedValue(property: property, error)
        case .EROFS, .EACCES, .EPERM: self.init(error)
        default: self = .rejectedValue(property: property, error)
        }
    }

    /// The call inside, if there is one.
    package var systemError: SystemError? {
        switch self {
        case .rejectedValue(_, let e), .missingFile(_, let e), .unreadableLayout(let e), .readOnly(let e),
            .notPermitted(let e), .processesAbove(let e), .threaded(let e), .vanished(let e), .failed(let e):
            return e
        case .invalidPath, .invalidValue, .unsupported, .missingController, .notMounted, .occupied, .timedOut,
            .memoryInUse:
            return nil
        }
    }

    // StaticString is not Hashable: what is said twice in the same words is the same.
    package static func == (a: CgroupError, b: CgroupError) -> Bool { a.description == b.description }
    package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension CgroupError: CustomStringConvertible {
    /// One sentence: what failed, on what, why; then a remedy where there is one.
    package var description: String {
        switch self {
        case .invalidPath(let path, let reason): return "cgroup path '\(path)': \(reason)"
        case .invalidValue(let property, let value, let reason):
            return "linux.resources.\(property) is \(value): \(reason)"
        case .unsupported(let property, let reason): return "linux.resources.\(property) can't be applied: \(reason)"
        case .missingController(let property, let controllers):
            return "linux.resources.\(property): this host has no \(controllers) controller in its cgroup tree;"
                + " enable it (kernel options cgroup_enable=, cgroup_no_v1=; on v2 cgroup.subtree_control of the"
                + " groups above) or leave the limit out"
        case .rejectedValue(let property, let e): return "linux.resources.\(property) was refused by the kernel: \(e)"
        case .missingFile(let property, let e):
            return "linux.resources.\(property): this kernel has no such file"
                + (property == "memory.swap" ? " (it was booted without swapaccount=1?)" : "") + ": \(e)"
        case .notMounted: return "no cgroup file system is mounted; mount cgroup2 on /sys/fs/cgroup"
        case .unreadableLayout(let e): return "the cgroup mounts can't be found: \(e)"
        case .readOnly(let e):
            return "the cgroup tree is read-only: \(e); remount it rw, or run without cgroups where this is a container"
        case .notPermitted(let e):
            return "not permitted to manage cgroups: \(e); run as root, or below a group that was delegated to you"
        case .occupied(let path): return "cgroup \(path) is in use; does its container still run?"
        case .processesAbove(let e):
            return "a group above has processes of its own, so its children get no controllers: \(e);"
                + " move them into a child group of it"
        case .threaded(let e):
            return
                "the cgroup is threaded, or lies below one that is: \(e); choose a parent whose cgroup.type is domain"
        case .vanished(let e): return "the cgroup was removed by somebody else meanwhile: \(e)"
        case .timedOut(let action, let path): return "cgroup \(path): \(action) took too long"
        case .memoryInUse(let limit, let used):
            return "linux.resources.memory.limit is \(limit), and the container uses \(used) bytes;"
                + " memory.checkBeforeUpdate wants that refused"
        case .failed(let e): return "cgroup: \(e)"
        }
    }
}
