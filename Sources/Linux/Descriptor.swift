internal import CLinux
internal import Glibc

/// An open file's number, borrowed: whoever holds the ``OwnedDescriptor`` must keep it alive while this is used.
package struct Descriptor: Hashable, Sendable {
    /// The number, or `AT_FDCWD`.
    package let number: Int32

    /// Wraps a number that somebody else owns.
    package init(_ number: Int32) { self.number = number }

    /// The working directory, for the calls that take a directory.
    package static let workingDirectory = Descriptor(AT_FDCWD)
    package static let standardInput = Descriptor(0)
    package static let standardOutput = Descriptor(1)
    package static let standardError = Descriptor(2)

    var subject: String { "descriptor \(number)" }
}

/// An open file that is closed when this value goes. It is close-on-exec from birth: no initialiser makes another.
package struct OwnedDescriptor: ~Copyable {
    private let number: Int32

    /// Takes over `number`, which a call has just returned.
    package init(taking number: Int32) { self.number = number }

    deinit { _ = clinux_close(number) }

    /// The borrowed view that the calls take.
    package var view: Descriptor { Descriptor(number) }

    /// Closes and reports what `close(2)` says: for files that were written.
    package consuming func close() throws(SystemError) {
        let number = self.number
        discard self
        _ = try check(clinux_close(number), "close", "descriptor \(number)")
    }

    /// Hands the number to a new owner, who closes it.
    package consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }
}

/// What `fstatat(2)` says of a file.
package struct FileStatus: Sendable {
    package let device: UInt64
    package let inode: UInt64
    /// Type and permission bits, as in `st_mode`.
    package let mode: UInt32
    package let links: UInt64
    package let owner: UInt32
    package let group: UInt32
    /// Of a device node, what it stands for, as `makedev(3)` packs it.
    package let rawDevice: UInt64
    /// In bytes.
    package let size: Int64
    /// What it takes on the disk, in bytes.
    package let allocated: Int64
    /// Last change of the content: seconds since the epoch, nanoseconds.
    package let modified: (seconds: Int, nanoseconds: Int)

    init(_ s: stat) {
        device = UInt64(s.st_dev)
        inode = UInt64(s.st_ino)
        mode = s.st_mode
        links = UInt64(s.st_nlink)
        owner = s.st_uid
        group = s.st_gid
        rawDevice = UInt64(s.st_rdev)
        size = Int64(s.st_size)
        allocated = Int64(s.st_blocks) * 512
        modified = (s.st_mtim.tv_sec, s.st_mtim.tv_nsec)
    }

    package var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
    package var isRegular: Bool { mode & S_IFMT == S_IFREG }
    package var isSymlink: Bool { mode & S_IFMT == S_IFLNK }
    package var isCharacterDevice: Bool { mode & S_IFMT == S_IFCHR }
    package var isBlockDevice: Bool { mode & S_IFMT == S_IFBLK }
}

// MARK: - Reading and writing

extension Descriptor {
    /// Reads up to `buffer.count` bytes; 0 is the end. Wraps `read(2)`, again after EINTR.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try check(retrying { clinux_read(number, buffer.baseAddress, buffer.count) }, "read", subject)
    }

    /// Reads up to `buffer.count` bytes from `offset`. Wraps `pread(2)`.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        try check(retrying { clinux_pread(number, buffer.baseAddress, buffer.count, offset) }, "pread", subject)
    }

    /// Writes all of `buffer`. Wraps `write(2)`, again after EINTR and after a short write.
    package func write(_ buffer: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = buffer
        while !rest.isEmpty {
            let here = rest
            let n = try check(retrying { clinux_write(number, here.baseAddress, here.count) }, "write", subject)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(n))
        }
    }

    /// Writes `bytes` at `offset`: what lies in one page is there or not, whenever we are killed. Wraps `pwrite(2)`.
    package func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        let n = try check(
            bytes.withUnsafeBytes { clinux_pwrite(number, $0.baseAddress, $0.count, offset) }, "pwrite", subject)
        if n != bytes.count { throw SystemError("pwrite", subject, .EIO) }
    }

    /// Moves what is in this pipe, at most `count` bytes, to `offset` in `file`: how many. What was moved is in the file
    /// and what was not in the pipe, whenever we are killed. EAGAIN: there is nothing. Wraps `splice(2)`.
    package func move(to file: Descriptor, at offset: Int64, count: Int) throws(SystemError) -> Int {
        try check(retrying { clinux_splice_to_file(number, file.number, offset, count) }, "splice", subject)
    }

    /// Writes all of `bytes`.
    package func write(_ bytes: [UInt8]) throws(SystemError) {
        // A plain pointer and not `withUnsafeBytes`, whose rethrow loses the error's type in Swift 6.0.
        let count = bytes.count
        let result: Result<Void, SystemError> = bytes.withUnsafeBytes { buffer in
            do throws(SystemError) {
                return .success(try write(UnsafeRawBufferPointer(start: buffer.baseAddress, count: count)))
            } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Writes all of `text` as UTF-8.
    package func write(_ text: String) throws(SystemError) { try write(Array(text.utf8)) }

    /// Sends one byte to the other end of a socket, which is EPIPE and no signal where that is closed. Wraps `send(2)`.
    package func send(_ byte: UInt8) throws(SystemError) {
        _ = try check(retrying { clinux_send_byte(number, byte) }, "sendto", subject)
    }

    /// Reads to the end, at most `limit` bytes: one more is EFBIG, and the file was then not read whole.
    /// `size` is what the file is known to have, as a hint.
    package func readAll(limit: Int, size: Int64 = 0) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        let room = (0...Int64(limit)).contains(size) ? Int(size) : 0
        while true {
            // One byte beyond what is expected: that there is none shows the end, in the room that is there already.
            let want = room > 0 && bytes.count <= room ? room - bytes.count + 1 : 4096
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: want))
            let n = try check(
                bytes.withUnsafeMutableBytes { buffer in
                    retrying { clinux_read(number, buffer.baseAddress.map { $0 + start }, want) }
                }, "read", subject)
            bytes.removeLast(want - n)
            if n == 0 { return bytes }
            if bytes.count > limit { throw SystemError("read", subject, detail: "more than \(limit) bytes", .EFBIG) }
        }
    }

    /// Moves the file's offset. Wraps `lseek(2)`.
    @discardableResult
    package func seek(to offset: Int64, from whence: Int32 = SEEK_SET) throws(SystemError) -> Int64 {
        Int64(try check(clinux_lseek(number, offset, whence), "lseek", subject))
    }

    /// Sets the file's length in bytes. Wraps `ftruncate(2)`.
    package func truncate(to size: Int64) throws(SystemError) {
        _ = try check(retrying { clinux_ftruncate(number, size) }, "ftruncate", subject)
    }

    /// What the file is. Wraps `fstatat(2)` with `AT_EMPTY_PATH`, so `O_PATH` descriptors work too.
    package func status() throws(SystemError) -> FileStatus {
        var s = stat()
        _ = try check(clinux_fstat(number, &s), "fstat", subject)
        return FileStatus(s)
    }

    /// Waits until what was written is on the disk. Wraps `fsync(2)`.
    package func synchronize() throws(SystemError) {
        _ = try check(retrying { clinux_fsync(number) }, "fsync", subject)
    }

    /// Waits until the whole file system that holds this file is on the disk. Wraps `syncfs(2)`.
    package func synchronizeFileSystem() throws(SystemError) {
        _ = try check(retrying { clinux_syncfs(number) }, "syncfs", subject)
    }

    /// Takes a lock of the open file description; false: another holds it and `waiting` is false. Wraps `flock(2)`.
    package func lock(exclusive: Bool, waiting: Bool) throws(SystemError) -> Bool {
        let operation = (exclusive ? LOCK_EX : LOCK_SH) | (waiting ? 0 : LOCK_NB)
        let result = retrying { clinux_flock(number, operation) }
        if result == -Int(Errno.EAGAIN.rawValue) { return false }
        _ = try check(result, "flock", subject)
        return true
    }

    /// A second descriptor of the same open file, at least number `lowest`. Wraps `fcntl(2)` F_DUPFD_CLOEXEC.
    package func duplicate(lowest: Int32 = 3) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(taking: Int32(try check(clinux_fcntl(number, F_DUPFD_CLOEXEC, Int(lowest)), "fcntl", subject)))
    }
}

extension Descriptor {
    /// Makes this number, one of the standard streams, mean the open file of `other` too, and stay open when a program is
    /// executed. Wraps `dup2(2)`.
    package func become(_ other: Descriptor) { _ = clinux_dup2(other.number, number) }
}
