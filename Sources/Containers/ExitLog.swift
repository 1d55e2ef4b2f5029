internal import Glibc
internal import Linux

/// The records of the containers that ended last: JSON Lines, one record a line, in the root's file `@exited`. One append
/// a launch, so that a record costs no new file; when the file is full it becomes `@exited.1` and a new one is begun.
struct ExitLog {
    static let name = "@exited"
    static let olderName = "@exited.1"
    /// Bytes from which on a new file is begun: some 250 records.
    static let limit = 64 << 10

    let root: Descriptor

    /// Adds a record.
    func add(_ record: ExitRecord) throws(SystemError) {
        let file = try root.open(ExitLog.name, O_WRONLY | O_APPEND | O_CREAT, mode: 0o600)
        // One write(2) with O_APPEND: lines of commands that end at the same time don't mix.
        try file.view.write(record.json.bytes() + [UInt8(ascii: "\n")])
        if try file.view.status().size >= ExitLog.limit { try turnOver(file.view) }
    }

    /// Of several commands that find the file full one renames it, and the others see that it has been done.
    private func turnOver(_ file: Descriptor) throws(SystemError) {
        guard try file.lock(exclusive: true, waiting: false) else { return }
        do throws(SystemError) {
            guard try root.status(of: ExitLog.name).inode == file.status().inode else { return }
        } catch {
            if error.code == .ENOENT { return }
            throw error
        }
        try root.rename(ExitLog.name, to: ExitLog.olderName, in: root)
    }
}
