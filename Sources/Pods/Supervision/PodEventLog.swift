internal import Glibc
internal import Linux

/// What has happened to the pods of a root: JSON Lines in `.events` beside their directories, written by whichever process
/// does the thing, each line by one write(2). A file that is full becomes `.events.1`, whose content goes.
///
/// Who writes holds a shared lock and has seen that the file is still the one of that name; who turns it over holds an
/// exclusive one: so nothing comes into a file that has been turned over, and who follows misses nothing. Nobody waits
/// longer than a moment, and what can't be written is left out: a pod does not depend on its events.
enum PodEventLog {
    static let name = ".events"
    static let formerName = ".events.1"
    /// Bytes from which on a new file is begun: some four thousand events.
    static let limit: Int64 = 1 << 20
    /// Bytes of a line with its end: less than this.
    static let longestLine = 4096

    /// Adds an event of a pod below `pods`, where that is possible.
    static func add(_ event: PodEvent, in pods: String, limit: Int64 = limit) {
        let line = event.line
        if line.isEmpty { return }
        do throws(SystemError) {
            let all = try Descriptor.workingDirectory.openFollowing(pods, O_RDONLY | O_DIRECTORY)
            // A tenth of a second in all: who turns it over may have lost its processor meanwhile.
            let tries = 16
            var pause: Int64 = 200_000
            for _ in 1...tries {
                if try append(line, in: all.view, limit) { return }
                Clock.pause(pause)
                pause = min(2 * pause, 10_000_000)
            }
        } catch {
            // The thing itself has happened all the same.
        }
    }

    /// False: the file is being turned over.
    private static func append(_ line: [UInt8], in all: Descriptor, _ limit: Int64) throws(SystemError) -> Bool {
        let file = try all.open(name, O_RDWR | O_APPEND | O_CREAT, mode: 0o600)
        guard try file.view.lock(exclusive: false, waiting: false), try isCurrent(file.view, in: all) else {
            return false
        }
        let size = try file.view.status().size
        // On a disk that was full a line may have no end.
        try file.view.write(try endsWithin(file.view, size) ? [UInt8(ascii: "\n")] + line : line)
        if size + Int64(line.count) >= limit { try turnOver(file.view, in: all) }
        return true
    }

    private static func endsWithin(_ file: Descriptor, _ size: Int64) throws(SystemError) -> Bool {
        if size == 0 { return false }
        let last = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
        defer { last.deallocate() }
        return try file.read(into: last, at: size - 1) == 1 && last[0] != UInt8(ascii: "\n")
    }

    /// The next does it where another writes at this moment.
    private static func turnOver(_ file: Descriptor, in all: Descriptor) throws(SystemError) {
        // Not one lock made another, but a new one: between the two a third may have turned it over.
        guard try file.lock(exclusive: true, waiting: false), try isCurrent(file, in: all) else { return }
        try all.rename(name, to: formerName, in: all)
    }

    private static func isCurrent(_ file: Descriptor, in all: Descriptor) throws(SystemError) -> Bool {
        do throws(SystemError) { return try all.status(of: name).inode == file.status().inode } catch {
            if error.code == .ENOENT { return false }
            throw error
        }
    }
}
