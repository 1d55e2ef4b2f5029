internal import Glibc
internal import Linux

/// The directories of a container's writable layer before it has one: `upper` and `work`, which lie ready in the store, so that
/// a launch renames what it would have to make. An ``OverlayRootfs`` is made of it.
enum BlankLayer {
    private static let name = "blank"

    /// Gives the one that lies ready in the store at `root` the path `place`; false: there is none.
    ///
    /// - Throws: `EEXIST` where there is something at `place`.
    static func take(as place: String, in root: Descriptor) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try root.rename(name, to: place, in: root, flags: Descriptor.noReplace)
            return true
        } catch {
            if error.code == .EEXIST { throw error }
            // There is none, or it can't come there: `containers` is another mount, or NFS, which can't promise to replace nothing.
            return false
        }
    }

    /// Lays one ready where there is none.
    static func provide(in root: Descriptor) throws(ImagesError) {
        if try system({ () throws(SystemError) in try root.exists(name) }) { return }
        let work = try WorkDirectory(root)
        let view = work.view
        try system { () throws(SystemError) in
            try view.makeDirectory(name, mode: 0o700)
            try view.makeDirectory("\(name)/upper", mode: 0o755)
            try view.makeDirectory("\(name)/work", mode: 0o700)
            do throws(SystemError) { try view.rename(name, to: name, in: root, flags: Descriptor.noReplace) } catch
                where error.code == .EEXIST || error.code == .EINVAL
            {}
        }
        // Until here it must be locked.
        _ = work.view
    }
}

extension ImageStore {
    /// Lays ready what the next container's writable layer is made of. Where there is no room for it there is none.
    package func provideNextLayer() {
        do throws(ImagesError) { try BlankLayer.provide(in: root.view) } catch {}
    }
}
