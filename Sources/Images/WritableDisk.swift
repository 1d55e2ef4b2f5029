internal import Glibc
internal import Linux

/// A file system of a limited size, in a file that has no more blocks than are written: what a container may write goes there.
/// The kernel takes it apart when the last mount of it is gone; only the file must be removed.
enum WritableDisk {
    private static let name = "disk"
    private static let blockSize: Int64 = 4096

    /// Makes one of `size` bytes, what the file system needs for itself among them, in `directory`: a detached mount.
    static func make(size: Int64, in directory: Descriptor) throws(ImagesError) -> OwnedDescriptor {
        do throws(SystemError) {
            let file = try directory.open(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            try file.view.truncate(to: size / blockSize * blockSize)
            try format(in: directory)
            let device = try LoopDevice.attach(file.view)
            let context = try FileSystemContext(type: "ext4")
            try context.set("source", to: device.path)
            // What is deleted is the host's again, and nothing is written that nobody has asked for.
            try context.set("discard")
            try context.set("noinit_itable")
            try context.create()
            let mount = try context.mount()
            device.end()
            return mount
        } catch { throw .disk(error) }
    }

    /// No journal, since nobody mounts it again; and what the host's mke2fs.conf says does not matter.
    private static func format(in directory: Descriptor) throws(SystemError) {
        let features =
            "none,extent,flex_bg,sparse_super,large_file,huge_file,filetype,dir_index,extra_isize,uninit_bg"
        var program = Program(
            path: try formatter(),
            arguments: [
                "mkfs.ext4", "-q", "-F", "-m", "0", "-b", "\(blockSize)", "-I", "256", "-i", "8192", "-O", features,
                "-E", "lazy_itable_init=1,nodiscard,root_owner=0:0", name,
            ], environment: ["MKE2FS_CONFIG=/dev/null", "LC_ALL=C"])
        program.place = directory
        let null = try Descriptor.workingDirectory.openFollowing("/dev/null", O_RDWR)
        var pipe = try Pipe.make()
        guard let output = pipe.far?.view else { preconditionFailure("a new pipe") }
        var started = try program.start(input: null.view, output: output)
        pipe.far = nil
        try started.execute()
        let end = try started.wait()
        if case .exited(0) = end.cause { return }
        let words = (try? pipe.near?.view.readAll(limit: 4096)).flatMap { $0 } ?? []
        let line = String(decoding: words.split(separator: UInt8(ascii: "\n")).last ?? [], as: UTF8.self)
        throw SystemError("mkfs.ext4", name, detail: line.isEmpty ? "" : line + ",", .EIO)
    }

    private static func formatter() throws(SystemError) -> String {
        let places = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"]
        for place in places where try Descriptor.workingDirectory.exists(place + "/mkfs.ext4") {
            return place + "/mkfs.ext4"
        }
        throw SystemError("execve", "mkfs.ext4", .ENOENT)
    }
}
