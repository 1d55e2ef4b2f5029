internal import Glibc
internal import Linux
internal import OCI

/// A project's directory on the host, which its container has at ``destination``. It is its user's own, who may put links
/// and directories there as he likes: so it is found from a place that he has no hand in, without following any link, and
/// must be his.
package struct Workspace: Hashable, Sendable {
    /// Where the container has it, and begins.
    package static let destination = "/workspace"

    /// The user's home, or `/` where the configuration names a place: links that lead there are followed.
    let base: String
    /// Below ``base``: no link is followed there.
    let place: String
    /// Whose it is. The container's command is this user, so that no file in it is another's.
    package let user: UInt32
    package let group: UInt32

    /// Where it is on the host.
    package var path: String { (base == "/" ? "" : base) + "/" + place }

    /// The user of the container's command, as an image's configuration would say it.
    var commandUser: String { "\(user):\(group)" }

    /// Opens it for a mount. The mount is made of what was opened here, whatever its path means by then.
    func open() throws(PodsError) -> OpenedWorkspace {
        let opened: OpenedWorkspace, owner: UInt32
        do throws(SystemError) {
            let base = try openBase()
            opened = OpenedWorkspace(try base.view.openBeneath(place, Workspace.flags))
            owner = try opened.owner()
        } catch { throw .workspace(path, error) }
        guard owner == user else { throw .workspaceOwner(path, owner: owner, user: user) }
        return opened
    }

    /// When the file `name` in it was changed last, in seconds since 1970; nil: there is none.
    func lastChange(of name: String) -> Int? {
        guard let opened = try? open() else { return nil }
        return opened.lastChange(of: name)
    }

    private static let flags = O_PATH | O_DIRECTORY

    private func openBase() throws(SystemError) -> OwnedDescriptor {
        try Descriptor.workingDirectory.openFollowing(base, O_PATH | O_DIRECTORY)
    }

    /// Makes it, where it is missing, with the directories above; then it must be its user's.
    package func make() throws(PodsError) {
        do throws(SystemError) {
            var above = try openBase()
            for name in place.split(separator: "/").map(String.init) { above = try step(name, in: above.view) }
        } catch { throw .workspace(path, error) }
        _ = try open()
    }

    /// Opens the directory `name`, which is made if need be.
    private func step(_ name: String, in above: Descriptor) throws(SystemError) -> OwnedDescriptor {
        do throws(SystemError) { return try above.openBeneath(name, Workspace.flags) } catch {
            guard error.code == .ENOENT else { throw error }
        }
        try make(name, in: above)
        return try above.openBeneath(name, Workspace.flags)
    }

    /// With the rights of its user: in a directory that is somebody else's he may make nothing. Only where nobody but root
    /// can have put something in the way, root makes it for him.
    private func make(_ name: String, in above: Descriptor) throws(SystemError) {
        let status = try above.status()
        let groupAndOthersWrite: UInt32 = 0o022
        let isProject = name == place.split(separator: "/").last.map(String.init)
        let mode: UInt32 = 0o755
        do throws(SystemError) {
            guard status.owner == 0, status.mode & groupAndOthersWrite == 0 else {
                return try FileIdentity.of(user, group: group) { () throws(SystemError) in
                    try above.makeDirectory(name, mode: mode)
                }
            }
            guard isProject else { return try above.makeDirectory(name, mode: mode) }
            // Under another name until it is the user's: one that was killed in between leaves what the next one takes up.
            let draft = ".\(name).new"
            do throws(SystemError) { try above.makeDirectory(draft, mode: mode) } catch  where error.code == .EEXIST {}
            try above.setOwner(of: draft, uid: user, gid: group)
            try above.rename(draft, to: name, in: above, flags: Descriptor.noReplace)
        } catch {
            // Another command was faster.
            guard error.code == .EEXIST || (isProject && error.code == .ENOENT) else { throw error }
        }
    }
}

extension Workspace {
    init(_ json: JSON) throws(JSONError) {
        base = try json.required("base").string()
        place = try json.required("place").string()
        user = try json.required("user").integer(UInt32.self)
        group = try json.required("group").integer(UInt32.self)
    }

    var json: JSON.Value {
        .object([
            ("base", .string(base)), ("place", .string(place)), ("user", .unsigned(UInt64(user))),
            ("group", .unsigned(UInt64(group))),
        ])
    }
}

/// A workspace that is to be mounted. A reference, since what can't be copied can't be looked at where it is optional.
final class OpenedWorkspace {
    private let descriptor: OwnedDescriptor

    fileprivate init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    fileprivate func owner() throws(SystemError) -> UInt32 { try descriptor.view.status().owner }

    fileprivate func lastChange(of name: String) -> Int? {
        guard let status = try? descriptor.view.status(of: name), status.isRegular else { return nil }
        return status.modified.seconds
    }

    /// A path of it that means the same as long as this lives, and to this process alone.
    var source: String { "/proc/self/fd/\(descriptor.view.number)" }
}
