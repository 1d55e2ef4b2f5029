internal import Containers
internal import Glibc
internal import Linux
internal import OCI

/// The file of `--log`, which engines read errors from: they give it and look there for what the standard error had.
struct ErrorLog: Sendable {
    enum Format: String, Sendable { case text, json }

    let path: String
    let format: Format

    /// Of the lines that have been written: only one file in a process.
    nonisolated(unsafe) private static var current: ErrorLog?

    /// From here on ``CommandLineTool/complain(_:)`` writes here too.
    func use() { ErrorLog.current = self }

    /// Appends a line. What can't be written is lost: the standard error has it.
    static func add(_ text: String) {
        guard let log = current else { return }
        let isWarning = text.hasPrefix("warning: ")
        let level = isWarning ? "warning" : "error"
        let message = isWarning ? String(text.dropFirst(9)) : text
        let time = Clock.rfc3339(Clock.wall())
        let line =
            switch log.format {
            case .text: "time=\"\(time)\" level=\(level) msg=\(JSON.Value.string(message).text())\n"
            case .json:
                JSON.Value.object([("level", .string(level)), ("msg", .string(message)), ("time", .string(time))])
                    .text()
                    + "\n"
            }
        do throws(SystemError) {
            let flags = O_WRONLY | O_APPEND | O_CREAT
            let file = try Descriptor.workingDirectory.openFollowing(log.path, flags, mode: 0o644)
            try file.view.write(line)
        } catch {}
    }
}
