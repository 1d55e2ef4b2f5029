internal import Linux

/// Files of the cgroup trees, which are small and are read and written whole. Their paths begin at a mount point: a
/// container that was given its group can make groups in it, but no links, so that no path leads elsewhere.
enum CgroupFile {
    /// The text of `path`. Three system calls for a short file: a read that leaves room for one more line was the last.
    static func readRaw(_ path: String, in directory: Descriptor = .workingDirectory) throws(SystemError) -> String {
        let file = try directory.open(path, Flags.read)
        let size = 8192
        let longestLine = 512
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { buffer.deallocate() }
        var text = ""
        while true {
            let n: Int
            do throws(SystemError) { n = try file.view.read(into: buffer) } catch {
                throw SystemError(error.call, path, detail: error.detail, error.code)
            }
            text += String(decoding: buffer[..<n], as: UTF8.self)
            if n < size - longestLine { return text }
        }
    }

    /// `directory`/`name`, in just the memory that it needs: a longer string costs a launch more than its bytes.
    static func path(_ directory: String, _ name: String) -> String {
        let count = directory.utf8.count + 1 + name.utf8.count
        return String(unsafeUninitializedCapacity: count) { buffer in
            var (_, end) = buffer.initialize(from: directory.utf8)
            buffer.initializeElement(at: end, to: UInt8(ascii: "/"))
            end += 1
            _ = UnsafeMutableBufferPointer(rebasing: buffer[end...]).initialize(from: name.utf8)
            return count
        }
    }

    /// The text of `path`; its failure as an error of this module.
    static func read(_ path: String) throws(CgroupError) -> String {
        do throws(SystemError) { return try readRaw(path) } catch { throw CgroupError(error) }
    }

    /// The text of `path`, nil where it does not exist: kernels differ in what they offer.
    static func readIfPresent(_ path: String) throws(CgroupError) -> String? {
        do throws(SystemError) { return try readRaw(path) } catch {
            // ENODEV: the group was removed after the open.
            if error.code == .ENOENT || error.code == .ENODEV { return nil }
            throw CgroupError(error)
        }
    }

    /// Writes `text` to `path`.
    static func write(_ path: String, _ text: String) throws(SystemError) {
        try Descriptor.workingDirectory.writeFile(path, text)
    }

    /// The number behind `key` in a text of `key number` lines, such as `memory.events`.
    static func number(_ key: String, in text: String) -> UInt64? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == key { return UInt64(words[1]) }
        }
        return nil
    }
}
