internal import Glibc
internal import Linux
package import OCI

/// Output of a pod's that no disk had room for.
package struct LostOutput: Hashable, Sendable {
    /// Ends of lines among the bytes.
    package var lines: Int64
    package var bytes: Int64

    package var json: JSON.Value { .object([("lines", .integer(lines)), ("bytes", .integer(bytes))]) }
}

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
    static let stateName = "log.state"
    /// What the state is of a pod that has not begun: it has its room before the disk may be full.
    static let noState = [UInt8](repeating: 0, count: 48)
    /// A line, or a piece of one, has room in half of that.
    static let smallestLimit: Int64 = 4096
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
    /// Neither of the two files has more bytes.
    private let most: Int64
    private var file: OwnedDescriptor
    private let state: OwnedDescriptor
    private var size: Int64
    private var out: Spool
    private var err: Spool
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: longest, alignment: 8)
    /// Bytes that no disk had room for, and that the log does not tell of yet.
    private var lost: Int64
    private var loss: LostOutput

    /// Goes on with the log in `directory`, which must outlive it. Both files together have at most `limit` bytes; nil: any
    /// number.
    static func open(in directory: Descriptor, limit: Int64?) throws(SystemError) -> PodLog {
        let file = try directory.open(name, O_WRONLY | O_CREAT, mode: 0o600)
        let state = try directory.open(stateName, O_RDWR | O_CREAT, mode: 0o600)
        let text = try state.view.readAll(limit: 4096)
        func number(_ i: Int) -> Int64 { PodLog.number(i, in: text) }
        // Shorter than it was: it is a new file after a rotation.
        let size = min(number(0), try directory.status(of: name).size)
        try file.view.truncate(to: size)
        let out = try spool("out.spool", in: directory, number(1))
        let err = try spool("err.spool", in: directory, number(2))
        var log = PodLog(
            directory, file, state, size, out, err, lost: number(3), LostOutput(lines: number(4), bytes: number(5)),
            most: limit.map { max($0, smallestLimit) / 2 } ?? Int64.max)
        // What was found is what counts from now on: a spool that was emptied must not be taken for one that is logged.
        log.commit()
        try log.convert(.out)
        try log.convert(.err)
        return log
    }

    /// What the log in `directory` has no trace of; nil: it is whole, but for what was too much.
    static func loss(in directory: Descriptor) -> LostOutput? {
        guard let text = try? directory.readFile(stateName, limit: 4096) else { return nil }
        let loss = LostOutput(lines: number(4, in: text), bytes: number(5, in: text))
        return loss.bytes > 0 ? loss : nil
    }

    /// The numbers of the state: the log's size, what is logged of each spool, the bytes whose loss is not told, and all that
    /// was lost: lines, and bytes.
    private static func number(_ i: Int, in text: [UInt8]) -> Int64 {
        guard text.count >= 8 * i + 8 else { return 0 }
        return (0..<8).reduce(0) { $0 | Int64(text[8 * i + $1]) << (8 * $1) }
    }

    private static func spool(_ name: String, in directory: Descriptor, _ logged: Int64) throws(SystemError) -> Spool {
        let file = try directory.open(name, O_RDWR | O_CREAT, mode: 0o600)
        let size = try directory.status(of: name).size
        // A spool is emptied when all of it is in the log, and that is written down afterwards.
        return Spool(file: file, size: size, logged: logged > size ? 0 : logged)
    }

    private init(
        _ directory: Descriptor, _ file: consuming OwnedDescriptor, _ state: consuming OwnedDescriptor, _ size: Int64,
        _ out: consuming Spool, _ err: consuming Spool, lost: Int64, _ loss: LostOutput, most: Int64
    ) {
        self.directory = directory
        self.file = file
        self.state = state
        self.size = size
        self.out = out
        self.err = err
        self.lost = lost
        self.loss = loss
        self.most = most
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
            lose(UnsafeRawBufferPointer(rebasing: buffer[..<dropped]))
            commit()
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
            let count = Int64(write(UnsafeRawBufferPointer(rebasing: buffer[..<n]), stream))
            if stream == .out { out.logged += count } else { err.logged += count }
            commit()
        }
        // Emptied first and written down then: a spool that is shorter than what was logged of it is an empty one.
        if stream == .out, out.size > 0 {
            try out.file.view.truncate(to: 0)
            (out.size, out.logged) = (0, 0)
            commit()
        } else if stream == .err, err.size > 0 {
            try err.file.view.truncate(to: 0)
            (err.size, err.logged) = (0, 0)
            commit()
        }
    }

    /// It is written in its place, which no full disk denies; where one does all the same, the pod goes on: only a supervisor
    /// that is killed now would be missed.
    private func commit() {
        var text: [UInt8] = []
        for number in [size, out.logged, err.logged, lost, loss.lines, loss.bytes] {
            for i in 0..<8 { text.append(UInt8(truncatingIfNeeded: number >> (8 * Int64(i)))) }
        }
        try? state.view.write(text, at: 0)
    }

    /// `TIME STREAM`, as each line of the log begins.
    private static func head(_ stream: Stream) -> [UInt8] {
        Array("\(Clock.rfc3339(Clock.wall())) \(stream.rawValue) ".utf8)
    }

    /// The lines of `text` that have room in `room` bytes of the log, and how many bytes of the text they are. A line that is
    /// too long for it is cut where `cuts`.
    private static func lines(
        of text: UnsafeRawBufferPointer, _ stream: Stream, room: Int64, cuts: Bool
    ) -> (lines: [UInt8], count: Int) {
        let head = head(stream)
        // With the letter, the blank, and the end.
        let frame = head.count + 3
        var lines: [UInt8] = []
        var begin = 0
        while begin < text.count {
            let end = text[begin...].firstIndex(of: newline) ?? text.count
            let left = room - Int64(lines.count + frame)
            var cut = end
            if Int64(end - begin) > left {
                guard cuts, lines.isEmpty, left > 0 else { break }
                cut = begin + Int(left)
            }
            let isWhole = cut == end && end < text.count
            lines += head
            lines.append(UInt8(ascii: isWhole ? "F" : "P"))
            lines.append(UInt8(ascii: " "))
            lines += text[begin..<cut]
            lines.append(newline)
            begin = isWhole ? cut + 1 : cut
        }
        return (lines, begin)
    }

    /// Writes what there is room for, at least one line or a piece of it, and returns how many bytes of `text` that was. A
    /// disk that is full costs the log and not the command: what has no room there is counted, and told when there is.
    private mutating func write(_ text: UnsafeRawBufferPointer, _ stream: Stream) -> Int {
        let note = lossLine
        let kept = Int64(note.count)
        var (lines, count) = PodLog.lines(of: text, stream, room: most - size - kept, cuts: false)
        if count == 0 {
            let isFresh = rotate()
            (lines, count) = PodLog.lines(of: text, stream, room: isFresh ? most - kept : Int64.max, cuts: true)
        }
        do throws(SystemError) {
            try append(note + lines)
            lost = 0
        } catch {
            lose(UnsafeRawBufferPointer(rebasing: text[..<count]))
            // What was written of them ends somewhere in a line.
            try? file.view.truncate(to: size)
        }
        return count
    }

    private mutating func lose(_ text: UnsafeRawBufferPointer) {
        lost += Int64(text.count)
        loss.bytes += Int64(text.count)
        for byte in text where byte == PodLog.newline { loss.lines += 1 }
    }

    /// Of what is lost; nothing where nothing is.
    private var lossLine: [UInt8] {
        if lost == 0 { return [] }
        let note = "perigee: \(lost) bytes of output are lost: there was no room for them\n"
        return PodLog.head(.err) + Array("F \(note)".utf8)
    }

    /// At the end, when no more output comes that would tell of it.
    mutating func tellLoss() {
        if lost == 0 { return }
        do throws(SystemError) {
            try append(lossLine)
            lost = 0
            commit()
        } catch { try? file.view.truncate(to: size) }
    }

    private mutating func append(_ lines: [UInt8]) throws(SystemError) {
        _ = try file.view.seek(to: size)
        try file.view.write(lines)
        size += Int64(lines.count)
    }

    /// The file that is full takes the place of the one before it; false: it can't, and goes on: larger than it should be, and
    /// whole.
    private mutating func rotate() -> Bool {
        if size == 0 { return true }
        do throws(SystemError) {
            try directory.rename(PodLog.name, to: PodLog.formerName, in: directory)
            file = try directory.open(PodLog.name, O_WRONLY | O_CREAT, mode: 0o600)
            size = 0
            commit()
            return true
        } catch { return false }
    }
}
