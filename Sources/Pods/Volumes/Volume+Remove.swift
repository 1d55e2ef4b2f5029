internal import Glibc
package import Images
internal import Linux

extension Volume {
    /// Removes the volume with all in it, which no live pod may hold. What is mounted in it stays whole, and is an error.
    ///
    /// - Parameter naming: what a process that holds the volume is called in the error, `pod client1-web`.
    package func remove(in store: ImageStore, naming: (Int32) -> String? = { _ in nil }) throws(PodsError) {
        Volume.sweep(tenant, in: store)
        guard try open(in: store) != nil else { throw .noVolume(name, tenant: tenant) }
        let root = store.directory
        // Out of sight first, in one step: a pod that starts meanwhile gets a new volume, and never a half of this one.
        let away = "volumes/\(tenant)/.\(name).\(Identity.process).removed"
        let isFree: Bool
        do throws(SystemError) {
            let lock = try openLock(in: root)
            isFree = try lock.view.lock(exclusive: true, waiting: false)
            if isFree { try root.rename(place, to: away, in: root) }
            try lock.close()
        } catch { throw .volume(name, error) }
        guard isFree else {
            throw .volumeInUse(name, users: try users(in: store).map { naming($0) ?? "process \($0)" })
        }
        do throws(SystemError) { try root.removeTree(away) } catch {
            do throws(SystemError) { try root.rename(away, to: place, in: root, flags: 1) } catch {}
            throw .volume(name, error)
        }
    }

    /// Removes a volume that was made for what could then not be put into it, and in it the directory `parts`, as far as there is
    /// nothing in them and nobody uses it.
    func removeEmpty(_ parts: [ArraySlice<UInt8>], in store: ImageStore) {
        do throws(SystemError) {
            let root = store.directory
            let lock = try openLock(in: root)
            guard try lock.view.lock(exclusive: true, waiting: false) else { return }
            let volume = try root.openBeneath(place, O_RDONLY | O_DIRECTORY)
            for (i, part) in parts.enumerated().reversed() {
                let above = try volume.view.openBeneath(FileTree.path(parts.prefix(i)), O_RDONLY | O_DIRECTORY)
                try above.view.unlink(FileTree.path([part]), flags: AT_REMOVEDIR)
            }
            try root.unlink(place, flags: AT_REMOVEDIR)
            try lock.close()
        } catch {
            // Somebody has put something there.
        }
    }

    /// Removes what killed removals of the tenant's have left.
    package static func sweep(_ tenant: String, in store: ImageStore) {
        do throws(SystemError) {
            let flags = O_RDONLY | O_DIRECTORY
            let directory = try store.directory.openBeneath("volumes/\(tenant)", flags)
            for name in try directory.view.entries() {
                let parts = Descriptor.text(ofEntry: name).split(separator: ".", omittingEmptySubsequences: false)
                guard parts.count == 4, parts[0].isEmpty, parts[3] == "removed", let process = Int32(parts[2]),
                    process > 0, !Identity.exists(process)
                else { continue }
                try directory.view.removeTree(name)
            }
        } catch {
            // The next one tries again.
        }
    }
}
