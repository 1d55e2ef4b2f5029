internal import CLinux
internal import Glibc

/// The network namespace that this process is in, to be left for others and come back to. The process must have one thread.
package struct OwnNetwork: ~Copyable {
    private static let type: UInt64 = 0x4000_0000  // CLONE_NEWNET
    private let own: OwnedDescriptor

    package static func remember() throws(SystemError) -> OwnNetwork { OwnNetwork(try current()) }

    private init(_ own: consuming OwnedDescriptor) { self.own = own }

    private static func current() throws(SystemError) -> OwnedDescriptor {
        try Descriptor.workingDirectory.openFollowing("/proc/self/ns/net", O_RDONLY)
    }

    /// The namespace that was remembered.
    package var view: Descriptor { own.view }

    /// Does `body` in the namespace `space`, and is back whatever that says.
    package func inside<Result: ~Copyable>(
        _ space: Descriptor, _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try space.enterNamespace(OwnNetwork.type)
        defer { own.view.returnToNamespace(OwnNetwork.type) }
        return try body()
    }

    /// Makes a new namespace, with no link but one for itself, that is down, and does `body` in it. It lives as long as
    /// somebody is in it, or has the descriptor open that `body` gets.
    package func insideNew<Result: ~Copyable>(
        _ body: (consuming OwnedDescriptor) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try Namespaces.unshare(OwnNetwork.type)
        defer { own.view.returnToNamespace(OwnNetwork.type) }
        return try body(try OwnNetwork.current())
    }
}

/// Settings of the network namespace that this process is in: /proc/sys/net.
package enum NetworkSetting {
    /// Sets `name`, such as `ipv4/ip_forward`; of a protocol that the kernel lacks there is none to set.
    package static func set(_ name: String, to value: String) throws(SystemError) {
        do throws(SystemError) { try Descriptor.workingDirectory.writeFile("/proc/sys/net/" + name, value) } catch
            where error.code == .ENOENT
        {}
    }

    /// Its value without the line's end.
    package static func value(of name: String) throws(SystemError) -> String {
        let file = try Descriptor.workingDirectory.open("/proc/sys/net/" + name, O_RDONLY)
        return String(decoding: try file.view.readAll(limit: 4096).prefix { $0 != 10 }, as: UTF8.self)
    }
}

/// A file that keeps a namespace alive with no process in it, as ip-netns(8) does. ``PinnedMount`` takes it off again.
package enum NamespacePin {
    /// Mounts the namespace `space` on the empty file at `path`.
    package static func make(_ space: Descriptor, at path: String) throws(SystemError) {
        _ = try check(
            clinux_bind_mount("/proc/self/fd/\(space.number)", path), "mount", path, detail: "bind of a namespace")
    }

    /// The namespace at `path`; nil: nothing is mounted there.
    package static func open(_ path: String) throws(SystemError) -> OwnedDescriptor? {
        let file: OwnedDescriptor
        do throws(SystemError) { file = try Descriptor.workingDirectory.open(path, O_RDONLY) } catch
            where error.code == .ENOENT
        { return nil }
        let nsfs = 0x6e73_6673
        var status = statfs()
        _ = try check(clinux_fstatfs(file.view.number, &status), "fstatfs", path)
        guard Int(status.f_type) == nsfs else { return nil }
        return file
    }

    /// Whether a namespace is mounted there.
    package static func isThere(_ path: String) throws(SystemError) -> Bool {
        guard let space = try open(path) else { return false }
        try space.close()
        return true
    }
}
