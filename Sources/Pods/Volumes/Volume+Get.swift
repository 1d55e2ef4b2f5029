internal import Glibc
package import Images
internal import Linux

extension Volume {
    /// Copies what `patterns` name in the volume into the directory `destination`, which is made where it is missing. A
    /// volume is its containers': nothing outside it is read, whatever its links say, no device is opened, and nothing
    /// outside `destination` is written, nor are links made there that lead out of the directory that they came with.
    ///
    /// - Parameter limit: the most bytes; nil: any.
    /// - Returns: what was copied, and what was refused.
    package func get(
        _ patterns: [String], to destination: String, from store: ImageStore, limit: Int64?
    ) throws(PodsError) -> Transfer {
        guard let volume = try open(in: store) else { throw .noVolume(name, tenant: tenant) }
        let hold = try self.hold(in: store)
        var found: [[CChar]] = []
        for pattern in patterns {
            let matches = try Volume.expand(pattern, in: volume.view)
            guard !matches.isEmpty else { throw .noMatch(volume: name, pattern: pattern) }
            found += matches
        }
        let top: OwnedDescriptor
        do throws(SystemError) {
            try Descriptor.workingDirectory.makeDirectories(destination, mode: 0o777)
            top = try Descriptor.workingDirectory.openFollowing(destination, O_RDONLY | O_DIRECTORY)
        } catch { throw .transfer(destination, error) }
        FileCopy.sweep(top.view)
        var copy = FileCopy(limit: limit, exactModes: false)
        for path in found { try get(path, of: volume.view, into: top.view, &copy) }
        hold.end()
        return copy.done
    }

    /// The paths in the volume that fit. What has no pattern in it need not be there.
    static func expand(_ pattern: String, in volume: Descriptor) throws(PodsError) -> [[CChar]] {
        var paths: [[CChar]] = [[0]]
        for part in try VolumePath.parts(pattern) {
            let name = NamePattern(part)
            if let literal = name.literal {
                let bytes = literal.map { CChar(bitPattern: $0) } + [0]
                paths = paths.map { FileTree.joined($0, bytes) }
                continue
            }
            var matches: [[CChar]] = []
            for path in paths { matches += try names(like: name, in: path, of: volume) }
            guard matches.count <= FileTree.mostEntries else { throw .transferTooMany(FileTree.mostEntries) }
            paths = matches
        }
        return paths
    }

    private static func names(
        like pattern: NamePattern, in path: [CChar], of volume: Descriptor
    ) throws(PodsError) -> [[CChar]] {
        var matches: [[CChar]] = []
        do throws(SystemError) {
            let start = path.count <= 1 ? FileTree.path([]) : path
            let directory = try volume.openBeneath(start, O_RDONLY | O_DIRECTORY, links: true)
            try directory.view.eachEntry { name throws(SystemError) in
                if pattern.matches(name.dropLast().map { UInt8(bitPattern: $0) }) {
                    matches.append(FileTree.joined(path, name))
                }
                return matches.count <= FileTree.mostEntries
            }
        } catch {
            // Not a directory of the volume's: nothing fits in there.
            if [.ENOENT, .ENOTDIR, .ELOOP, .EXDEV].contains(error.code) { return [] }
            throw .transfer(FileTree.text(path), error)
        }
        // In the order of their bytes, not of the disk.
        return matches.sorted { a, b in
            a.lexicographicallyPrecedes(b) { UInt8(bitPattern: $0) < UInt8(bitPattern: $1) }
        }
    }

    private func get(
        _ path: [CChar], of volume: Descriptor, into top: Descriptor, _ copy: inout FileCopy
    ) throws(PodsError) {
        let text = FileTree.text(path)
        let last = FileTree.path(FileTree.parts(path).suffix(1))
        let start = path.count <= 1 ? last : path
        let content: FileContent
        do throws(PodsError) { content = try FileContent.of(start, below: volume, text, links: true) } catch {
            if case .transfer(_, let inner) = error, inner.code == .EXDEV || inner.code == .ELOOP {
                return copy.refuse(text, "a symbolic link that leads out of the volume")
            }
            if case .transfer(_, let inner) = error, inner.code == .ENOENT || inner.code == .ENOTDIR {
                throw .noMatch(volume: name, pattern: text)
            }
            throw error
        }
        switch content {
        case .file(let file, let status):
            try copy.put(file.descriptor.view, as: last, in: top, mode: status.mode & 0o777, path: text)
        case .directory(let directory): try Volume.get(directory, text, as: last, into: top, &copy)
        case .link: copy.refuse(text, "a symbolic link that leads out of the volume")
        case .other(let kind): copy.refuse(text, "\(kind), and no file or directory")
        }
    }

    /// Copies a directory with all below.
    private static func get(
        _ directory: OpenFile, _ text: String, as name: [CChar], into top: Descriptor, _ copy: inout FileCopy
    ) throws(PodsError) {
        let base = try Volume.directory(FileTree.parts(name).filter { $0 != [46] }, in: top, text)
        let isWhole = try FileTree.walk(directory.descriptor.view) { entry throws(PodsError) in
            let parts = FileTree.parts(entry.path)
            let path = "\(text)/\(FileTree.text(entry.path))"
            if entry.status.isDirectory {
                _ = try Volume.directory(parts, in: base.view, path)
                return
            }
            let parent = try Volume.directory(parts.dropLast(), in: base.view, path)
            let name = FileTree.path(parts.suffix(1))
            let content: FileContent
            do throws(PodsError) {
                content = try FileContent.of(entry.path, below: directory.descriptor.view, path)
            } catch {
                // Moved or exchanged since it was looked at.
                return copy.refuse(path, "it has changed meanwhile")
            }
            switch content {
            case .file(let file, let status):
                try copy.put(file.descriptor.view, as: name, in: parent.view, mode: status.mode & 0o777, path: path)
            case .link(let target) where LinkText.staysInside(target, depth: parts.count - 1):
                try copy.putLink(target, as: name, in: parent.view, path: path)
            case .link: copy.refuse(path, "a symbolic link that leads out of \(text)")
            case .directory: copy.refuse(path, "it has changed meanwhile")
            case .other(let kind): copy.refuse(path, "\(kind), and no file or directory")
            }
        }
        guard isWhole else { throw .transferTooMany(FileTree.mostEntries) }
    }

    /// A directory of the destination's. No link on the way is followed: one may be there that came out of a volume before.
    private static func directory(
        _ parts: [ArraySlice<UInt8>], in top: Descriptor, _ path: String
    ) throws(PodsError) -> OwnedDescriptor {
        do throws(SystemError) {
            return try FileTree.makeDirectories(parts, below: top, links: false, mode: 0o777)
        } catch { throw .transfer(path, error) }
    }
}

/// The text of a symbolic link.
enum LinkText {
    /// Whether a link with this text, `depth` directories below the top of a tree, can't lead out of that tree: relative,
    /// with `..` at its beginning alone, and not more of them than there are directories above it. Behind another name a
    /// `..` would mean whatever that name is a link to; so each link stays inside, and a chain of them too.
    static func staysInside(_ text: String, depth: Int) -> Bool {
        guard !text.isEmpty, !text.hasPrefix("/"), !text.unicodeScalars.contains("\u{fffd}") else { return false }
        let parts = text.utf8.split(separator: UInt8(ascii: "/")).map(Substring.init)
        let climbs = parts.prefix { $0 == ".." || $0 == "." }
        guard !parts.dropFirst(climbs.count).contains("..") else { return false }
        return climbs.count { $0 == ".." } <= depth
    }
}
