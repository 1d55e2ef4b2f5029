internal import Glibc
internal import Linux
internal import OCI

/// Removes what commands have left that were killed. Every launch begins with it, but the first of a pod that was
/// accepted just now, whose supervisor has it done beside: where nothing is left it costs one reading of the root's directory.
///
/// A container belongs to the command that holds the lock of its state directory. Where nobody holds it the command is
/// dead, and whoever takes the lock may remove the container: what runs in its cgroup, the cgroup, its directories, and
/// the state directory last. A repair that is itself killed is gone on with by the next; two at once see each other's
/// locks; and a container that is just being made is either not locked yet, and has nothing but its empty directory,
/// which its maker then makes again, or it is locked.
///
/// A child that is just being born has a copy of its dead parent's descriptors, and so of the lock, until it executes the
/// stage. The record names the parent, so that a repair can tell, and wait for that moment.
package enum Repair {
    /// What could not be removed, of which container, and why. The next repair tries again.
    package struct Failure: Sendable, CustomStringConvertible {
        let name: String
        let error: ContainersError

        package var description: String {
            if case .hook = error { return "container \(name), whose perigee was killed: \(error)" }
            return "what is left of container \(name), whose perigee was killed, can't be removed now: \(error)"
        }
    }

    /// Repairs `root`, and tells what could not be.
    package static func run(in root: borrowing RuntimeRoot) -> [Failure] {
        var isThere = false
        return run(in: root, noting: "@", &isThere)
    }

    /// The same, which also tells whether the root has a directory `noted` that is no container's.
    package static func run(
        in root: borrowing RuntimeRoot, noting noted: UnsafePointer<CChar>, _ isNoted: inout Bool
    ) -> [Failure] {
        var failures: [Failure] = []
        // Of containers: other names begin with `@`.
        var names: [String] = []
        do throws(SystemError) {
            try root.directory.view.eachName { name in
                if name.pointee != CChar(UInt8(ascii: "@")) {
                    names.append(String(cString: name))
                } else if strcmp(name, noted) == 0 {
                    isNoted = true
                }
                return true
            }
        } catch { return [Failure(name: "*", error: .state(error))] }
        for name in names {
            do throws(ContainersError) {
                guard let poststop = try repair(name, in: root.view) else { continue }
                for failure in poststop.run(patience: hookPatience) {
                    failures.append(Failure(name: name, error: .hook(failure)))
                }
            } catch { failures.append(Failure(name: name, error: error)) }
        }
        return failures
    }

    /// Returns what is to be run for the container that it has removed; nil: nothing.
    private static func repair(
        _ name: String, in root: RuntimeRoot.View
    ) throws(ContainersError) -> ContainerRecord.Poststop? {
        let directory: OwnedDescriptor
        let found: Found
        do throws(SystemError) {
            guard let abandoned = try abandoned(name, in: root.directory) else { return nil }
            found = try record(in: abandoned.view)
            directory = abandoned
        } catch {
            // Its command has removed it meanwhile; or it is no directory, and so no container's.
            if error.code == .ENOENT || error.code == .ENOTDIR { return nil }
            throw .state(error)
        }
        var poststop: ContainerRecord.Poststop?
        switch found {
        case .foreign: return nil
        case .nothing: break
        case .json(let json):
            // One that can't be understood is another version's, and so is the container.
            let record: ContainerRecord
            do throws(JSONError) { record = try ContainerRecord(json) } catch {
                throw .json(path: "\(name)/\(StateDirectory.recordName)", error)
            }
            // Whoever created it deletes it.
            if record.detached != nil { return nil }
            poststop = record.poststop
            // Then the state stays, the only thing that tells of a container which may still run there.
            if let left = try record.removeAll(of: name, in: root) { throw .notOfThisRoot(left) }
        }
        do throws(SystemError) { try StateDirectory.remove(name, directory.view, in: root.directory) } catch {
            throw .state(error)
        }
        return poststop
    }

    /// The state directory with its lock; nil: its command lives.
    private static func abandoned(_ name: String, in root: Descriptor) throws(SystemError) -> OwnedDescriptor? {
        let directory = try root.open(name, O_RDONLY | O_DIRECTORY)
        var isOurs = try directory.view.lock(exclusive: true, waiting: false)
        if !isOurs, try isOrphaned(directory.view) {
            let end = Clock.monotonic() + patience
            while !isOurs, Clock.monotonic() < end {
                Clock.pause(500_000)
                isOurs = try directory.view.lock(exclusive: true, waiting: false)
            }
        }
        guard isOurs else { return nil }
        // The lock may be of a directory that is gone, and another container's be in its place.
        let status = try directory.view.status(), present = try root.status(of: name)
        guard status.inode == present.inode, status.device == present.device else { return nil }
        return directory
    }

    /// Seconds that a hook of a container that was left has: others wait for it who have nothing to do with it.
    private static let hookPatience = 10

    /// How long a child may take to execute the stage, on a machine that has much else to do.
    private static let patience: UInt64 = 2_000_000_000

    /// Whether the command that had the lock is dead, by its record: then who has it still is about to lose it.
    private static func isOrphaned(_ directory: Descriptor) throws(SystemError) -> Bool {
        guard case .json(let json) = try record(in: directory), let record = try? ContainerRecord(json),
            let runtime = record.runtime
        else { return false }
        return !Identity.exists(runtime)
    }

    private enum Found {
        /// What the container has.
        case json(JSON)
        /// Its command died before it had anything: the record comes first.
        case nothing
        /// Somebody else's directory.
        case foreign
    }

    private static func record(in directory: Descriptor) throws(SystemError) -> Found {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try directory.readFile(StateDirectory.recordName, limit: StateDirectory.recordLimit)
        } catch {
            if error.code == .ENOENT {
                return try directory.entries().allSatisfy(StateDirectory.isOwn) ? .nothing : .foreign
            }
            throw error
        }
        do throws(JSONError) { return .json(try JSON(parsing: bytes)) } catch {
            // Cut short: it died while it wrote.
            return zip(bytes, ContainerRecord.beginning).allSatisfy { $0 == $1 } ? .nothing : .foreign
        }
    }
}
