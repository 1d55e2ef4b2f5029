internal import Glibc
package import Linux

/// What a pod has printed, as it printed it.
package struct PodLogReader: ~Copyable {
    private let directory: OwnedDescriptor
    private let path: String
    private let watch: DirectoryWatch?
    private var file: OwnedDescriptor
    private var inode: UInt64
    /// What has been read of a line of the log.
    private var pending: [UInt8] = []
    private let keepsTimes: Bool
    /// Another file has come in the place of this one, which gets no more.
    private var isFull = false
    /// It begins within a line, which is passed over.
    private var beginsWithin: Bool
    /// The piece of a line before was not its last.
    private var goesOn = (out: false, err: false)

    /// Begins with the oldest that is kept of the pod in `path`, or with what comes from now on, as `begin` says. With
    /// `follows` it can wait for more.
    package static func open(
        _ path: String, timestamps: Bool, follows: Bool, from begin: Begin = .oldest
    ) throws(SystemError) -> PodLogReader? {
        let directory = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_DIRECTORY)
        let watch = follows ? try DirectoryWatch.begin(path, contents: true) : nil
        for name in begin == .now ? [PodLog.name] : [PodLog.formerName, PodLog.name] {
            do throws(SystemError) {
                // Who follows a pod that has not begun makes the file that its supervisor will write to.
                let flags = follows && name == PodLog.name ? O_RDONLY | O_CREAT : O_RDONLY
                let file = try directory.view.open(name, flags, mode: 0o600)
                let inode = try file.view.status().inode
                let isWithin = begin == .now ? try passOver(file.view) : false
                return PodLogReader(directory, path, watch, file, inode, timestamps, beginsWithin: isWithin)
            } catch {
                if error.code != .ENOENT { throw error }
            }
        }
        return nil
    }

    /// Where reading begins.
    package enum Begin: Sendable { case oldest, now }

    /// Goes to the end. Returns whether that is within a line, which its writer has not written to its end.
    private static func passOver(_ file: Descriptor) throws(SystemError) -> Bool {
        let end = try file.seek(to: 0, from: SEEK_END)
        if end == 0 { return false }
        let last = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
        defer { last.deallocate() }
        return try file.read(into: last, at: end - 1) == 1 && last[0] != UInt8(ascii: "\n")
    }

    private init(
        _ directory: consuming OwnedDescriptor, _ path: String, _ watch: consuming DirectoryWatch?,
        _ file: consuming OwnedDescriptor, _ inode: UInt64, _ keepsTimes: Bool, beginsWithin: Bool
    ) {
        self.directory = directory
        self.path = path
        self.watch = watch
        self.file = file
        self.inode = inode
        self.keepsTimes = keepsTimes
        self.beginsWithin = beginsWithin
    }

    /// The next that there is, for the standard output and for the standard error; nil: there is no more for now.
    package mutating func next() throws(SystemError) -> (out: [UInt8], err: [UInt8])? {
        let size = 65_536
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let n = try file.view.read(into: buffer)
            if n > 0 {
                pending.append(contentsOf: buffer[..<n])
                return split()
            }
            guard try goOn() else { return nil }
        }
    }

    /// To the file that came after this one; false: it is the last.
    private mutating func goOn() throws(SystemError) -> Bool {
        do throws(SystemError) {
            let status = try directory.view.status(of: PodLog.name)
            if status.inode == inode { return false }
            // What came into the old one after it was read, and before it was full.
            if !isFull {
                isFull = true
                return true
            }
            isFull = false
            file = try directory.view.open(PodLog.name, O_RDONLY)
            inode = status.inode
            pending = []
            return true
        } catch {
            if error.code == .ENOENT { return false }
            throw error
        }
    }

    private mutating func split() -> (out: [UInt8], err: [UInt8]) {
        var out: [UInt8] = [], err: [UInt8] = []
        var begin = 0
        let blank = UInt8(ascii: " ")
        while let end = pending[begin...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = pending[begin..<end]
            begin = end + 1
            if beginsWithin {
                beginsWithin = false
                continue
            }
            // TIME STREAM F TEXT
            let parts = line.split(separator: blank, maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count == 4 else { continue }
            let isErr = parts[1].elementsEqual("stderr".utf8)
            let isWhole = parts[2].elementsEqual("F".utf8)
            var text: [UInt8] = []
            if keepsTimes, !(isErr ? goesOn.err : goesOn.out) { text = Array(parts[0]) + [blank] }
            text += parts[3]
            if isWhole { text.append(UInt8(ascii: "\n")) }
            if isErr {
                err += text
                goesOn.err = !isWhole
            } else {
                out += text
                goesOn.out = !isWhole
            }
        }
        pending.removeFirst(begin)
        return (out, err)
    }

    /// Waits until something has happened in the pod's directory, or `milliseconds` are over.
    package func await(milliseconds: Int32) throws(SystemError) {
        guard let view = watchView else { return }
        _ = try Poll.readable([view], timeout: milliseconds)
        try clear()
    }

    private var watchView: Descriptor? {
        switch watch {
        case .some(let watch): watch.view
        case .none: nil
        }
    }

    private func clear() throws(SystemError) {
        switch watch {
        case .some(let watch): try watch.clear()
        case .none: break
        }
    }
}
