internal import Glibc
internal import Linux
internal import OCI

/// The CDI devices of this host, and how a container gets them.
enum CDIDevices {
    /// The largest file that is read, in bytes.
    private static let sizeLimit = 4 << 20

    /// Makes the edits of the devices `names`, and once for each file those that it has for all of its devices.
    static func apply(_ names: [CDIName], to spec: inout RuntimeSpec, directories: [String]) throws(PodsError) {
        if names.isEmpty { return }
        var unread: [String] = []
        // The later directories go before the earlier.
        var files: [[CDIFile]] = []
        for directory in directories.reversed() { files.append(try read(directory, &unread)) }
        var used: Set<String> = []
        for name in names {
            guard let (file, device) = try find(name, in: files) else {
                throw .noCDIDevice("\(name)", directories: directories, unread: unread)
            }
            if used.insert(file.path).inserted {
                try file.edits.apply(to: &spec, file: file.path, device: device.name)
            }
            try device.edits.apply(to: &spec, file: file.path, device: device.name)
        }
    }

    private static func find(
        _ name: CDIName, in levels: [[CDIFile]]
    ) throws(PodsError) -> (CDIFile, CDIFile.Device)? {
        for files in levels {
            var found: [(CDIFile, CDIFile.Device)] = []
            for file in files where file.kind == name.kind {
                for device in file.devices where device.name == name.device { found.append((file, device)) }
            }
            if found.count > 1 { throw .cdiConflict("\(name)", paths: found.map(\.0.path)) }
            if let only = found.first { return only }
        }
        return nil
    }

    /// The files of a directory, which need not be there.
    private static func read(_ path: String, _ unread: inout [String]) throws(PodsError) -> [CDIFile] {
        var names: [String] = []
        do throws(SystemError) {
            let directory = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_DIRECTORY)
            names = try directory.view.entries().map(Descriptor.text(ofEntry:)).sorted()
        } catch {
            if error.code == .ENOENT { return [] }
            throw .cdiFile(path: path, error)
        }
        unread += names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.map { "\(path)/\($0)" }
        var files: [CDIFile] = []
        for name in names where name.hasSuffix(".json") {
            let file = "\(path)/\(name)"
            let text: [UInt8]
            do throws(PodsError) { text = try TrustedFile.read(file, limit: sizeLimit) } catch {
                if case .configurationFile(_, let inner) = error { throw .cdiFile(path: file, inner) }
                throw error
            }
            files.append(try CDIFile(parsing: text, path: file))
        }
        return files
    }

    /// What is to be mounted must be there, and the error must name the file.
    static func check(_ path: String, file: String) throws(PodsError) {
        do throws(SystemError) { _ = try Descriptor.workingDirectory.openFollowing(path, O_PATH) } catch {
            throw .device(path, file: file, error)
        }
    }
}
