internal import Glibc
internal import Linux
internal import Planning

/// The maps of a new user namespace, user_namespaces(7).
enum IdentityMaps {
    /// Writes both maps of process `child`, each in one write(2), as the kernel wants it.
    static func write(uid: [IdentityRange], gid: [IdentityRange], of child: Int32) throws(SystemError) {
        let process = try Descriptor.workingDirectory.open("/proc/\(child)", O_PATH | O_DIRECTORY)
        try process.view.writeFile("uid_map", text(uid))
        try process.view.writeFile("gid_map", text(gid))
    }

    private static func text(_ ranges: [IdentityRange]) -> String {
        ranges.map { "\($0.inside) \($0.outside) \($0.count)\n" }.joined()
    }
}
