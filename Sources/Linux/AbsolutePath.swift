/// Paths that mean the same wherever they are read: for what is written down.
package enum AbsolutePath {
    /// `path` from `/` on, without slashes at its end. Links stay as they are.
    package static func of(_ path: String) throws(SystemError) -> String {
        var path = path.hasPrefix("/") ? path : try Descriptor.workingDirectory.readLink("/proc/self/cwd") + "/" + path
        while path.hasSuffix("/"), path.utf8.count > 1 { path.removeLast() }
        return path
    }
}
