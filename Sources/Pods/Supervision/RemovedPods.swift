internal import Glibc
internal import Linux

/// What is kept of pods that were removed or replaced: record, status and log, of the last few of each tenant (REQUIREMENTS 3.2,
/// "removed", and 3.6).
///
///     pods/ROOT/removed/ID
enum RemovedPods {
    private static let name = "removed"
    /// Of a tenant.
    static let most = 5

    /// Where they are, among the pods of a root.
    static func directory(in pods: String) -> String { "\(pods)/\(name)" }

    /// Puts the pod `id` of `tenant`, whose directory at `path` nobody looks at any more, among them, and lets the oldest go.
    static func keep(_ path: String, _ id: String, of tenant: String, in pods: String) throws(SystemError) {
        let here = Descriptor.workingDirectory
        let directory = try here.openFollowing(path, O_RDONLY | O_DIRECTORY)
        for entry in try directory.view.entries() where !isKept(Descriptor.text(ofEntry: entry)) {
            try directory.view.removeTree(entry)
        }
        try here.makeDirectories(self.directory(in: pods), mode: 0o700)
        try here.rename(path, to: "\(self.directory(in: pods))/\(id)", in: here)
        try trim(tenant, in: pods)
    }

    private static func isKept(_ name: String) -> Bool {
        let files = [
            PodDirectory.recordName, PodDirectory.statusName, PodDirectory.lockName, PodDirectory.containersName,
        ]
        return files.contains(name) || name.hasPrefix(PodLog.name)
    }

    private static func trim(_ tenant: String, in pods: String) throws(SystemError) {
        let all = try Descriptor.workingDirectory.openFollowing(directory(in: pods), O_RDONLY | O_DIRECTORY)
        var found: [(name: [CChar], seconds: Int, nanoseconds: Int)] = []
        for entry in try all.view.entries() {
            let id = Descriptor.text(ofEntry: entry)
            guard id.hasPrefix(tenant + "-") else { continue }
            guard let pod = try? PodDirectory.find(id, in: directory(in: pods)) else {
                // Half of one, which tells nothing.
                try all.view.removeTree(entry)
                continue
            }
            // A tenant's name may be another's beginning: its record tells.
            guard pod.record.request.tenant == tenant, let changed = try? all.view.status(of: entry).modified else {
                continue
            }
            found.append((entry, changed.seconds, changed.nanoseconds))
        }
        found.sort { ($0.seconds, $0.nanoseconds) > ($1.seconds, $1.nanoseconds) }
        for old in found.dropFirst(most) { try all.view.removeTree(old.name) }
    }
}
