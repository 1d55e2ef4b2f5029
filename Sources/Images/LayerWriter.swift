internal import Glibc
internal import Linux

/// Writes the entries of one layer's archive into an empty directory, as overlayfs wants a layer: whiteouts are
/// character devices 0:0, opaque directories have an attribute. Entries are as hostile as they can be; what is refused
/// is an ``ImagesError/entry(_:_:)``, and then the directory is to be thrown away.
///
/// A layer's whiteouts concern the layers below alone, wherever in the archive they stand (image-spec, layer.md).
/// Ignored are: names of owners, ACLs, attributes other than those of ``AttributePolicy``, aufs's reserved names.
final class LayerWriter {
    private let trail: LayerTrail
    private let hasLower: Bool
    /// What is made belongs to root unless it is given away.
    private let makesRootsFiles = geteuid() == 0 && getegid() == 0
    /// Content written so far, in bytes.
    private(set) var written: Int64 = 0

    /// Writes into `diff`; `lower` is the root of what the layers below make together, nil for the lowest layer.
    init(diff: Descriptor, lower: Descriptor?) throws(ImagesError) {
        trail = try system { () throws(SystemError) in try LayerTrail(diff: diff, lower: lower) }
        hasLower = lower != nil
    }

    /// Writes `entry`, whose content `reader` gives.
    func write(_ entry: TarEntry, from reader: TarReader) throws(ImagesError) {
        let name = try EntryName(entry.name)
        try checkAttributes(of: entry)
        guard let last = name.components.last else { return try setRoot(entry) }
        let folder = name.components.dropLast()
        switch try name.meaning() {
        case .ignored: return
        case .opaque: return try hideAll(in: folder)
        case .whiteout(let hidden): return try hide(hidden, in: folder)
        case .plain: break
        }
        if let target = entry.hardLink { return try makeHardLink(last, in: folder, to: target) }
        guard let parent = try trail.enter(folder, creating: true) else { return }
        switch entry.type {
        case S_IFREG: try makeFile(last, in: parent, entry, reader)
        case S_IFDIR: try makeDirectory(last, in: parent, folder, entry)
        case S_IFLNK:
            let length = strlen(entry.symlink)
            if length == 0 { throw refusal(entry, .emptyLink) }
            if length > EntryName.maximumLength { throw refusal(entry, .linkTooLong(EntryName.maximumLength)) }
            try system { () throws(SystemError) in try makeSymlink(last, in: parent, entry) }
        case S_IFIFO, S_IFCHR, S_IFBLK: try makeNode(last, in: parent, entry)
        default: throw refusal(entry, .unsupportedType)
        }
    }

    /// Ends the layer: after that the times of its directories are right.
    func finish() throws(ImagesError) { try trail.finish() }

    private func refusal(_ entry: TarEntry, _ problem: ImagesError.EntryProblem) -> ImagesError {
        .entry(EntryName.shown(entry.name), problem)
    }

    // MARK: Whiteouts

    private func hideAll(in folder: ArraySlice<[CChar]>) throws(ImagesError) {
        guard hasLower, let directory = try trail.enter(folder, creating: false) else { return }
        try system { () throws(SystemError) in try directory.makeOpaque() }
    }

    private func hide(_ name: [CChar], in folder: ArraySlice<[CChar]>) throws(ImagesError) {
        guard hasLower, let directory = try trail.enter(folder, creating: false) else { return }
        try system { () throws(SystemError) in
            guard try directory.statusBelow(name) != nil else { return }
            guard let own = try directory.status(name) else {
                return try directory.diff.view.makeNode(name, mode: S_IFCHR, device: 0)
            }
            // What this layer has brought itself stays.
            guard own.isDirectory else { return }
            let hiding = try directory.diff.view.open(name, O_RDONLY | O_DIRECTORY)
            try hiding.view.setAttribute(AttributePolicy.opaque, to: "y")
        }
    }

    // MARK: Attributes

    /// Refuses attributes that would change what overlayfs makes of the layer.
    private func checkAttributes(of entry: TarEntry) throws(ImagesError) {
        guard entry.hasAttributes else { return }
        let shown = EntryName.shown(entry.name)
        var size = 0
        try entry.attributes { (name, value) throws(ImagesError) in
            size += strlen(name) + value.count
            if size > 1 << 20 { throw .entry(shown, .attributesTooLarge) }
            if AttributePolicy.isOverlays(name) { throw .entry(shown, .overlayAttribute(String(cString: name))) }
        }
    }

    /// Gives an open file owner, mode and attributes of `entry`. The order matters: a change of owner clears
    /// set-user-ID bits and file capabilities.
    private func setAttributes(of file: Descriptor, in parent: LayerDirectory?, _ entry: TarEntry)
        throws(ImagesError)
    {
        let owner = try self.owner(of: entry)
        let isOurs = owner == (0, 0) && parent?.handsGroupDown == false && makesRootsFiles
        try system { () throws(SystemError) in
            if !isOurs { try file.setOwner(of: "", uid: owner.uid, gid: owner.gid) }
            try file.setMode(entry.permissions)
        }
        guard entry.hasAttributes else { return }
        try entry.attributes { (name, value) throws(ImagesError) in
            guard AttributePolicy.isKept(name) else { return }
            try system { () throws(SystemError) in try file.setAttribute(name, to: value) }
        }
    }

    private func owner(of entry: TarEntry) throws(ImagesError) -> (uid: UInt32, gid: UInt32) {
        guard let uid = entry.owner, let gid = entry.group else {
            throw refusal(entry, .damagedHeader("owner or group is beyond 32 bits"))
        }
        return (uid, gid)
    }

    private func setRoot(_ entry: TarEntry) throws(ImagesError) {
        guard entry.type == S_IFDIR, entry.hardLink == nil else { throw refusal(entry, .replacesRoot) }
        guard let root = try trail.enter([], creating: false) else { return }
        try setAttributes(of: root.diff.view, in: nil, entry)
        root.handsGroupDown = entry.permissions & S_ISGID != 0
        root.modified = (entry.seconds, entry.nanoseconds)
    }

    // MARK: Making

    /// Calls `make`, and where the layer has something of that name already, removes it and calls again.
    private func replacing(
        _ name: [CChar], in parent: LayerDirectory, _ make: () throws(SystemError) -> Void
    ) throws(SystemError) {
        do throws(SystemError) { return try make() } catch  where error.code == .EEXIST {
            try parent.diff.view.removeTree(name)
        }
        try make()
    }

    private func makeFile(
        _ name: [CChar], in parent: LayerDirectory, _ entry: TarEntry, _ reader: TarReader
    ) throws(ImagesError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL
        let number = try system { () throws(SystemError) -> Int32 in
            var number: Int32 = -1
            try replacing(name, in: parent) { () throws(SystemError) in
                number = try parent.diff.view.open(name, flags, mode: 0o600).release()
            }
            return number
        }
        let file = OwnedDescriptor(taking: number)
        if entry.size > 0 { try writeContent(of: entry, reader, to: file.view) }
        try setAttributes(of: file.view, in: parent, entry)
        try system { () throws(SystemError) in
            try file.view.setTimes(of: "", seconds: entry.seconds, nanoseconds: entry.nanoseconds)
        }
    }

    private func writeContent(of entry: TarEntry, _ reader: TarReader, to file: Descriptor) throws(ImagesError) {
        var at: Int64 = 0
        try reader.content { (block, offset) throws(ImagesError) in
            try system { () throws(SystemError) in
                // What lies between is a hole, and stays one.
                if offset != at { try file.seek(to: offset) }
                try file.write(block)
            }
            at = offset + Int64(block.count)
            written += Int64(block.count)
        }
        let size = entry.size
        if at < size { try system { () throws(SystemError) in try file.truncate(to: size) } }
    }

    private func makeDirectory(
        _ name: [CChar], in parent: LayerDirectory, _ folder: ArraySlice<[CChar]>, _ entry: TarEntry
    ) throws(ImagesError) {
        try system { () throws(SystemError) in
            let own = try parent.status(name)
            if own?.isDirectory == true { return }
            if own != nil { try parent.diff.view.unlink(name) }
            try parent.diff.view.makeDirectory(name, mode: 0o700)
            // What stood here before, a whiteout or a file, has hidden what the layers below have.
            guard own != nil, parent.lower != nil else { return }
            let directory = try parent.diff.view.open(name, O_RDONLY | O_DIRECTORY)
            try directory.view.setAttribute(AttributePolicy.opaque, to: "y")
        }
        guard let directory = try trail.enter(trail.path + [name], creating: false) else { return }
        try setAttributes(of: directory.diff.view, in: parent, entry)
        directory.handsGroupDown = entry.permissions & S_ISGID != 0
        directory.modified = (entry.seconds, entry.nanoseconds)
    }

    private func makeSymlink(_ name: [CChar], in parent: LayerDirectory, _ entry: TarEntry) throws(SystemError) {
        try replacing(name, in: parent) { () throws(SystemError) in
            try parent.diff.view.makeSymlink(name, to: entry.symlink)
        }
        if let uid = entry.owner, let gid = entry.group {
            try parent.diff.view.setOwner(of: name, uid: uid, gid: gid)
        }
        try parent.diff.view.setTimes(of: name, seconds: entry.seconds, nanoseconds: entry.nanoseconds)
    }

    private func makeNode(_ name: [CChar], in parent: LayerDirectory, _ entry: TarEntry) throws(ImagesError) {
        let device = entry.device
        let isWhiteout = entry.type == S_IFCHR && device == (0, 0)
        if isWhiteout { throw refusal(entry, .whiteoutDevice) }
        let owner = try self.owner(of: entry)
        let number = entry.type == S_IFIFO ? 0 : DeviceNumber.make(major: device.major, minor: device.minor)
        try system { () throws(SystemError) in
            let directory = parent.diff.view
            try replacing(name, in: parent) { () throws(SystemError) in
                try directory.makeNode(name, mode: entry.type | 0o600, device: number)
            }
            try directory.setOwner(of: name, uid: owner.uid, gid: owner.gid)
            try directory.setMode(of: name, entry.permissions)
            try directory.setTimes(of: name, seconds: entry.seconds, nanoseconds: entry.nanoseconds)
        }
    }

    // MARK: Hard links

    private func makeHardLink(_ name: [CChar], in folder: ArraySlice<[CChar]>, to target: UnsafePointer<CChar>)
        throws(ImagesError)
    {
        let targetName = try EntryName(target)
        let shown = EntryName.shown(name)
        guard case .plain = try targetName.meaning(), let old = targetName.components.last else {
            throw .entry(shown, .missingLinkTarget(EntryName.shown(target)))
        }
        guard let source = try trail.enter(targetName.components.dropLast(), creating: false),
            let status = try linkable(old, in: source)
        else { throw .entry(shown, .missingLinkTarget(EntryName.shown(target))) }
        // The trail may leave it for the link's own directory.
        defer { withExtendedLifetime(source) {} }
        if status.isDirectory { throw .entry(shown, .linkToDirectory(EntryName.shown(target))) }
        guard let parent = try trail.enter(folder, creating: true) else { return }
        try system { () throws(SystemError) in
            // A second name for the same file under the same name changes nothing; removing it would lose the file.
            if let own = try parent.status(name), own.inode == status.inode { return }
            try replacing(name, in: parent) { () throws(SystemError) in
                try source.diff.view.link(old, to: name, in: parent.diff.view)
            }
        }
    }

    /// What a hard link would be to; a file of the layers below is copied into this layer, as overlayfs does when it
    /// links. nil: there is none.
    private func linkable(_ name: [CChar], in directory: LayerDirectory) throws(ImagesError) -> FileStatus? {
        try system { () throws(SystemError) -> FileStatus? in
            if let own = try directory.status(name) { return AttributePolicy.isWhiteout(own) ? nil : own }
            guard let below = try directory.statusBelow(name), let lower = directory.lower else { return nil }
            if below.isDirectory { return below }
            try NodeCopy.copy(name, below, from: lower, to: name, in: directory.diff.view)
            written += below.size
            return try directory.status(name)
        }
    }
}
