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

/// Files put into directories one by one: written under a name of this process's own, brought to the disk, renamed. A
/// reader sees the old file or the whole new one, never a part.
struct FileCopy: ~Copyable {
    /// How such a name begins. One whose writer is dead goes when something is next put beside it.
    static let temporaryPrefix = ".perigee-new-"

    /// The most bytes in all; nil: any.
    private let limit: Int64?
    /// Files have the mode that is asked for, whatever the umask.
    private let hasExactModes: Bool
    private var count = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    private(set) var done = Transfer()

    init(limit: Int64?, exactModes: Bool) {
        self.limit = limit
        hasExactModes = exactModes
    }

    deinit { buffer.deallocate() }

    /// Remembers that `path` was left out.
    mutating func refuse(_ path: String, _ why: String) { done.refused.append(.init(path: path, why: why)) }

    /// Copies all of `file` to `name` in `directory`, over a file or link that has that name. `path` is for the error.
    mutating func put(
        _ file: Descriptor, as name: [CChar], in directory: Descriptor, mode: UInt32, path: String
    ) throws(PodsError) {
        let temporary = nextName()
        let fits: Bool
        do throws(SystemError) {
            let new = try directory.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            do throws(SystemError) {
                fits = try copy(file, to: new.view)
                if fits {
                    if hasExactModes { try new.view.setMode(mode) }
                    try new.view.synchronize()
                    try directory.rename(temporary, to: name, in: directory)
                }
            } catch {
                FileCopy.remove(temporary, in: directory)
                throw error
            }
        } catch { throw .transfer(path, error) }
        guard fits else {
            FileCopy.remove(temporary, in: directory)
            throw .transferTooLarge(limit ?? 0)
        }
        done.files += 1
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

    /// False: it is more than the limit.
    private mutating func copy(_ file: Descriptor, to new: Descriptor) throws(SystemError) -> Bool {
        while true {
            let n = try file.read(into: buffer)
            if n == 0 { return true }
            done.bytes = done.bytes.adding(Int64(n))
            if let limit, done.bytes > limit { return false }
            try new.write(UnsafeRawBufferPointer(rebasing: buffer[..<n]))
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
