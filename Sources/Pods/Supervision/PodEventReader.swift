internal import Glibc
package import Linux
internal import OCI

/// Reads what has happened to the pods of a root, from the oldest that is kept, and waits for more.
package struct PodEventReader: ~Copyable {
    private let directory: OwnedDescriptor
    private var file: OwnedDescriptor
    private var inode: UInt64
    private let watch: DirectoryWatch?
    /// What has been read of a line.
    private var pending: [UInt8] = []
    /// Another file has come in the place of this one, which gets no more.
    private var isFull = false

    /// Of the pods below `pods`; nil: there is nothing, and nobody follows.
    package static func open(_ pods: String, follows: Bool) throws(SystemError) -> PodEventReader? {
        let here = Descriptor.workingDirectory
        if follows { try here.makeDirectories(pods, mode: 0o700) }
        let directory: OwnedDescriptor
        do throws(SystemError) { directory = try here.openFollowing(pods, O_RDONLY | O_DIRECTORY) } catch {
            if error.code == .ENOENT { return nil }
            throw error
        }
        // Before anything is read: what comes then is seen.
        let watch = follows ? try DirectoryWatch.begin(pods, contents: true) : nil
        for name in [PodEventLog.formerName, PodEventLog.name] {
            do throws(SystemError) {
                let flags = follows && name == PodEventLog.name ? O_RDONLY | O_CREAT : O_RDONLY
                let file = try directory.view.open(name, flags, mode: 0o600)
                let inode = try file.view.status().inode
                return PodEventReader(directory, file, inode, watch)
            } catch {
                if error.code != .ENOENT { throw error }
            }
        }
        return nil
    }

    private init(
        _ directory: consuming OwnedDescriptor, _ file: consuming OwnedDescriptor, _ inode: UInt64,
        _ watch: consuming DirectoryWatch?
    ) {
        self.directory = directory
        self.file = file
        self.inode = inode
        self.watch = watch
    }

    /// The next that there are; nil: there are no more for now.
    package mutating func next() throws(SystemError) -> [PodEvent]? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let n = try file.view.read(into: buffer)
            if n > 0 {
                pending.append(contentsOf: buffer[..<n])
                return take()
            }
            guard try goOn() else { return nil }
        }
    }

    /// To the file that came after this one; false: it is the last.
    private mutating func goOn() throws(SystemError) -> Bool {
        guard let current = try inode(of: PodEventLog.name), current != inode else { return false }
        // What came into this one after it was read, and before it was turned over.
        if !isFull {
            isFull = true
            return true
        }
        // Where it was turned over twice meanwhile, the one after this is a former one, too.
        let former = try inode(of: PodEventLog.formerName)
        let name = former == nil || former == inode ? PodEventLog.name : PodEventLog.formerName
        do throws(SystemError) {
            file = try directory.view.open(name, O_RDONLY)
            inode = try file.view.status().inode
        } catch {
            if error.code == .ENOENT { return false }
            throw error
        }
        isFull = false
        pending = []
        return true
    }

    private func inode(of name: String) throws(SystemError) -> UInt64? {
        do throws(SystemError) { return try directory.view.status(of: name).inode } catch {
            if error.code == .ENOENT { return nil }
            throw error
        }
    }

    /// The events of the whole lines that are pending. What is none, since the disk was full, is passed over.
    private mutating func take() -> [PodEvent] {
        var found: [PodEvent] = []
        var begin = 0
        while let end = pending[begin...].firstIndex(of: UInt8(ascii: "\n")) {
            if let json = try? JSON(parsing: Array(pending[begin..<end])), let event = try? PodEvent(json) {
                found.append(event)
            }
            begin = end + 1
        }
        pending.removeFirst(begin)
        // No line of ours: a file that somebody else has written.
        if pending.count > PodEventLog.longestLine { pending = [] }
        return found
    }

    /// Waits until something may have happened.
    package func await() throws(SystemError) {
        switch watch {
        case .some(let watch):
            _ = try Poll.readable([watch.view])
            try watch.clear()
        case .none: break
        }
    }
}
