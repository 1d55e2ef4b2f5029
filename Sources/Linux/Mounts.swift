internal import CLinux
internal import Glibc

/// A file system that is being set up: `fsopen(2)`, `fsconfig(2)`, `fsmount(2)`. What it makes is a detached mount,
/// which is in nobody's mount namespace and goes with its last descriptor, unless `moveMount` attaches it.
/// Errors carry the kernel's own words for what it refused, where it gave some.
package struct FileSystemContext: ~Copyable {
    private let context: OwnedDescriptor
    private let type: String

    /// Opens a context for the file system `type`, as `/proc/filesystems` names it; ENODEV: the kernel has it not.
    package init(type: String) throws(SystemError) {
        context = OwnedDescriptor(taking: Int32(try check(clinux_fsopen(type), "fsopen", "", detail: type)))
        self.type = type
    }

    /// Sets an option to a text of at most 255 bytes.
    package func set(_ key: String, to value: String) throws(SystemError) {
        let n = clinux_fsconfig(context.view.number, FSCONFIG_SET_STRING.rawValue, key, value, 0)
        try checkOption(n, "\(key)=\(value)")
    }

    /// Sets an option that has no value.
    package func set(_ key: String) throws(SystemError) {
        try checkOption(clinux_fsconfig(context.view.number, FSCONFIG_SET_FLAG.rawValue, key, nil, 0), key)
    }

    /// Sets an option to an open file; EINVAL: this kernel wants a path.
    package func set(_ key: String, to value: Descriptor) throws(SystemError) {
        let n = clinux_fsconfig(context.view.number, FSCONFIG_SET_FD.rawValue, key, nil, value.number)
        try checkOption(n, "\(key)=descriptor \(value.number)")
    }

    /// Makes the superblock from the options.
    package func create() throws(SystemError) {
        try checkOption(clinux_fsconfig(context.view.number, FSCONFIG_CMD_CREATE.rawValue, nil, nil, 0), "create")
    }

    /// Makes a detached mount of the superblock; `attributes` are `MOUNT_ATTR_*`.
    package func mount(attributes: UInt32 = 0) throws(SystemError) -> OwnedDescriptor {
        let n = clinux_fsmount(context.view.number, attributes)
        guard n >= 0 else { throw refusal(n, "fsmount", "") }
        return OwnedDescriptor(taking: Int32(n))
    }

    private func checkOption(_ result: Int, _ option: String) throws(SystemError) {
        if result < 0 { throw refusal(result, "fsconfig", option) }
    }

    private func refusal(_ result: Int, _ call: String, _ option: String) -> SystemError {
        SystemError(call, option, detail: messages(), Errno(rawValue: Int32(-result)))
    }

    /// The file system's type, and what the kernel has put into the context's log: a line a read, `e overlay: …`.
    private func messages() -> String {
        var text = type
        var buffer = [UInt8](repeating: 0, count: 1024)
        for _ in 0..<16 {
            let n = buffer.withUnsafeMutableBytes { clinux_read(context.view.number, $0.baseAddress, $0.count) }
            guard n > 2 else { break }
            let line = String(decoding: buffer[2..<n].prefix { $0 != 10 }, as: UTF8.self)
            text += text == type ? " (\(line)" : "; \(line)"
        }
        return text == type ? text : text + ")"
    }
}

extension Descriptor {
    /// A detached copy of the mount at `path`, of it alone or with the mounts below. Wraps `open_tree(2)`
    /// with `OPEN_TREE_CLONE`; an empty path means this file, a link as the last component is not followed.
    package func cloneMount(_ path: String = "", recursive: Bool) throws(SystemError) -> OwnedDescriptor {
        let flags =
            UInt32(OPEN_TREE_CLONE) | UInt32(AT_EMPTY_PATH) | UInt32(AT_SYMLINK_NOFOLLOW)
            | (recursive ? UInt32(AT_RECURSIVE) : 0)
        let n = clinux_open_tree(number, path, flags)
        return OwnedDescriptor(taking: Int32(try check(n, "open_tree", path)))
    }

    /// Attaches the mount that this descriptor is to `path` in `directory` (empty: to `directory` itself). Wraps
    /// `move_mount(2)`; a link as the last component is not followed.
    package func moveMount(to path: String = "", in directory: Descriptor) throws(SystemError) {
        // MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH; no MOVE_MOUNT_T_SYMLINKS.
        let flags: UInt32 = 0x04 | (path.isEmpty ? 0x40 : 0)
        _ = try check(
            clinux_move_mount(number, "", directory.number, path, flags), "move_mount", path)
    }

    /// Sets and clears `MOUNT_ATTR_*` of the mount that this descriptor is, and its propagation (`MS_PRIVATE` and so
    /// on; 0 leaves it). Wraps `mount_setattr(2)`, Linux 5.12.
    package func setMountAttributes(
        set: UInt64 = 0, clear: UInt64 = 0, propagation: UInt64 = 0, recursive: Bool = false
    ) throws(SystemError) {
        let flags = UInt32(AT_EMPTY_PATH) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        _ = try check(clinux_mount_setattr(number, "", flags, set, clear, propagation, 0), "mount_setattr", subject)
    }

    /// Makes this directory the working directory. Wraps `fchdir(2)`.
    package func makeWorkingDirectory() throws(SystemError) {
        _ = try check(clinux_fchdir(number), "fchdir", subject)
    }
}
