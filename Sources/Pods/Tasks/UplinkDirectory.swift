internal import Glibc
package import Linux

/// The directory of a task file, beneath which the sources of its uplinks lie. Whoever wrote the file may have made links
/// there to what is not theirs: none is followed.
package struct UplinkDirectory: ~Copyable {
    private let directory: OwnedDescriptor

    /// The directory that the task file `path` is in, as the path has it.
    package static func of(taskFile path: String) throws(PodsError) -> UplinkDirectory {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let name = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        do throws(SystemError) {
            return UplinkDirectory(
                directory: try Descriptor.workingDirectory.openFollowing(name, O_RDONLY | O_DIRECTORY))
        } catch { throw .unreadableTaskFile(path, error) }
    }

    /// Opens `source` for reading: a regular file beneath the directory, with no link on the way.
    package func open(_ source: UplinkTask.Source) throws(PodsError) -> OwnedDescriptor {
        do throws(SystemError) { return try descriptor(of: source) } catch {
            throw .uplinkSource(UplinkDirectory.text(source, error), error)
        }
    }

    private func descriptor(of source: UplinkTask.Source) throws(SystemError) -> OwnedDescriptor {
        let path = source.path.description
        // Without waiting: it may be a FIFO.
        let file = try directory.view.openBeneath(path, O_RDONLY | O_NONBLOCK)
        guard try file.view.status().isRegular else {
            throw SystemError("openat2", path, detail: "not a regular file,", .EINVAL)
        }
        return file
    }

    /// What keeps the sources of `operation` from being read.
    func problems(of operation: Operation) -> [FileProblem] {
        var problems: [FileProblem] = []
        for step in operation.steps {
            guard case .uplink(let uplink) = step.work else { continue }
            for source in uplink.sources {
                do throws(SystemError) { _ = try descriptor(of: source) } catch {
                    problems.append(
                        FileProblem(source.position, "task \(step.id): " + UplinkDirectory.text(source, error)))
                }
            }
        }
        return problems
    }

    /// Why `source` can't be read.
    private static func text(_ source: UplinkTask.Source, _ error: SystemError) -> String {
        let why =
            switch error.code {
            case .ENOENT: "no such file beneath the task file's directory"
            case .ELOOP: "a symbolic link is not followed"
            case .EXDEV: "it leads out of the task file's directory"
            case .EINVAL: "not a regular file"
            default: error.description
            }
        return "source \(quotedAlways(source.path.description)): \(why)"
    }
}
