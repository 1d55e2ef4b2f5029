internal import Glibc
internal import Linux

// What is among the pods and is none.
extension PodDirectory {
    /// Removes what commands have left that were killed while they made or removed a pod. What can't be removed now is
    /// left to the next.
    static func sweep(_ pods: String) {
        guard let all = try? Descriptor.workingDirectory.openFollowing(pods, O_RDONLY | O_DIRECTORY),
            let entries = try? all.view.entries()
        else { return }
        for entry in entries {
            let name = Descriptor.text(ofEntry: entry)
            let isGone: Bool
            if let isKept = BlankPod.isKept(name) {
                isGone = !isKept
            } else if name.hasPrefix("@") {
                isGone = isAbandoned(name, in: all.view)
            } else {
                isGone = (name.hasPrefix(".") || isUnkept(name, in: all.view)) && isOld(name, in: all.view)
            }
            if isGone { try? all.view.removeTree(name) }
        }
    }

    /// Whether it is a pod whose record did not reach the disk, see ``keep(_:in:)``.
    private static func isUnkept(_ name: String, in all: Descriptor) -> Bool {
        guard isIdentifier(name) else { return false }
        do throws(SystemError) {
            if try all.status(of: "\(name)/\(recordName)").size == 0 { return true }
            return try !all.exists("\(name)/\(statusName)")
        } catch { return error.code == .ENOENT }
    }

    /// Whether it is the name of a pod among the others there.
    static func isIdentifier(_ name: String) -> Bool {
        !name.hasPrefix(".") && !name.hasPrefix("@") && name.utf8.contains(UInt8(ascii: "-"))
    }

    /// Whether nobody works on a pod that is being removed: who did so was killed.
    private static func isAbandoned(_ name: String, in all: Descriptor) -> Bool {
        guard let directory = try? all.open(name, O_RDONLY | O_DIRECTORY) else { return false }
        return (try? directory.view.lock(exclusive: true, waiting: false)) == true
    }

    /// Whether it is a pod, and its maker certainly dead.
    private static func isOld(_ name: String, in all: Descriptor) -> Bool {
        guard let status = try? all.status(of: name) else { return false }
        // Locks stay.
        guard status.isDirectory else { return false }
        let minute = 60
        return status.modified.seconds + minute < Int(Clock.wall() / 1_000_000_000)
    }
}
