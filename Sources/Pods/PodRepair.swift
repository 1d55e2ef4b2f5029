package import Containers
package import Images

extension Repair {
    /// Repairs a store and the root whose containers use it. Tells what could not be removed.
    package static func run(in root: borrowing RuntimeRoot, and store: ImageStore) -> [String] {
        let failures = run(in: root).map(\.description)
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

    private static func failure(_ error: ImagesError) -> String {
        "what a killed command has left in the store can't be removed now: \(error)"
    }
}
