internal import Glibc
internal import Linux

/// What has been copied into or out of a volume.
package struct Transfer: Hashable, Sendable {
    package var files = 0
    package var bytes: Int64 = 0
    /// What was left out.
    package var refused: [Refusal] = []

    package struct Refusal: Hashable, Sendable, CustomStringConvertible {
        package let path: String
        package let why: String
        package var description: String { "\(path): \(why)" }
    }
}

/// Files put into directories one by one: written without a name, or where the file system can't do that under one of this
/// process's own, brought to the disk, renamed. A reader sees the old file or the whole new one, never a part, and who is killed
/// leaves nothing of a file without a name.
struct FileCopy: ~Copyable {
    /// How such a name begins. One whose writer is dead goes when something is next put beside it.
    static let temporaryPrefix = ".perigee-new-"

    /// The most bytes in all; nil: any.
    private let limit: Int64?
    /// Files have the mode that is asked for, whatever the umask.
    private let hasExactModes: Bool
    /// Once it is readable the work ends.
    private let asked: Descriptor?
    private var count = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    private(set) var done = Transfer()

    init(limit: Int64?, exactModes: Bool, until asked: Descriptor? = nil) {
        self.limit = limit
        hasExactModes = exactModes
        self.asked = asked
    }

    deinit { buffer.deallocate() }

    /// Remembers that `path` was left out.
    mutating func refuse(_ path: String, _ why: String) { done.refused.append(.init(path: path, why: why)) }

    /// Copies all of `file` to `name` in `directory`, over a file or link that has that name. `path` is for the error.
    mutating func put(
        _ file: Descriptor, as name: [CChar], in directory: Descriptor, mode: UInt32, path: String
    ) throws(PodsError) {
        let temporary = nextName()
        let number: Int32
        var isThere: Bool
        do throws(SystemError) { (number, isThere) = try FileCopy.make(temporary, in: directory, mode: mode) } catch {
            throw .transfer(path, error)
        }
        let new = OwnedDescriptor(taking: number)
        do throws(PodsError) {
            try copy(file, to: new.view, path)
            do throws(SystemError) {
                if hasExactModes { try new.view.setMode(mode) }
                try new.view.synchronize()
                if !isThere {
                    let own = "/proc/self/fd/\(number)"
                    try Descriptor.workingDirectory.link(own, to: temporary, in: directory, flags: AT_SYMLINK_FOLLOW)
                    isThere = true
                }
                try directory.rename(temporary, to: name, in: directory)
            } catch { throw .transfer(path, error) }
        } catch {
            if isThere { FileCopy.remove(temporary, in: directory) }
            throw error
        }
        done.files += 1
    }

    /// A new file, open for writing: without a name where the file system has such files (open(2), O_TMPFILE).
    private static func make(
        _ name: String, in directory: Descriptor, mode: UInt32
    ) throws(SystemError) -> (number: Int32, isNamed: Bool) {
        let unnamed: Int32 = 0o20_000_000 | O_DIRECTORY
        do throws(SystemError) {
            return (try directory.open(".", O_WRONLY | unnamed, mode: mode).release(), false)
        } catch  where [.EOPNOTSUPP, .EISDIR, .ENOENT, .EINVAL].contains(error.code) {
            return (try directory.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: mode).release(), true)
        }
    }

    /// Makes the symbolic link `name` in `directory`, over a file or link that has that name.
    mutating func putLink(
        _ target: String, as name: [CChar], in directory: Descriptor, path: String
    ) throws(PodsError) {
        let temporary = nextName()
        do throws(SystemError) {
            try directory.makeSymlink(temporary, to: target)
            do throws(SystemError) { try directory.rename(temporary, to: name, in: directory) } catch {
                FileCopy.remove(temporary, in: directory)
                throw error
            }
        } catch { throw .transfer(path, error) }
        done.files += 1
    }

    /// Removes what killed commands have left in `directory`.
    static func sweep(_ directory: Descriptor) {
        do throws(SystemError) {
            var left: [[CChar]] = []
            try directory.eachEntry { name throws(SystemError) in
                let text = Descriptor.text(ofEntry: name)
                if text.hasPrefix(temporaryPrefix) {
                    let number = text.dropFirst(temporaryPrefix.count).prefix { $0 != "-" }
                    if let process = Int32(number), process > 0, !Identity.exists(process) { left.append(name) }
                }
                return left.count < 1000
            }
            for name in left { try directory.unlink(name) }
        } catch {
            // What is not there any more, or can't go now, is the next one's.
        }
    }

    /// `path` is for the error.
    private mutating func copy(_ file: Descriptor, to new: Descriptor, _ path: String) throws(PodsError) {
        while true {
            let (n, isOver): (Int, Bool)
            do throws(SystemError) {
                if let asked { isOver = try Poll.readable([asked], timeout: 0)[0] } else { isOver = false }
                n = isOver ? 0 : try file.read(into: buffer)
            } catch { throw .transfer(path, SystemError(error.call, "the source", error.code)) }
            if isOver { throw .transferEnded(path) }
            if n == 0 { return }
            done.bytes = done.bytes.adding(Int64(n))
            if let limit, done.bytes > limit { throw .transferTooLarge(limit) }
            do throws(SystemError) { try new.write(UnsafeRawBufferPointer(rebasing: buffer[..<n])) } catch {
                throw .transfer(path, SystemError(error.call, "the copy", error.code))
            }
        }
    }

    private mutating func nextName() -> String {
        count += 1
        return "\(FileCopy.temporaryPrefix)\(Identity.process)-\(count)"
    }

    private static func remove(_ name: String, in directory: Descriptor) {
        do throws(SystemError) { try directory.unlink(name) } catch {}
    }
}
