internal import Containers
internal import Images
internal import Linux

// What commands have left that were killed. The first supervisor of a pod does not look for it before the pod begins, unless the
// pod can't begin: a launch does not depend on others' leftovers.
extension Supervisor {
    /// Removes it, if this supervisor has not done so yet. False: it has.
    mutating func repairOnce(_ root: borrowing RuntimeRoot) -> Bool {
        if isRepaired { return false }
        isRepaired = true
        _ = Repair.run(in: root, and: store)
        return true
    }
}

extension PodList {
    /// Removes what killed commands have left, and lays ready what the next pod is made of, in a process of its own for which
    /// nobody waits: either may take long, and the caller has a pod to stay with.
    func tidyAside() {
        do throws(SystemError) {
            try OwnProgram.forkAside(as: own("pod", "tidy")) {
                guard let root = try? RuntimeRoot.at(path: rootPath), let store = try? ImageStore(path: storePath)
                else { return 1 }
                BlankPod.provide(among: pods)
                store.provideNextLayer()
                _ = Repair.run(in: root, and: store)
                return 0
            }
        } catch {
            // The next command does it.
        }
    }
}
