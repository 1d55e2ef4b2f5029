internal import Glibc
internal import Linux

extension ImageStore {
    /// Removes the work of loads that were killed, and what they had moved into the store and not yet named. Where there
    /// is none it costs one system call; where the store is in use another command does it.
    package func removeLeftoverWork() throws(ImagesError) {
        guard try mayHaveDirectories("tmp") else { return }
        guard let lock = try StoreLock.take(root.view, exclusive: true, waiting: false) else { return }
        if try WorkDirectory.sweep(root.view, lock) { _ = try collect(lock) }
    }

    /// Removes directories of containers that nothing tells of any more, as when the machine stopped and the containers'
    /// state, which is in memory, went with it: those named `owner`.NAME, where `isKnown` does not know NAME and nobody
    /// holds the lock. A root of the same path in another mount namespace has the same name and other containers. Where
    /// there is none it costs one system call.
    package func removeLeftoverContainers(of owner: String, unless isKnown: (String) -> Bool)
        throws(ImagesError)
    {
        if try mayHaveDirectories("containers") { try removeContainers(of: owner, unless: isKnown) }
    }

    /// The link count of a directory is 2 and one for each directory in it; on file systems that do not count it is 1.
    private func mayHaveDirectories(_ name: String) throws(ImagesError) -> Bool {
        let root = self.root.view
        return try system { () throws(SystemError) in try root.status(of: name).links != 2 }
    }

    private func removeContainers(of owner: String, unless isKnown: (String) -> Bool)
        throws(ImagesError)
    {
        let root = self.root.view
        try system { () throws(SystemError) in
            let containers = try root.open("containers", O_RDONLY | O_DIRECTORY)
            for bytes in try containers.view.entries() {
                let name = bytes.withUnsafeBufferPointer { EntryName.text($0) }
                // A container is known before it has a directory, and until it has none.
                guard name.hasPrefix(owner + "."), !isKnown(String(name.dropFirst(owner.utf8.count + 1))) else {
                    continue
                }
                try ImageStore.removeAbandoned(bytes, in: containers.view)
            }
        }
    }

    /// Removes the directory of a container unless an ``OverlayRootfs`` has it.
    private static func removeAbandoned(_ name: [CChar], in containers: Descriptor) throws(SystemError) {
        do throws(SystemError) {
            let directory = try containers.open(name, O_RDONLY | O_DIRECTORY)
            guard try directory.view.lock(exclusive: true, waiting: false) else { return }
            // The lock may be of a directory that is gone, and another one be in its place.
            let status = try directory.view.status(), present = try containers.status(of: name)
            guard status.inode == present.inode, status.device == present.device else { return }
            try containers.removeTree(name)
            _ = consume directory
        } catch {
            switch error.code {
            case .ENOENT: return
            case .ENOTDIR, .ELOOP: try containers.unlink(name)
            default: throw error
            }
        }
    }
}
