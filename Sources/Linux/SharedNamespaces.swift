internal import CLinux
internal import Glibc

/// Namespaces that several containers share, and that outlive each of them: a file has each of them mounted, as ip-netns(8)
/// does. The process must have one thread.
package enum SharedNamespace: String, CaseIterable, Sendable {
    case network = "net"
    case ipc, uts

    private var flag: UInt64 {
        switch self {
        case .network: 0x4000_0000  // CLONE_NEWNET
        case .ipc: 0x0800_0000
        case .uts: 0x0400_0000
        }
    }

    private func current() throws(SystemError) -> OwnedDescriptor {
        try Descriptor.workingDirectory.openFollowing("/proc/self/ns/\(rawValue)", O_RDONLY)
    }

    /// Makes a new one, does `body` in it, and is back whatever that says.
    package func insideNew(_ body: () throws(SystemError) -> Void) throws(SystemError) {
        let own = try current()
        try Namespaces.unshare(flag)
        defer { own.view.returnToNamespace(flag) }
        try body()
    }

    /// Does `body` in the one that `path` leads to.
    package func inside<Result: ~Copyable>(
        _ path: String, _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let own = try current()
        let space = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY)
        try space.view.enterNamespace(flag)
        defer { own.view.returnToNamespace(flag) }
        return try body()
    }

    /// Mounts the one that this process is in on a new file at `path`.
    package func pin(at path: String) throws(SystemError) {
        let here = Descriptor.workingDirectory
        do throws(SystemError) { _ = try here.open(path, O_RDONLY | O_CREAT | O_EXCL, mode: 0o600) } catch
            where error.code == .EEXIST
        {}
        let own = try current()
        try NamespacePin.make(own.view, at: path)
        try own.close()
    }

    /// Whether one is mounted there.
    package static func isPinned(at path: String) -> Bool {
        (try? NamespacePin.isThere(path)) == true
    }
}

/// What is mounted on the host for as long as a pod or a network lives.
package enum PinnedMount {
    /// Takes off all that is mounted at `path`, in use or not. That nothing is, is no error. Wraps umount2(2).
    package static func remove(_ path: String) throws(SystemError) {
        let most = 64
        for _ in 0..<most {
            let detachNoFollow: Int32 = 0x2 | 0x8
            let result = clinux_umount2(path, detachNoFollow)
            if result == -Int(EINVAL) || result == -Int(ENOENT) { return }
            _ = try check(result, "umount2", path)
        }
    }
}

/// The names of this process's own namespaces.
package enum OwnNamespaceSettings {
    /// Wraps sethostname(2).
    package static func setHostname(_ name: String) throws(SystemError) {
        _ = try check(clinux_sethostname(name, name.utf8.count), "sethostname", name)
    }
}
