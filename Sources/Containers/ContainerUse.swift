internal import Cgroups
internal import Glibc
internal import Linux
internal import OCI

/// What a container that runs has in use now.
package struct ContainerUse: Sendable {
    package let identifier: String
    /// The command that stays with it; nil: none does.
    package let runtime: Int32?
    /// Bytes; nil: it is not counted here.
    package let memory: UInt64?
    /// Processor time since it began, in microseconds.
    package let processorTime: UInt64?
    /// Processes and threads.
    package let pids: UInt64?
    /// Directory trees of its own, absolute.
    package let directories: [String]
}

extension RuntimeRoot {
    /// What each container of this root has in use. Nothing is locked: one that goes meanwhile is left out.
    package borrowing func uses() throws(ContainersError) -> [ContainerUse] {
        var found: [ContainerUse] = []
        for identifier in try Container.all(in: self) {
            guard
                let text = try? directory.view.readFile(
                    "\(identifier.text)/\(StateDirectory.recordName)", limit: StateDirectory.recordLimit),
                let json = try? JSON(parsing: text), let record = try? ContainerRecord(json)
            else { continue }
            let statistics = record.group.flatMap { try? $0.statistics() }
            found.append(
                ContainerUse(
                    identifier: identifier.text, runtime: record.runtime, memory: statistics?.memoryCurrent,
                    processorTime: statistics?.cpuMicroseconds, pids: statistics?.pidsCurrent,
                    directories: record.directories))
        }
        return found
    }
}
