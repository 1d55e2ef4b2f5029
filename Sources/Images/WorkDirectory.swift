internal import Glibc
internal import Linux

/// A directory of a load's own in the store's `tmp`, removed with all in it when this value goes. It is locked, so that
/// others can tell it from one whose owner was killed.
struct WorkDirectory: ~Copyable {
    private let root: Descriptor
    private let name: String
    private let directory: OwnedDescriptor

    /// The directory.
    var view: Descriptor { directory.view }
    /// Where it is below the store's root.
    var path: String { "tmp/\(name)" }

    /// Makes one in the store at `root`, which must outlive it.
    init(_ root: Descriptor) throws(ImagesError) {
        // With the store's lock, since whoever sweeps `tmp` must not see the directory before it is locked.
        let lock = try StoreLock(root, exclusive: false)
        let name = "\(getpid())-\(UInt64.random(in: 0 ... .max))"
        directory = try system { () throws(SystemError) in
            try root.makeDirectory("tmp/\(name)", mode: 0o700)
            let directory = try root.open("tmp/\(name)", O_RDONLY | O_DIRECTORY)
            _ = try directory.view.lock(exclusive: true, waiting: false)
            return directory
        }
        self.root = root
        self.name = name
        _ = consume lock
    }

    deinit {
        // What can't be removed now is removed by a later sweep.
        do throws(SystemError) { try root.removeTree("tmp/\(name)") } catch {}
    }

    /// Removes what killed loads have left in `tmp`, and tells whether there was any. Needs the store's exclusive lock.
    static func sweep(_ root: Descriptor, _ lock: borrowing StoreLock) throws(ImagesError) -> Bool {
        try system { () throws(SystemError) in
            var found = false
            let tmp = try root.open("tmp", O_RDONLY | O_DIRECTORY)
            for name in try tmp.view.entries() {
                guard try tmp.view.status(of: name).isDirectory else {
                    try tmp.view.unlink(name)
                    continue
                }
                let left = try tmp.view.open(name, O_RDONLY | O_DIRECTORY)
                if try left.view.lock(exclusive: true, waiting: false) {
                    try tmp.view.removeTree(name)
                    found = true
                }
            }
            return found
        }
    }
}
