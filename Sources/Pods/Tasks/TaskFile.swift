internal import Glibc
internal import Linux

/// A task file that was read and found right: YAML with `tasks:`, or a list of tasks.
package struct TaskFile: Sendable {
    /// What is added to a run's time for scheduling and shutdown, in seconds, unless the host's configuration says
    /// otherwise.
    package static let graceSeconds: UInt64 = 300
    /// What a process has between the signal to end and SIGKILL, in seconds; likewise.
    package static let terminationGraceSeconds: UInt64 = 30
    /// The largest file that is read, in bytes.
    package static let maximumSize = 1 << 20

    /// What is the caller's to say.
    package struct Rules: Sendable {
        /// Steps that do not run together may have the same pod_name.
        package var allowsSequentialReuse = false
        /// As the host's configuration has them for the tenant; see ``Operation``.
        package var graceSeconds = TaskFile.graceSeconds
        package var terminationGraceSeconds = TaskFile.terminationGraceSeconds

        package init() {}
    }

    package let operation: Operation
    package let warnings: [FileProblem]

    /// Reads `bytes` for `tenant`. All that is wrong is told at once, under the file's name `name`.
    package static func parse(
        _ bytes: [UInt8], name: String, tenant: String, rules: Rules = Rules()
    ) throws(PodsError) -> TaskFile {
        guard Volume.isLabel(tenant) else { throw .invalidName(kind: "tenant", tenant) }
        let text = YAMLReader.read(bytes)
        var reader = OperationReader(tenant: tenant, rules: rules)
        var operation = Operation(tenant: tenant)
        // Of a text that has no end nothing else can be told.
        if !text.documents.isEmpty || text.problems.isEmpty { operation = reader.operation(text.documents) }
        operation.graceSeconds = rules.graceSeconds
        operation.terminationGraceSeconds = rules.terminationGraceSeconds
        let problems = text.problems + reader.complaints.problems
        let warnings = reader.complaints.warnings.sorted { $0.position < $1.position }
        guard problems.isEmpty else {
            throw .invalidTaskFile(
                name: name, problems: problems.sorted { $0.position < $1.position }, warnings: warnings)
        }
        return TaskFile(operation: operation, warnings: warnings)
    }

    /// The bytes of the file `path`, which the caller's user typed.
    package static func content(of path: String) throws(PodsError) -> [UInt8] {
        do throws(SystemError) {
            // Without waiting: it may be a FIFO.
            let file = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_NONBLOCK)
            let status = try file.view.status()
            guard status.isRegular else {
                throw SystemError("open", path, detail: "not a regular file,", .EINVAL)
            }
            return try file.view.readAll(limit: maximumSize, size: status.size)
        } catch { throw .unreadableTaskFile(path, error) }
    }

    /// Reads the file `path`, whose bytes are `content`, and looks whether the sources of its uplinks are there.
    package static func read(
        _ path: String, _ content: [UInt8], tenant: String, rules: Rules = Rules()
    ) throws(PodsError) -> TaskFile {
        let file = try parse(content, name: path, tenant: tenant, rules: rules)
        let problems = try UplinkDirectory.of(taskFile: path).problems(of: file.operation)
        guard problems.isEmpty else {
            throw .invalidTaskFile(name: path, problems: problems, warnings: file.warnings)
        }
        return file
    }
}
