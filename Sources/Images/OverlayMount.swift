internal import Glibc
package import Linux

/// Detached mounts of overlayfs.
package enum OverlayMount {
    /// How the layers are told to the kernel; each newer way lifts limits of the older.
    package enum Passing: CaseIterable, Sendable {
        /// As descriptors (Linux 6.13).
        case descriptors
        /// Each as a path of its own, through `/proc/self/fd` (Linux 6.7).
        case appended
        /// All in one option of at most 255 bytes, which is enough for 60 to 80: the paths are numbers of descriptors,
        /// relative to `/proc/self/fd`, which is the working directory meanwhile.
        case joined
    }

    /// Stacks `lowers`, the top one first, and makes a detached mount of it. With `writable`, what is written goes to
    /// its `upper`, through its empty directory `work` on the same file system, and nothing waits for the disk; without,
    /// there must be two lowers. `attributes` are `MOUNT_ATTR_*`.
    ///
    /// The options make what is mounted depend on nothing but the directories: no redirects that a layer might bring,
    /// no metadata-only copies. See the kernel's overlayfs.rst.
    package static func make(
        lowers: [Descriptor], writable: (upper: Descriptor, work: Descriptor)? = nil, attributes: UInt32 = 0,
        passing ways: [Passing] = Passing.allCases
    ) throws(ImagesError) -> OwnedDescriptor {
        var refusal: SystemError?
        for way in ways {
            do throws(SystemError) {
                return try make(lowers, writable, attributes, way)
            } catch  where error.code == .EINVAL || error.code == .ENOENT || error.code == .E2BIG {
                // An older kernel does not know this way; if it is the last, the first refusal tells the most.
                if refusal == nil { refusal = error }
            } catch { throw .system(error) }
        }
        if lowers.count > 60 { throw .tooManyLayers(lowers.count) }
        throw .system(refusal ?? SystemError("fsopen", "", detail: "overlay", .EINVAL))
    }

    private static func make(
        _ lowers: [Descriptor], _ writable: (upper: Descriptor, work: Descriptor)?, _ attributes: UInt32,
        _ way: Passing
    ) throws(SystemError) -> OwnedDescriptor {
        let context = try FileSystemContext(type: "overlay")
        try context.set("source", to: "perigee")
        switch way {
        case .descriptors: for lower in lowers { try context.set("lowerdir+", to: lower) }
        case .appended: for lower in lowers { try context.set("lowerdir+", to: path(lower)) }
        case .joined: break
        }
        if let writable {
            if way == .descriptors {
                try context.set("upperdir", to: writable.upper)
                try context.set("workdir", to: writable.work)
            } else {
                try context.set("upperdir", to: path(writable.upper))
                try context.set("workdir", to: path(writable.work))
            }
            try context.set("volatile")
            try context.set("metacopy", to: "off")
            try context.set("index", to: "off")
        }
        try context.set("redirect_dir", to: "nofollow")
        if way == .joined {
            try createJoined(context, lowers)
        } else {
            try context.create()
        }
        return try context.mount(attributes: attributes)
    }

    /// Sets all lowers at once and makes the superblock, in a working directory where descriptors are names: newer kernels
    /// look the names up when the option is set, older ones when the superblock is made.
    private static func createJoined(_ context: borrowing FileSystemContext, _ lowers: [Descriptor])
        throws(SystemError)
    {
        let before = try Descriptor.workingDirectory.openFollowing(".", O_RDONLY | O_DIRECTORY)
        let numbers = try Descriptor.workingDirectory.openFollowing("/proc/self/fd", O_RDONLY | O_DIRECTORY)
        try numbers.view.makeWorkingDirectory()
        do throws(SystemError) {
            try context.set("lowerdir", to: lowers.map { String($0.number) }.joined(separator: ":"))
            try context.create()
        } catch {
            try before.view.makeWorkingDirectory()
            throw error
        }
        try before.view.makeWorkingDirectory()
    }

    private static func path(_ descriptor: Descriptor) -> String { "/proc/self/fd/\(descriptor.number)" }
}
