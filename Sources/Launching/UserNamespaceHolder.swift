internal import CLaunch
internal import Glibc
internal import Linux
internal import Planning

/// A process that holds a new user namespace, for its maps to be written and for it to be opened. Dropped, it is killed and
/// waited for.
final class UserNamespaceHolder {
    private let process: ProcessHandle
    private let memory: OpaquePointer?

    /// A namespace with these maps, for id-mapped mounts: nobody lives in it. It lives as long as its descriptor, or what
    /// was mounted with it.
    static func namespace(uid: [IdentityRange], gid: [IdentityRange]) throws(SystemError) -> OwnedDescriptor {
        let holder = try UserNamespaceHolder.begin()
        let number = holder.process.identifier
        try IdentityMaps.write(uid: uid, gid: gid, of: number)
        let space = try Descriptor.workingDirectory.openFollowing("/proc/\(number)/ns/user", O_RDONLY)
        withExtendedLifetime(holder) {}
        return space
    }

    private static func begin() throws(SystemError) -> UserNamespaceHolder {
        var memory: OpaquePointer?
        var pidfd: Int32 = -1
        let pid = launch_user_namespace(&pidfd, &memory)
        if pid < 0 { throw SystemError("clone3", "a user namespace", Errno(rawValue: Int32(-pid))) }
        return UserNamespaceHolder(ProcessHandle(identifier: Int32(pid), taking: pidfd), memory)
    }

    private init(_ process: consuming ProcessHandle, _ memory: OpaquePointer?) {
        self.process = process
        self.memory = memory
    }

    deinit {
        try? process.send(SIGKILL)
        _ = try? process.wait()
        launch_birth_end(memory)
    }
}
