internal import Glibc
internal import Linux

/// What lies at a path below a directory that others may write to: opened as the very file that was looked at, and never a
/// device, for to open one does something to it.
enum FileContent {
    case file(OpenFile, FileStatus)
    case directory(OpenFile)
    /// The text of a link, which was not followed.
    case link(String)
    /// What else it is, in words.
    case other(String)

    /// With `links` those that stay below `top` are followed. `name` is for the error.
    static func of(
        _ path: [CChar], below top: Descriptor, _ name: String, links: Bool = false
    ) throws(PodsError) -> FileContent {
        do throws(SystemError) {
            let handle = try top.openBeneath(path, O_PATH | (links ? 0 : O_NOFOLLOW), links: links)
            let status = try handle.view.status()
            if status.isSymlink { return .link(try handle.view.readLink("")) }
            guard status.isRegular || status.isDirectory else { return .other(FileTree.kind(of: status)) }
            let file = OpenFile(taking: try handle.view.reopen(O_RDONLY | O_NONBLOCK))
            return status.isRegular ? .file(file, status) : .directory(file)
        } catch { throw .transfer(name, error) }
    }
}

/// An open file that may have several owners.
final class OpenFile {
    let descriptor: OwnedDescriptor

    init(taking descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}
