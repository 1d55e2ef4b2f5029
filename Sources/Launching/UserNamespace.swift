internal import CLaunch
internal import Glibc
internal import Linux
internal import Planning

/// User namespaces that nobody lives in, for id-mapped mounts.
enum UserNamespace {
    /// A namespace with these maps. It lives as long as its descriptor, or what was mounted with it.
    static func make(uid: [IdentityRange], gid: [IdentityRange]) throws(SystemError) -> OwnedDescriptor {
        var memory: OpaquePointer?
        var pidfd: Int32 = -1
        let pid = launch_user_namespace(&pidfd, &memory)
        if pid < 0 { throw SystemError("clone3", "a user namespace", Errno(rawValue: Int32(-pid))) }
        let holder = ProcessHandle(identifier: Int32(pid), taking: pidfd)
        defer {
            try? holder.send(SIGKILL)
            _ = try? holder.wait()
            launch_birth_end(memory)
        }
        try IdentityMaps.write(uid: uid, gid: gid, of: Int32(pid))
        return try Descriptor.workingDirectory.openFollowing("/proc/\(pid)/ns/user", O_RDONLY)
    }
}
