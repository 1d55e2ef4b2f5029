internal import Glibc
package import Linux
package import OCI

/// A directory with a configuration and a root file system: runtime-spec, bundle.md.
package struct Bundle: Sendable {
    /// Absolute, or as the caller wrote it.
    package let path: String
    package let spec: RuntimeSpec
    let filter: Filter
    /// What it was read from.
    let text: [UInt8]
    /// The file that `spec` was read from.
    package let configurationPath: String

    /// The largest configuration that is read, in bytes.
    package static let limit = 8 << 20

    /// Reads `path`/config.json, or the file `configuration` beneath it.
    package init(path: String, configuration: String = "config.json") throws(ContainersError) {
        self.path = path
        let file = configuration.hasPrefix("/") ? configuration : path + "/" + configuration
        configurationPath = file
        let bytes: [UInt8]
        do throws(SystemError) {
            let opened = try Descriptor.workingDirectory.openFollowing(file, O_RDONLY | O_NONBLOCK)
            let status = try opened.view.status()
            guard status.isRegular else {
                throw SystemError("open", file, detail: "not a regular file,", .EINVAL)
            }
            bytes = try opened.view.readAll(limit: Bundle.limit, size: status.size)
        } catch { throw .configuration(path: file, error) }
        text = bytes
        var (decoded, filter) = try ConfigurationText(bytes: bytes, path: file).read()
        Bundle.resolveSources(of: &decoded, in: path)
        spec = decoded
        self.filter = filter
    }

    /// Sources of bind mounts are relative to the bundle.
    private static func resolveSources(of spec: inout RuntimeSpec, in path: String) {
        for i in spec.mounts.indices {
            guard let source = spec.mounts[i].source, !source.isEmpty, !source.hasPrefix("/") else { continue }
            let isBind =
                spec.mounts[i].type == "bind" || spec.mounts[i].options.contains { $0 == "bind" || $0 == "rbind" }
            if isBind { spec.mounts[i].source = path + "/" + source }
        }
    }

    /// Where the root file system is.
    package var rootPath: String { spec.root.path.hasPrefix("/") ? spec.root.path : path + "/" + spec.root.path }

    /// A detached copy of the mount that holds the root file system, with what is mounted below it.
    package func openRoot() throws(ContainersError) -> OwnedDescriptor {
        do throws(SystemError) {
            let directory = try Descriptor.workingDirectory.openFollowing(rootPath, O_PATH | O_DIRECTORY)
            return try directory.view.cloneMount(recursive: true)
        } catch { throw .rootFileSystem(path: rootPath, error) }
    }
}
