internal import CLinux
internal import Glibc

extension Descriptor {
    /// Enters the namespace that this descriptor is; for pid and time namespaces the children alone enter. `type` is
    /// its `CLONE_NEW*`, which the kernel checks. Wraps setns(2).
    package func enterNamespace(_ type: UInt64) throws(SystemError) {
        _ = try check(clinux_setns(number, Int32(truncatingIfNeeded: type)), "setns", subject)
    }

    /// Goes back to the namespace that this descriptor is, after others. A process that can't must not go on where it is: it
    /// ends with 1, and whoever takes over what it has begins where it belongs.
    func returnToNamespace(_ type: UInt64) {
        let tries = 3
        for _ in 0..<tries {
            do throws(SystemError) { return try enterNamespace(type) } catch { Clock.pause(1_000_000) }
        }
        exit(1)
    }
}

extension Descriptor {
    /// Maps the owners of files in the detached mount that this descriptor is as the user namespace `space` does.
    /// Wraps `mount_setattr(2)` with `MOUNT_ATTR_IDMAP`, Linux 5.12; EINVAL: the file system has no such mounts.
    package func mapOwners(by space: Descriptor, recursive: Bool) throws(SystemError) {
        let flags = UInt32(AT_EMPTY_PATH) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        let idmap: UInt64 = 0x10_0000
        _ = try check(
            clinux_mount_setattr(number, "", flags, idmap, 0, 0, space.number), "mount_setattr", subject,
            detail: "MOUNT_ATTR_IDMAP")
    }
}

/// What this process does about its own namespaces.
package enum Namespaces {
    /// Leaves those of `flags`, `CLONE_NEW*`, for new ones; of a pid or time namespace the next children are the first.
    /// Wraps unshare(2).
    package static func unshare(_ flags: UInt64) throws(SystemError) {
        _ = try check(clinux_unshare(Int32(truncatingIfNeeded: flags)), "unshare", "")
    }
}

extension Identity {
    /// Lets process `identifier` run on these processors alone: a bit each, 64 in a word. Wraps sched_setaffinity(2).
    package static func place(_ identifier: Int32, on processors: [UInt64]) throws(SystemError) {
        let result = processors.withUnsafeBytes { clinux_sched_setaffinity(identifier, $0.count, $0.baseAddress) }
        _ = try check(result, "sched_setaffinity", "process \(identifier)")
    }
}

/// The pid and time namespaces that this process and its children have: joining one is for the children, and stays. When
/// this value goes, further children are born here again.
package struct OwnNamespaces: ~Copyable {
    private let pid: Descriptor
    /// nil: this kernel has none.
    private let time: Descriptor?

    /// Those of now.
    package static func remember() throws(SystemError) -> OwnNamespaces {
        let here = Descriptor.workingDirectory
        let time = (try? here.openFollowing("/proc/self/ns/time", O_RDONLY))?.release()
        let pid = try here.openFollowing("/proc/self/ns/pid", O_RDONLY).release()
        return OwnNamespaces(pid: Descriptor(pid), time: time.map { Descriptor($0) })
    }

    private init(pid: Descriptor, time: Descriptor?) {
        self.pid = pid
        self.time = time
    }

    deinit {
        restore()
        _ = clinux_close(pid.number)
        if let time { _ = clinux_close(time.number) }
    }

    /// Nothing is done where they are already; where that can't be told, they are entered again.
    private borrowing func restore() {
        func differ(_ one: String, _ other: String) -> Bool {
            let here = Descriptor.workingDirectory
            guard let first = try? here.readLink(one), let second = try? here.readLink(other) else { return true }
            return first != second
        }
        if differ("/proc/self/ns/pid_for_children", "/proc/self/ns/pid") {
            pid.returnToNamespace(0x2000_0000)  // CLONE_NEWPID
        }
        if let time, differ("/proc/self/fd/\(time.number)", "/proc/self/ns/time_for_children") {
            time.returnToNamespace(0x80)  // CLONE_NEWTIME
        }
    }
}

/// A mount namespace of this process's own, as long as this value lives: what is attached there nobody else sees, and it goes
/// with it. What was opened before is of the namespace before; paths lead into this one.
package struct OwnMounts: ~Copyable {
    private let namespace: OwnedDescriptor
    private let root: OwnedDescriptor
    private let place: OwnedDescriptor

    /// Leaves the process's mount namespace for a copy.
    package static func enter() throws(SystemError) -> OwnMounts {
        let here = Descriptor.workingDirectory
        let own = OwnMounts(
            try here.openFollowing("/proc/self/ns/mnt", O_RDONLY), try here.openFollowing("/", O_PATH),
            try here.openFollowing(".", O_PATH))
        try Namespaces.unshare(0x2_0000)  // CLONE_NEWNS
        do throws(SystemError) {
            // Nothing that is attached from here on is seen elsewhere: MS_REC, MS_PRIVATE.
            _ = try check(clinux_mount("", "/", "", 0x4000 | 0x4_0000, nil), "mount", "/")
        } catch {
            try own.leave()
            throw error
        }
        return own
    }

    private init(
        _ namespace: consuming OwnedDescriptor, _ root: consuming OwnedDescriptor, _ place: consuming OwnedDescriptor
    ) {
        self.namespace = namespace
        self.root = root
        self.place = place
    }

    /// Goes back, to the root and the working directory of before.
    package consuming func leave() throws(SystemError) {
        try namespace.view.enterNamespace(0x2_0000)
        try root.view.makeWorkingDirectory()
        _ = try check(clinux_chroot("."), "chroot", "/")
        try place.view.makeWorkingDirectory()
    }
}
