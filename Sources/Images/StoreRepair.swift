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
    /// state, which is in memory, went with it: those named `owner`.NAME, where `isKnown` does not know NAME. Where there
    /// is none it costs one system call.
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
                try containers.view.removeTree(bytes)
            }
        }
    }
}
