internal import Glibc
package import Linux
package import OCI

/// Compiled filters on disk, so that a launch whose profile was seen before neither parses it nor wakes libseccomp.
///
/// A file is its own proof: magic, version, key, lengths, and a checksum over all, and the program is checked as the kernel
/// would. What is torn or foreign is compiled anew and replaced, never trusted. Several processes may use one directory:
/// files appear whole, and a file that goes while another reads it is still whole for the reader. The directory must be
/// writable by us alone.
package struct SeccompCache {
    /// Raised whenever the form of the files or the way filters are made changes.
    static let formatVersion: UInt32 = 3
    /// How many filters are kept; beyond, the oldest go.
    package static let capacity = 32

    private static let suffix = ".bpf"
    private let directory: Descriptor

    /// A cache in `directory`, which must stay open as long as this value is used.
    package init(directory: Descriptor) { self.directory = directory }

    /// The program for `profile`: from the cache, or compiled and kept. A cache that can't be written costs time and no
    /// more.
    package func program(for profile: LinuxSeccomp) throws(SeccompError) -> SeccompProgram {
        try program(for: SeccompKey(profile)) { () throws(SeccompError) in profile }
    }

    /// The program of the default profile, which the build embeds: one file read if it was made before; the profile is
    /// parsed only if it was not.
    package func defaultProgram(for target: SeccompTemplate.Target) throws(SeccompError) -> SeccompProgram {
        try program(for: SeccompKey(templateDigest: "\(defaultSeccompTextDigest)", for: target)) {
            () throws(SeccompError) in
            let text = defaultSeccompText.withUTF8Buffer { Array($0) }
            return try SeccompTemplate(parsing: text).resolved(for: target)
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
                in: UnsafeRawBufferPointer(rebasing: buffer[..<size]), version: Self.formatVersion, key: key)
        } catch {
            // Not there, or not readable: compiled anew. Storing it then tells nothing either, the filter is what counts.
            return nil
        }
    }

    /// Keeps `program` under `key`, all or nothing, and lets the oldest go.
    package func store(_ program: SeccompProgram, _ key: SeccompKey) throws(SystemError) {
        let bytes = SeccompEntry.bytes(of: program, version: Self.formatVersion, key: key)
        // It would never be read again.
        guard bytes.count <= SeccompEntry.sizeLimit else { return }
        let name = key.name + Self.suffix
        // A file without a name, so that nothing is left of one that is not written to its end.
        let nameless = 0x40_0000 | O_DIRECTORY  // O_TMPFILE
        let file = try directory.open(".", O_WRONLY | nameless, mode: 0o600)
        try file.view.write(bytes)
        do throws(SystemError) { try link(file.view, to: name) } catch {
            guard error.code == .EEXIST else { throw error }
            // Another's that is as good as ours, or one that is torn or foreign.
            if stored(key) == nil { try replace(name, by: file.view) }
        }
        try trim()
    }

    private func replace(_ name: String, by file: Descriptor) throws(SystemError) {
        do throws(SystemError) { try directory.unlink(name) } catch  where error.code == .ENOENT {}
        do throws(SystemError) { try link(file, to: name) } catch  where error.code == .EEXIST {}
    }

    private func link(_ file: Descriptor, to name: String) throws(SystemError) {
        try Descriptor.workingDirectory.link(
            "/proc/self/fd/\(file.number)", to: name, in: directory, flags: AT_SYMLINK_FOLLOW)
    }

    private func trim() throws(SystemError) {
        // A descriptor of its own: the caller's may be O_PATH, and its offset is the caller's.
        let listing = try directory.open(".", O_RDONLY | O_DIRECTORY)
        var kept: [(name: [CChar], seconds: Int, nanoseconds: Int)] = []
        let suffix = Self.suffix.utf8.map { CChar($0) } + [0]
        for name in try listing.view.entries() {
            do throws(SystemError) {
                guard name.suffix(suffix.count) == suffix[...] else { continue }
                let modified = try directory.status(of: name).modified
                kept.append((name, modified.seconds, modified.nanoseconds))
            } catch  where error.code == .ENOENT {}
        }
        guard kept.count > Self.capacity else { return }
        kept.sort { ($0.seconds, $0.nanoseconds) < ($1.seconds, $1.nanoseconds) }
        for entry in kept.prefix(kept.count - Self.capacity) {
            do throws(SystemError) { try directory.unlink(entry.name) } catch  where error.code == .ENOENT {}
        }
    }
}
