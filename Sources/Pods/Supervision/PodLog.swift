internal import Glibc
internal import Linux

/// What a pod's command has written, line by line, in the format of Kubernetes' CRI (kubelet, "CRI container logs"):
///
///     2026-01-02T03:04:05.678901234Z stdout F the line
///
/// `P` in the place of `F` is a piece of a line that goes on. A file that is full moves to `log.1`, whose content goes.
///
/// No byte is lost or there twice, whenever the supervisor is killed: what is in a FIFO moves to a spool file within the
/// kernel, and how far spool and log have come is one small write. Who takes over cuts the log there, and goes on.
struct PodLog: ~Copyable {
    enum Stream: String { case out = "stdout", err = "stderr" }

    static let name = "log"
    static let formerName = "log.1"
    private static let stateName = "log.state"
    /// Each of the two files has at most about this many bytes.
    static let limit: Int64 = 8 << 20
    /// The longest piece of a line.
    private static let longest = 16_384
    private static let newline = UInt8(ascii: "\n")

    /// What a stream has in its spool file, and how much of that is in the log.
    private struct Spool: ~Copyable {
        let file: OwnedDescriptor
        var size: Int64
        var logged: Int64
    }

    private let directory: Descriptor
    private var file: OwnedDescriptor
    private let state: OwnedDescriptor
    private var size: Int64
    private var out: Spool
    private var err: Spool
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: longest, alignment: 8)
    /// Bytes that no disk had room for, and that the log does not tell of yet.
    private var lost: Int64

    /// Goes on with the log in `directory`, which must outlive it.
    static func open(in directory: Descriptor) throws(SystemError) -> PodLog {
        let file = try directory.open(name, O_WRONLY | O_CREAT, mode: 0o600)
        let state = try directory.open(stateName, O_RDWR | O_CREAT, mode: 0o600)
        let text = try state.view.readAll(limit: 4096)
        func number(_ i: Int) -> Int64 {
            guard text.count >= 8 * i + 8 else { return 0 }
            return (0..<8).reduce(0) { $0 | Int64(text[8 * i + $1]) << (8 * $1) }
        }
        // Shorter than it was: it is a new file after a rotation.
        let size = min(number(0), try directory.status(of: name).size)
        try file.view.truncate(to: size)
        let out = try spool("out.spool", in: directory, number(1))
        let err = try spool("err.spool", in: directory, number(2))
        var log = PodLog(directory, file, state, size, out, err, lost: number(3))
        // What was found is what counts from now on: a spool that was emptied must not be taken for one that is logged.
        try log.commit()
        try log.convert(.out)
        try log.convert(.err)
        return log
    }

    private static func spool(_ name: String, in directory: Descriptor, _ logged: Int64) throws(SystemError) -> Spool {
        let file = try directory.open(name, O_RDWR | O_CREAT, mode: 0o600)
        let size = try directory.status(of: name).size
        // A spool is emptied when all of it is in the log, and that is written down afterwards.
        return Spool(file: file, size: size, logged: logged > size ? 0 : logged)
    }

    private init(
        _ directory: Descriptor, _ file: consuming OwnedDescriptor, _ state: consuming OwnedDescriptor, _ size: Int64,
        _ out: consuming Spool, _ err: consuming Spool, lost: Int64
    ) {
        self.directory = directory
        self.file = file
        self.state = state
        self.size = size
        self.out = out
        self.err = err
        self.lost = lost
    }

    deinit { buffer.deallocate() }

    /// Takes what is in `pipe`, which does not block, for now. False: there is nothing more.
    mutating func take(_ stream: Stream, from pipe: Descriptor) throws(SystemError) -> Bool {
        let most = 65_536
        let n: Int
        do throws(SystemError) {
            n =
                stream == .out
                ? try pipe.move(to: out.file.view, at: out.size, count: most)
                : try pipe.move(to: err.file.view, at: err.size, count: most)
        } catch {
            if error.code == .EAGAIN { return false }
            guard error.code == .ENOSPC || error.code == .EDQUOT || error.code == .EIO else { throw error }
            // The command goes on, and its output goes.
            let dropped = try pipe.read(into: buffer)
            lost += Int64(dropped)
            try commit()
            return dropped > 0
        }
        if n == 0 { return false }
        if stream == .out { out.size += Int64(n) } else { err.size += Int64(n) }
        try convert(stream)
        return true
    }

    /// From the spool to the log.
    private mutating func convert(_ stream: Stream) throws(SystemError) {
        while true {
            let (from, to) = stream == .out ? (out.logged, out.size) : (err.logged, err.size)
            if from == to { break }
            let spool = stream == .out ? out.file.view : err.file.view
            let n = try spool.read(into: buffer, at: from)
            if n == 0 { break }
            write(PodLog.lines(of: UnsafeRawBufferPointer(rebasing: buffer[..<n]), stream), standingFor: n)
            if stream == .out { out.logged += Int64(n) } else { err.logged += Int64(n) }
            try commit()
        }
        // Emptied first and written down then: a spool that is shorter than what was logged of it is an empty one.
        if stream == .out, out.size > 0 {
            try out.file.view.truncate(to: 0)
            (out.size, out.logged) = (0, 0)
            try commit()
        } else if stream == .err, err.size > 0 {
            try err.file.view.truncate(to: 0)
            (err.size, err.logged) = (0, 0)
            try commit()
        }
    }

    private func commit() throws(SystemError) {
        var text: [UInt8] = []
        for number in [size, out.logged, err.logged, lost] {
            for i in 0..<8 { text.append(UInt8(truncatingIfNeeded: number >> (8 * Int64(i)))) }
        }
        try state.view.write(text, at: 0)
    }

    private static func lines(of text: UnsafeRawBufferPointer, _ stream: Stream) -> [UInt8] {
        let head = Array("\(Clock.rfc3339(Clock.wall())) \(stream.rawValue) ".utf8)
        var lines: [UInt8] = []
        var begin = 0
        for i in text.indices where text[i] == newline || i == text.count - 1 {
            lines += head
            lines.append(text[i] == newline ? UInt8(ascii: "F") : UInt8(ascii: "P"))
            lines.append(UInt8(ascii: " "))
            lines += text[begin..<(text[i] == newline ? i : i + 1)]
            lines.append(newline)
            begin = i + 1
        }
        return lines
    }

    /// A disk that is full costs the log and not the command: what has no room is counted, and told when there is room.
    private mutating func write(_ lines: [UInt8], standingFor count: Int) {
        if size + Int64(lines.count) > PodLog.limit { rotate() }
        do throws(SystemError) {
            try append(lossLine + lines)
            lost = 0
        } catch {
            lost += Int64(count)
            // What was written of them ends somewhere in a line.
            try? file.view.truncate(to: size)
        }
    }

    /// Of what is lost; nothing where nothing is.
    private var lossLine: [UInt8] {
        if lost == 0 { return [] }
        let note = Array("perigee: \(lost) bytes of output are lost: there was no room for them\n".utf8)
        return note.withUnsafeBytes { PodLog.lines(of: $0, .err) }
    }

    /// At the end, when no more output comes that would tell of it.
    mutating func tellLoss() {
        if lost == 0 { return }
        do throws(SystemError) {
            try append(lossLine)
            lost = 0
            try commit()
        } catch { try? file.view.truncate(to: size) }
    }

    private mutating func append(_ lines: [UInt8]) throws(SystemError) {
        _ = try file.view.seek(to: size)
        try file.view.write(lines)
        size += Int64(lines.count)
    }

    private mutating func rotate() {
        do throws(SystemError) {
            try directory.rename(PodLog.name, to: PodLog.formerName, in: directory)
            file = try directory.open(PodLog.name, O_WRONLY | O_CREAT, mode: 0o600)
            size = 0
            try commit()
        } catch {
            // The old file goes on: larger than it should be, and whole.
        }
    }
}
