internal import Glibc
internal import Linux

/// Which extended attributes go from an archive or a layer into a tree.
enum AttributePolicy {
    /// `user.*` and file capabilities. All else belongs to the host: labels of its security modules, its integrity
    /// measurements, and `trusted.*`, which overlayfs keeps its own notes in.
    static func isKept(_ name: UnsafePointer<CChar>) -> Bool {
        strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0
    }

    /// overlayfs's marker of a directory that hides those of the same name below.
    static let opaque = "trusted.overlay.opaque"

    /// Whether `name` is overlayfs's, in its plain or its escaped form (`trusted.overlay.overlay.`), or that of its
    /// `userxattr` mode.
    static func isOverlays(_ name: UnsafePointer<CChar>) -> Bool {
        strncmp(name, "trusted.overlay.", 16) == 0 || strncmp(name, "user.overlay.", 13) == 0
    }

    /// A whiteout: a character device 0:0 (kernel, overlayfs.rst, "whiteouts and opaque directories").
    static func isWhiteout(_ status: FileStatus) -> Bool { status.isCharacterDevice && status.rawDevice == 0 }
}

/// Copies single files of any type with owner, mode, attributes and time.
enum NodeCopy {
    /// Copies what is no directory to `target` in `directory`, where nothing of that name may be.
    static func copy(
        _ name: [CChar], _ status: FileStatus, from source: Descriptor, to target: [CChar], in directory: Descriptor
    ) throws(SystemError) {
        if status.isRegular {
            let input = try source.open(name, O_RDONLY | O_NONBLOCK)
            let output = try directory.open(target, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try copyContent(of: input.view, size: status.size, to: output.view)
            try copyAttributes(of: status, from: input.view, to: output.view)
            return try output.view.setTimes(
                of: "", seconds: status.modified.seconds, nanoseconds: status.modified.nanoseconds)
        }
        if status.isSymlink {
            try directory.makeSymlink(target, to: try source.readLinkBytes(name))
            try directory.setOwner(of: target, uid: status.owner, gid: status.group)
        } else {
            try directory.makeNode(target, mode: status.mode, device: status.rawDevice)
            try directory.setOwner(of: target, uid: status.owner, gid: status.group)
            try directory.setMode(of: target, status.mode & 0o7777)
        }
        try directory.setTimes(
            of: target, seconds: status.modified.seconds, nanoseconds: status.modified.nanoseconds)
    }

    /// Gives the open file `target` owner, mode and kept attributes of `source`, in the order in which none undoes
    /// another: a change of owner clears set-user-ID bits and file capabilities.
    static func copyAttributes(of status: FileStatus, from source: Descriptor, to target: Descriptor)
        throws(SystemError)
    {
        try target.setOwner(of: "", uid: status.owner, gid: status.group)
        try target.setMode(status.mode & 0o7777)
        for name in try source.attributeNames() where AttributePolicy.isKept(name) {
            guard let value = try source.attribute(name) else { continue }
            let result: Result<Void, SystemError> = value.withUnsafeBytes { bytes in
                do throws(SystemError) { return .success(try target.setAttribute(name, to: bytes)) } catch {
                    return .failure(error)
                }
            }
            try result.get()
        }
    }

    private static func copyContent(of source: Descriptor, size: Int64, to target: Descriptor) throws(SystemError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
        defer { buffer.deallocate() }
        var at: Int64 = 0
        while at < size {
            // Holes stay holes.
            guard let data = try source.seekData(from: at) else { break }
            at = data
            let end = try source.seekHole(from: at)
            try target.seek(to: at)
            while at < end {
                let wanted = min(Int64(buffer.count), end - at)
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(wanted)])
                let n = try source.read(into: part, at: at)
                if n == 0 { return }
                try target.write(UnsafeRawBufferPointer(rebasing: part[..<n]))
                at += Int64(n)
            }
        }
        try target.truncate(to: size)
    }
}
