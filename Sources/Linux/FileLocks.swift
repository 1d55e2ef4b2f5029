/// Who holds locks of flock(2): /proc/locks, proc_locks(5).
package enum FileLocks {
    /// The processes that have taken a lock of the file that `status` is of. A file system whose files show another device
    /// than the kernel's own number for it (btrfs) has none here, and a process of another pid namespace is left out.
    package static func holders(of status: FileStatus) throws(SystemError) -> [Int32] {
        holders(of: status, in: try text())
    }

    /// The text for ``holders(of:in:)``, to be read once for several files.
    package static func text() throws(SystemError) -> String {
        let file = try Descriptor.workingDirectory.open("/proc/locks", 0)
        return String(decoding: try file.view.readAll(limit: 16 << 20), as: UTF8.self)
    }

    /// The same of a text that was read before.
    package static func holders(of status: FileStatus, in text: String) -> [Int32] {
        let device = status.device
        // As makedev(3) packs them; the kernel writes at least two digits.
        let major = (device >> 8 & 0xfff) | (device >> 32 & ~0xfff)
        let minor = (device & 0xff) | (device >> 12 & ~0xff)
        let place = "\(twoDigits(major)):\(twoDigits(minor)):\(status.inode)"
        var found: [Int32] = []
        for line in text.split(separator: "\n") {
            // 1: FLOCK  ADVISORY  READ 1234 08:01:5678 0 EOF; with `->` behind the number, one that waits.
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "FLOCK", fields[5] == place, let process = Int32(fields[4]),
                process > 0, !found.contains(process)
            else { continue }
            found.append(process)
        }
        return found.sorted()
    }

    private static func twoDigits(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return text.utf8.count < 2 ? "0" + text : text
    }
}
