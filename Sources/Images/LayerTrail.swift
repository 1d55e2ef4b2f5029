internal import Glibc
internal import Linux

/// A directory of the layer that is being written, open as long as the writer is in it or below it.
final class LayerDirectory {
    let name: [CChar]
    /// In the layer's own directory tree.
    let diff: OwnedDescriptor
    /// The same directory as the layers below make it; nil: they have none, or it is hidden.
    private let below: OwnedDescriptor?
    private var isOpaque: Bool
    /// Files that are made in it get its group.
    var handsGroupDown: Bool
    /// What is set when the writer leaves it, since writing into it changed it; nil: a directory that no layer lists.
    var modified: (seconds: Int, nanoseconds: Int)?

    init(
        name: [CChar], diff: consuming OwnedDescriptor, below: consuming OwnedDescriptor?, isOpaque: Bool,
        status: FileStatus, modified: (seconds: Int, nanoseconds: Int)?
    ) {
        self.name = name
        self.diff = diff
        self.below = below
        self.isOpaque = isOpaque
        self.modified = modified
        handsGroupDown = status.mode & S_ISGID != 0
    }

    /// The directory in the layers below, as far as it shows through.
    var lower: Descriptor? {
        if isOpaque { return nil }
        switch below {
        case .some(let descriptor): return descriptor.view
        case .none: return nil
        }
    }

    /// Hides what the layers below have here.
    func makeOpaque() throws(SystemError) {
        guard lower != nil else { return }
        try diff.view.setAttribute(AttributePolicy.opaque, to: "y")
        isOpaque = true
    }

    /// What the layers below have under `name` here; nil: nothing that shows through.
    func statusBelow(_ name: [CChar]) throws(SystemError) -> FileStatus? {
        guard let lower else { return nil }
        do throws(SystemError) { return try lower.status(of: name) } catch  where error.code == .ENOENT { return nil }
    }

    /// What this layer has under `name` here, a whiteout perhaps; nil: nothing.
    func status(_ name: [CChar]) throws(SystemError) -> FileStatus? {
        do throws(SystemError) { return try diff.view.status(of: name) } catch  where error.code == .ENOENT {
            return nil
        }
    }
}

/// The way from the root of a layer to the directory that is being written, and how names are followed there:
/// as in a chroot to what this layer and those below make together.
///
/// All is done by descriptors, a component at a time and without following links in the kernel, so no name and no link
/// leads out of the layer.
final class LayerTrail {
    private var directories: [LayerDirectory]
    private static let maximumLinks = 40

    /// Starts at the root of a new, empty layer, which takes the attributes of the root below.
    init(diff: Descriptor, lower: Descriptor?) throws(SystemError) {
        let root = try diff.open(".", O_RDONLY | O_DIRECTORY)
        let below: OwnedDescriptor?
        var modified: (seconds: Int, nanoseconds: Int)?
        if let lower {
            let directory = try lower.open(".", O_RDONLY | O_DIRECTORY)
            let status = try directory.view.status()
            try NodeCopy.copyAttributes(of: status, from: directory.view, to: root.view)
            modified = status.modified
            below = consume directory
        } else {
            try root.view.setMode(0o755)
            below = nil
        }
        let status = try root.view.status()
        directories = [
            LayerDirectory(name: [0], diff: root, below: below, isOpaque: false, status: status, modified: modified)
        ]
    }

    /// Where the trail is: the components from the root.
    var path: [[CChar]] { directories.dropFirst().map(\.name) }

    /// Goes to the directory that `components` name. Where neither this layer nor those below have it, it is made, or,
    /// without `creating`, nil is returned. Whatever is returned exists in this layer.
    func enter(_ components: ArraySlice<[CChar]>, creating: Bool) throws(ImagesError) -> LayerDirectory? {
        var depth = 0
        var links = 0
        var left = Array(components.reversed())
        while let name = left.popLast() {
            if name == [46, 0] { continue }
            if name == [46, 46, 0] {
                depth = max(0, depth - 1)
                continue
            }
            if depth + 1 < directories.count, directories[depth + 1].name == name {
                depth += 1
                continue
            }
            try leave(toDepth: depth)
            switch try step(from: directories[depth], to: name, creating: creating) {
            case .directory(let directory):
                guard depth < EntryName.maximumDepth else {
                    throw .entry(EntryName.shown(name), .tooDeep(EntryName.maximumDepth))
                }
                directories.append(directory)
                depth += 1
            case .link(let target):
                links += 1
                guard links <= LayerTrail.maximumLinks else { throw .entry(EntryName.shown(name), .tooManyLinks) }
                if target.first == 47 { depth = 0 }
                left += target.dropLast().split(separator: 47).reversed().map { Array($0) + [0] }
            case .nothing: return nil
            case .blocked: throw .entry(EntryName.shown(name), .parentNotDirectory)
            }
        }
        try leave(toDepth: depth)
        return directories[depth]
    }

    /// Leaves all directories, the root too: their times are right after that.
    func finish() throws(ImagesError) {
        try leave(toDepth: 0)
        try restoreTime(of: directories[0])
    }

    private func leave(toDepth depth: Int) throws(ImagesError) {
        while directories.count > depth + 1 { try restoreTime(of: directories.removeLast()) }
    }

    private func restoreTime(of directory: LayerDirectory) throws(ImagesError) {
        guard let time = directory.modified else { return }
        try system { () throws(SystemError) in
            try directory.diff.view.setTimes(of: "", seconds: time.seconds, nanoseconds: time.nanoseconds)
        }
    }

    // MARK: One step

    private enum Step {
        case directory(LayerDirectory)
        case link([CChar])
        case nothing
        /// Something is there that can be no directory.
        case blocked
    }

    private func step(from parent: LayerDirectory, to name: [CChar], creating: Bool) throws(ImagesError) -> Step {
        do throws(SystemError) {
            guard let own = try parent.status(name) else {
                guard let status = try parent.statusBelow(name), let lower = parent.lower else {
                    return creating ? .directory(try makeImplied(name, in: parent, hiding: false)) : .nothing
                }
                if status.isSymlink { return .link(try lower.readLinkBytes(name)) }
                if status.isDirectory { return .directory(try bringUp(name, status, in: parent, from: lower)) }
                return .blocked
            }
            if own.isDirectory { return .directory(try open(name, own, in: parent)) }
            if own.isSymlink { return .link(try parent.diff.view.readLinkBytes(name)) }
            guard AttributePolicy.isWhiteout(own) else { return .blocked }
            guard creating else { return .nothing }
            try parent.diff.view.unlink(name)
            return .directory(try makeImplied(name, in: parent, hiding: true))
        } catch {
            throw .system(error)
        }
    }

    /// Opens a directory that this layer has.
    private func open(_ name: [CChar], _ status: FileStatus, in parent: LayerDirectory) throws(SystemError)
        -> LayerDirectory
    {
        let diff = try parent.diff.view.open(name, O_RDONLY | O_DIRECTORY)
        var isOpaque = false
        var below: OwnedDescriptor?
        if let lower = parent.lower, try parent.statusBelow(name)?.isDirectory == true {
            below = try lower.open(name, O_RDONLY | O_DIRECTORY)
            isOpaque = try diff.view.attribute(AttributePolicy.opaque) != nil
        }
        return LayerDirectory(
            name: name, diff: diff, below: below, isOpaque: isOpaque, status: status, modified: status.modified)
    }

    /// Makes a directory of the layers below in this layer too, with the same attributes.
    private func bringUp(_ name: [CChar], _ status: FileStatus, in parent: LayerDirectory, from lower: Descriptor)
        throws(SystemError) -> LayerDirectory
    {
        let below = try lower.open(name, O_RDONLY | O_DIRECTORY)
        try parent.diff.view.makeDirectory(name, mode: 0o700)
        let diff = try parent.diff.view.open(name, O_RDONLY | O_DIRECTORY)
        try NodeCopy.copyAttributes(of: status, from: below.view, to: diff.view)
        return LayerDirectory(
            name: name, diff: diff, below: below, isOpaque: false, status: status, modified: status.modified)
    }

    /// Makes a directory that no layer lists: root's, mode 0755.
    private func makeImplied(_ name: [CChar], in parent: LayerDirectory, hiding: Bool) throws(SystemError)
        -> LayerDirectory
    {
        try parent.diff.view.makeDirectory(name, mode: 0o755)
        let diff = try parent.diff.view.open(name, O_RDONLY | O_DIRECTORY)
        try diff.view.setOwner(of: "", uid: 0, gid: 0)
        try diff.view.setMode(0o755)
        if hiding { try diff.view.setAttribute(AttributePolicy.opaque, to: "y") }
        let status = try diff.view.status()
        return LayerDirectory(name: name, diff: diff, below: nil, isOpaque: false, status: status, modified: nil)
    }
}
