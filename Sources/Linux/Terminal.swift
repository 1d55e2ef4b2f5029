internal import CLinux
internal import Glibc

/// How many rows and columns a terminal has: `struct winsize` of ioctl_tty(2).
package struct WindowSize: Hashable, Sendable {
    package var rows: UInt16
    package var columns: UInt16
    /// In pixels; most terminals leave them at 0.
    var width: UInt16 = 0
    var height: UInt16 = 0

    package init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }

    init(_ size: winsize) {
        (rows, columns, width, height) = (size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel)
    }
}

extension Descriptor {
    /// The size of the terminal; nil: it is none. Wraps ioctl(2) with TIOCGWINSZ.
    package var windowSize: WindowSize? {
        var size = winsize()
        return clinux_get_size(number, &size) < 0 ? nil : WindowSize(size)
    }

    /// Tells the terminal its size, and whoever is in its foreground by SIGWINCH. Wraps ioctl(2) with TIOCSWINSZ.
    package func setWindowSize(_ size: WindowSize) throws(SystemError) {
        var size = winsize(
            ws_row: size.rows, ws_col: size.columns, ws_xpixel: size.width, ws_ypixel: size.height)
        _ = try check(clinux_set_size(number, &size), "ioctl", subject, detail: "TIOCSWINSZ")
    }

    /// The character that ends the input of the terminal's lines; nil: it takes every byte as it is. Wraps tcgetattr(3).
    package var endOfInput: UInt8? {
        let character = clinux_end_of_input(number)
        return character < 0 ? nil : UInt8(truncatingIfNeeded: character)
    }

    /// Makes every later read and write fail with EAGAIN rather than wait. Of the open file: of all that share it. Wraps
    /// fcntl(2) with F_SETFL.
    package func neverWait() throws(SystemError) {
        let flags = try check(clinux_fcntl(number, F_GETFL, 0), "fcntl", subject, detail: "F_GETFL")
        _ = try check(clinux_fcntl(number, F_SETFL, flags | Int(O_NONBLOCK)), "fcntl", subject, detail: "F_SETFL")
    }

    /// The same terminal or pipe as another open file, that never waits and of whose flags nobody else knows; nil: it is
    /// something else, or can't be opened again.
    package func reopenedWithoutWaiting(_ flags: Int32) -> OwnedDescriptor? {
        guard let status = try? status(), status.isCharacterDevice || status.mode & S_IFMT == S_IFIFO else {
            return nil
        }
        return try? Descriptor.workingDirectory.openFollowing("/proc/self/fd/\(number)", flags | O_NONBLOCK)
    }

    /// Writes what of `buffer` can be written now. EAGAIN: nothing. Wraps `write(2)`.
    package func writeSome(_ buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try check(retrying { clinux_write(number, buffer.baseAddress, buffer.count) }, "write", subject)
    }
}

/// A terminal in raw mode, which passes every byte on as it is: cfmakeraw(3). It is as it was when this value goes, and
/// also when a signal ends the process.
package struct RawMode: ~Copyable {
    private let terminal: Descriptor
    private var before: termios

    /// `terminal` must stay open as long as this value lives. Only one at a time. Wraps tcsetattr(3).
    package static func enter(_ terminal: Descriptor) throws(SystemError) -> RawMode {
        var before = termios()
        _ = try check(clinux_enter_raw(terminal.number, &before), "tcsetattr", terminal.subject)
        return RawMode(terminal, before)
    }

    private init(_ terminal: Descriptor, _ before: termios) {
        self.terminal = terminal
        self.before = before
    }

    deinit {
        var before = before
        _ = clinux_leave_raw(terminal.number, &before)
        clinux_unguard()
    }

    /// For a moment as it was: while the process is stopped.
    package mutating func leave() { _ = clinux_leave_raw(terminal.number, &before) }

    /// Raw again. What can't be set is left: whoever has the terminal now may be somebody else.
    package func reenter() { _ = clinux_return_raw(terminal.number) }
}
