internal import CLinux
internal import Glibc

/// Tells that something was made in a directory, or moved into it: inotify(7). A user has few of these (128 by default, for
/// all his processes): where there is none to be had it tells five times a second that something may have happened.
package struct DirectoryWatch: ~Copyable {
    private let descriptor: OwnedDescriptor
    /// It is a timer, and watches nothing.
    private let isTimer: Bool

    private init(_ descriptor: consuming OwnedDescriptor, isTimer: Bool = false) {
        self.descriptor = descriptor
        self.isTimer = isTimer
    }

    /// Of no directory yet.
    package static func make() throws(SystemError) -> DirectoryWatch {
        do throws(SystemError) {
            return DirectoryWatch(OwnedDescriptor(taking: Int32(try check(clinux_inotify_init(), "inotify_init1", ""))))
        } catch {
            guard error.code == .EMFILE else { throw error }
            let timer = try check(clinux_timerfd_create(CLOCK_MONOTONIC), "timerfd_create", "")
            let watch = DirectoryWatch(OwnedDescriptor(taking: Int32(timer)), isTimer: true)
            try watch.clear()
            return watch
        }
    }

    /// Of `path`, from now on; with `contents` of the writing of what is in it too.
    package static func begin(_ path: String, contents: Bool = false) throws(SystemError) -> DirectoryWatch {
        let watch = try make()
        try watch.add(path, contents: contents)
        return watch
    }

    /// Watches `path` too.
    package func add(_ path: String, contents: Bool = false) throws(SystemError) {
        if isTimer { return }
        var events = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_DELETE_SELF)
        if contents { events |= UInt32(IN_MODIFY) }
        _ = try check(
            clinux_inotify_add_watch(descriptor.view.number, path, events), "inotify_add_watch", path)
    }

    /// For poll(2): readable once something has happened.
    package var view: Descriptor { descriptor.view }

    /// Forgets what has happened so far.
    package func clear() throws(SystemError) {
        if isTimer {
            let next = Clock.monotonic() + 200_000_000
            _ = try check(
                clinux_timerfd_settime(
                    view.number, Int32(TFD_TIMER_ABSTIME), Int64(next / 1_000_000_000), Int64(next % 1_000_000_000)),
                "timerfd_settime", "")
            return
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
        defer { buffer.deallocate() }
        do throws(SystemError) { while try view.read(into: buffer) > 0 {} } catch  where error.code == .EAGAIN {}
    }
}
