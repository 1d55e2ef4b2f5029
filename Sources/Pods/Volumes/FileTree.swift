internal import Glibc
internal import Linux

/// A walk through a tree that containers may write to meanwhile. Every directory is opened by its path from the top, and
/// without links: what is moved meanwhile is missing, and never leads outside. Mounts in it are root's own doing. No
/// recursion, and one directory open at a time.
enum FileTree {
    /// The most entries that are looked at, and the longest path of one in bytes.
    static let mostEntries = 1_000_000
    static let longestPath = 4095

    /// What a tree holds, without directories.
    struct Size: Hashable, Sendable {
        var files = 0
        /// The contents, in bytes.
        var bytes: Int64 = 0
        /// What it takes on the disk, in bytes.
        var allocated: Int64 = 0
        /// All of it was looked at.
        var isWhole = true
    }

    /// A path below the top, and what it was when it was looked at.
    struct Entry {
        /// Bytes with a NUL behind them.
        let path: [CChar]
        let status: FileStatus
    }

    /// A name below a directory; both have a NUL at the end.
    static func joined(_ directory: [CChar], _ name: [CChar]) -> [CChar] {
        if directory.count <= 1 { return name }
        return directory.dropLast() + [CChar(UInt8(ascii: "/"))] + name
    }

    /// Hands each entry below `top` to `visit`, a directory before what is in it. False: it was too many, or too deep.
    static func walk(_ top: Descriptor, _ visit: (Entry) throws(PodsError) -> Void) throws(PodsError) -> Bool {
        var pending: [[CChar]] = [[0]]
        var count = 0
        var isWhole = true
        while let path = pending.popLast() {
            let directory: OwnedDescriptor
            do throws(SystemError) {
                let flags = O_RDONLY | O_DIRECTORY
                directory = try top.openBeneath(path.count <= 1 ? [CChar(UInt8(ascii: ".")), 0] : path, flags)
            } catch {
                // Gone, or something else by now.
                if [.ENOENT, .ENOTDIR, .ELOOP].contains(error.code) { continue }
                throw .transfer(text(path), error)
            }
            var found: [Entry] = []
            do throws(SystemError) {
                let view = directory.view
                try view.eachEntry { name throws(SystemError) in
                    count += 1
                    let whole = joined(path, name)
                    guard count <= mostEntries, whole.count <= longestPath else {
                        isWhole = false
                        return count <= mostEntries
                    }
                    do throws(SystemError) { found.append(Entry(path: whole, status: try view.status(of: name))) } catch
                        where error.code == .ENOENT
                    {}
                    return true
                }
            } catch { throw .transfer(text(path), error) }
            for entry in found {
                try visit(entry)
                if entry.status.isDirectory { pending.append(entry.path) }
            }
        }
        return isWhole
    }

    /// Adds up what lies below `top`.
    static func size(of top: Descriptor) throws(PodsError) -> Size {
        var size = Size()
        let isWhole = try walk(top) { entry throws(PodsError) in
            if entry.status.isDirectory { return }
            size.files += 1
            if entry.status.isRegular { size.bytes = size.bytes.adding(entry.status.size) }
            size.allocated = size.allocated.adding(entry.status.allocated)
        }
        size.isWhole = isWhole
        return size
    }

    /// A path of parts, with a NUL at the end; of none, `.`.
    static func path(_ parts: some Sequence<ArraySlice<UInt8>>) -> [CChar] {
        let bytes = Array(parts.joined(separator: [UInt8(ascii: "/")]))
        return (bytes.isEmpty ? [UInt8(ascii: ".")] : bytes).map { CChar(bitPattern: $0) } + [0]
    }

    /// The parts of an entry's path.
    static func parts(_ path: [CChar]) -> [ArraySlice<UInt8>] {
        path.dropLast().map { UInt8(bitPattern: $0) }.split(separator: UInt8(ascii: "/"))
    }

    /// Opens the directory of `parts` below `top`, and makes what is missing of it. Links are followed as far as they stay
    /// below, or none with `links` false.
    static func makeDirectories(
        _ parts: [ArraySlice<UInt8>], below top: Descriptor, links: Bool, mode: UInt32
    ) throws(SystemError) -> OwnedDescriptor {
        let flags = O_RDONLY | O_DIRECTORY
        do throws(SystemError) { return try top.openBeneath(path(parts), flags, links: links) } catch {
            guard error.code == .ENOENT, !parts.isEmpty else { throw error }
        }
        var here = try top.openBeneath(path([]), flags)
        for count in 1...parts.count {
            let name = path(parts[(count - 1)..<count])
            do throws(SystemError) { try here.view.makeDirectory(name, mode: mode) } catch  where error.code == .EEXIST
            {}
            here = try top.openBeneath(path(parts[..<count]), flags, links: links)
        }
        return here
    }

    /// A path as text; what is no UTF-8 is replaced.
    static func text(_ path: [CChar]) -> String { path.count <= 1 ? "." : Descriptor.text(ofEntry: path) }

    /// What a file is that is neither a regular one nor a directory.
    static func kind(of status: FileStatus) -> String {
        switch status.mode & S_IFMT {
        case S_IFCHR, S_IFBLK: "a device"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        case S_IFLNK: "a symbolic link"
        case S_IFDIR: "a directory"
        case S_IFREG: "a file"
        default: "no file"
        }
    }
}

extension Int64 {
    /// The sum, or the most there is: sizes of sparse files are whatever their writer liked.
    func adding(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
