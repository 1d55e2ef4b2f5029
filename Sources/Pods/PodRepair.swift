package import Containers
package import Images
internal import Linux
internal import Network

extension Repair {
    /// Repairs a store and the root whose containers use it. Tells what could not be removed.
    package static func run(in root: borrowing RuntimeRoot, and store: ImageStore) -> [String] {
        var hasNetworks = false
        var failures = run(in: root, noting: "@networks", &hasNetworks).map(\.description)
        if hasNetworks { failures += sweepNetworks(in: root, store) }
        let view = root.view
        do throws(ImagesError) {
            try store.removeLeftoverContainers(of: view.identifier) { view.mayKnow($0) }
        } catch { return failures + [failure(error)] + run(and: store) }
        return failures + run(and: store)
    }

    /// Repairs a store alone.
    package static func run(and store: ImageStore) -> [String] {
        do throws(ImagesError) { try store.removeLeftoverWork() } catch { return [failure(error)] }
        return []
    }

    /// What pods have of networks that are not there any more.
    private static func sweepNetworks(in root: borrowing RuntimeRoot, _ store: ImageStore) -> [String] {
        do throws(PodsError) {
            let list = try PodList(of: root, store: store.path)
            // A pod of another store has its container here.
            let view = root.view
            do throws(NetworkError) {
                try list.networks.sweep { view.mayKnow($0) || list.mayLive($0) }
            } catch { throw .network(error) }
        } catch { return ["what is left of a network can't be removed now: \(error)"] }
        return []
    }

    private static func failure(_ error: ImagesError) -> String {
        "what a killed command has left in the store can't be removed now: \(error)"
    }
}
