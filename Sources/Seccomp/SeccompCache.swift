internal import Glibc
package import Linux
package import OCI

/// Compiled filters on disk, so that a launch whose profile was seen before neither parses it nor wakes libseccomp.
///
/// A file is its own proof: magic, version, key, lengths, and a digest over all, and the program is checked as the kernel
/// would. What is torn or foreign is compiled anew and replaced, never trusted. Several processes may use one directory:
/// files appear by rename, and a file that goes while another reads it is still whole for the reader. The directory must be
/// writable by us alone.
package struct SeccompCache {
    /// Raised whenever the form of the files or the way filters are made changes.
    static let formatVersion: UInt32 = 1
    /// How many filters are kept; beyond, the oldest go.
    package static let capacity = 32

    private static let magic = Array("perigee\u{1}".utf8)
    private static let suffix = ".bpf"
    /// A temporary file older than this many seconds was left by a process that died.
    private static let abandonedAfter = 60
    private let directory: Descriptor

    /// A cache in `directory`, which must stay open as long as this value is used.
    package init(directory: Descriptor) { self.directory = directory }

    /// The program for `profile`: from the cache, or compiled and kept. A cache that can't be written costs time and no
    /// more.
    package func program(for profile: LinuxSeccomp) throws(SeccompError) -> SeccompProgram {
        try program(for: SeccompKey(profile)) { () throws(SeccompError) in profile }
    }

    /// The program for a template's JSON text in UTF-8: one digest and one file read if it was seen before; the text is
    /// parsed only if it was not.
    package func program(
        template text: UnsafeRawBufferPointer, for target: SeccompTemplate.Target
    ) throws(SeccompError) -> SeccompProgram {
        try program(for: SeccompKey(template: text, for: target)) { () throws(SeccompError) in
            try SeccompTemplate(parsing: Array(text)).resolved(for: target)
        }
    }

    /// The program by `key`; `profile` is called for what to compile if it is not there.
    package func program(
        for key: SeccompKey, otherwise profile: () throws(SeccompError) -> LinuxSeccomp
    ) throws(SeccompError) -> SeccompProgram {
        if let program = stored(key) { return program }
        let program = try SeccompFilter.compile(try profile())
        do throws(SystemError) { try store(program, key) } catch { return program }
        return program
    }

    /// The program by `key` if a sound one is there.
    package func stored(_ key: SeccompKey) -> SeccompProgram? {
        do throws(SystemError) {
            let file = try directory.open(key.name + Self.suffix, O_RDONLY | O_NONBLOCK)
            let status = try file.view.status()
            guard status.isRegular, status.owner == geteuid(), status.mode & 0o022 == 0 else { return nil }
            guard status.size >= SeccompEntry.headerSize, status.size <= SeccompEntry.sizeLimit else { return nil }
            let size = Int(status.size)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size + 1, alignment: 8)
            defer { buffer.deallocate() }
            guard try file.view.read(into: buffer, at: 0) == size else { return nil }
            return SeccompEntry.program(
                in: UnsafeRawBufferPointer(rebasing: buffer[..<size]), magic: Self.magic, version: Self.formatVersion,
                key: key)
        } catch {
            // Not there, or not readable: compiled anew. Storing it then tells nothing either, the filter is what counts.
            return nil
        }
    }

    /// Keeps `program` under `key`, all or nothing, and lets the oldest go.
    package func store(_ program: SeccompProgram, _ key: SeccompKey) throws(SystemError) {
        let bytes = SeccompEntry.bytes(of: program, magic: Self.magic, version: Self.formatVersion, key: key)
        let temporary = "\(key.name).\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let file = try directory.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        do throws(SystemError) {
            try file.view.write(bytes)
            try directory.rename(temporary, to: key.name + Self.suffix, in: directory)
        } catch {
            let cause = error
            do throws(SystemError) { try directory.unlink(temporary) } catch { throw cause }
            throw cause
        }
        try trim()
    }

    private func trim() throws(SystemError) {
        // A descriptor of its own: the caller's may be O_PATH, and its offset is the caller's.
        let listing = try directory.open(".", O_RDONLY | O_DIRECTORY)
        var kept: [(name: [CChar], seconds: Int, nanoseconds: Int)] = []
        let now = Int(Clock.wall() / 1_000_000_000)
        let suffix = Self.suffix.utf8.map { CChar($0) } + [0]
        for name in try listing.view.entries() {
            do throws(SystemError) {
                let modified = try directory.status(of: name).modified
                if name.suffix(suffix.count) == suffix[...] {
                    kept.append((name, modified.seconds, modified.nanoseconds))
                } else if now - modified.seconds > Self.abandonedAfter {
                    try directory.unlink(name)
                }
            } catch  where error.code == .ENOENT {}
        }
        guard kept.count > Self.capacity else { return }
        kept.sort { ($0.seconds, $0.nanoseconds) < ($1.seconds, $1.nanoseconds) }
        for entry in kept.prefix(kept.count - Self.capacity) {
            do throws(SystemError) { try directory.unlink(entry.name) } catch  where error.code == .ENOENT {}
        }
    }
}
