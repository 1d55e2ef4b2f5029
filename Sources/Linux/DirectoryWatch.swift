internal import CLinux
internal import Glibc

/// Tells that something was made in a directory, or moved into it: inotify(7).
package struct DirectoryWatch: ~Copyable {
    private let descriptor: OwnedDescriptor

    private init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    /// Of no directory yet.
    package static func make() throws(SystemError) -> DirectoryWatch {
        DirectoryWatch(OwnedDescriptor(taking: Int32(try check(clinux_inotify_init(), "inotify_init1", ""))))
    }

    /// Of `path`, from now on; with `contents` of the writing of what is in it too.
    package static func begin(_ path: String, contents: Bool = false) throws(SystemError) -> DirectoryWatch {
        let watch = try make()
        try watch.add(path, contents: contents)
        return watch
    }

    /// Watches `path` too.
    package func add(_ path: String, contents: Bool = false) throws(SystemError) {
        var events = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_DELETE_SELF)
        if contents { events |= UInt32(IN_MODIFY) }
        _ = try check(
            clinux_inotify_add_watch(descriptor.view.number, path, events), "inotify_add_watch", path)
    }

    /// For poll(2): readable once something has happened.
    package var view: Descriptor { descriptor.view }

    /// Forgets what has happened so far.
    package func clear() throws(SystemError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
        defer { buffer.deallocate() }
        do throws(SystemError) { while try view.read(into: buffer) > 0 {} } catch  where error.code == .EAGAIN {}
    }
}
