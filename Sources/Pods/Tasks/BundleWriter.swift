internal import Glibc
internal import Linux

/// Writes a bundle's directory: all of it, or nothing. It grows under another name beside its own, and is renamed when it is
/// whole.
package struct BundleWriter: ~Copyable {
    private let parent: OwnedDescriptor
    private let directory: OwnedDescriptor
    /// The name to be, and the one until then.
    private let name: String
    private let partial: String
    /// As the caller's user typed it, for messages.
    private let path: String
    private let signals: SignalSource
    private var isWhole = false

    deinit {
        // A name too many is found and removed by the next one that makes this bundle.
        if !isWhole { do throws(SystemError) { try parent.view.removeTree(partial) } catch {} }
    }

    /// Signals that end a command.
    private static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Writes `bundle` to `path`, which must not exist, with files of `sources` of at most `limit` bytes together.
    package static func write(
        _ bundle: TaskBundle, to path: String, sources: borrowing UplinkDirectory, limit: Int64
    ) throws(PodsError) {
        var writer = try begin(path)
        do throws(SystemError) {
            for name in bundle.directories { try writer.directory.view.makeDirectory(name, mode: 0o755) }
            for file in bundle.files { try writer.make(file) }
        } catch { throw .bundle(path, error) }
        try writer.copy(bundle.copies, from: sources, limit: limit)
        try writer.finish()
    }

    private static func begin(_ path: String) throws(PodsError) -> BundleWriter {
        let bytes = Array(path.utf8)
        let slash = UInt8(ascii: "/")
        let end = (bytes.lastIndex { $0 != slash } ?? -1) + 1
        let start = (bytes[..<end].lastIndex(of: slash) ?? -1) + 1
        let name = String(decoding: bytes[start..<end], as: UTF8.self)
        let above = start == 0 ? "." : String(decoding: bytes[..<start], as: UTF8.self)
        guard !["", ".", ".."].contains(name) else { throw .bundleExists(path) }
        let parent = try of(path) { () throws(SystemError) in
            try Descriptor.workingDirectory.openFollowing(above, O_RDONLY | O_DIRECTORY)
        }
        let isThere = try of(path) { () throws(SystemError) in try parent.view.exists(name) }
        if isThere { throw .bundleExists(path) }
        let partial = ".\(name).perigee-bundle"
        let signals = try of(path) { () throws(SystemError) in try SignalSource(SignalSource.heeded(ending)) }
        let made = try of(path) { () throws(SystemError) in try make(partial, in: parent.view) }
        guard let directory = made else { throw .bundleBusy(path) }
        return BundleWriter(
            parent: parent, directory: directory, name: name, partial: partial, path: path, signals: signals)
    }

    /// Makes the directory that becomes the bundle, in the place of one that a killed command has left. It is locked, so
    /// that others see that somebody is at it: nil, another is.
    private static func make(_ partial: String, in parent: Descriptor) throws(SystemError) -> OwnedDescriptor? {
        do throws(SystemError) { try parent.makeDirectory(partial, mode: 0o755) } catch {
            guard error.code == .EEXIST else { throw error }
            let left = try parent.open(partial, O_RDONLY | O_DIRECTORY)
            guard try left.view.lock(exclusive: true, waiting: false) else { return nil }
            try parent.removeTree(partial)
            do throws(SystemError) { try parent.makeDirectory(partial, mode: 0o755) } catch {
                if error.code == .EEXIST { return nil }
                throw error
            }
        }
        let directory = try parent.open(partial, O_RDONLY | O_DIRECTORY)
        guard try directory.view.lock(exclusive: true, waiting: false) else { return nil }
        // Between the two somebody may have taken it for a left one.
        let there = try parent.exists(partial) ? try parent.status(of: partial).inode : 0
        guard try directory.view.status().inode == there else { return nil }
        return directory
    }

    private func make(_ file: TaskBundle.File) throws(SystemError) {
        let made = try directory.view.open(file.path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        try made.view.write(file.text)
        try made.close()
    }

    private mutating func copy(
        _ copies: [TaskBundle.Copy], from sources: borrowing UplinkDirectory, limit: Int64
    ) throws(PodsError) {
        var rest = limit
        for copy in copies {
            let source = try sources.open(copy.source)
            let status = try BundleWriter.of(path) { () throws(SystemError) in try source.view.status() }
            guard status.size <= rest else { throw .uplinkTooLarge(limit: limit) }
            let mode: UInt32 = status.mode & 0o111 == 0 ? 0o644 : 0o755
            let target = try BundleWriter.of(path) { () throws(SystemError) in
                try directory.view.open(copy.path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            }
            try self.copy(source.view, to: target.view, &rest, limit: limit)
            do throws(SystemError) { try target.close() } catch { throw .bundle(path, error) }
        }
    }

    /// Copies to the end, however long a file has become meanwhile, and stops at the limit or when a signal came.
    private func copy(
        _ source: Descriptor, to target: Descriptor, _ rest: inout Int64, limit: Int64
    ) throws(PodsError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            try heedSignals()
            let count: Int
            do throws(SystemError) { count = try source.read(into: buffer) } catch { throw .bundle(path, error) }
            if count == 0 { return }
            rest -= Int64(count)
            guard rest >= 0 else { throw .uplinkTooLarge(limit: limit) }
            do throws(SystemError) {
                try target.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            } catch { throw .bundle(path, error) }
        }
    }

    /// Ends the work where the caller wants that.
    private func heedSignals() throws(PodsError) {
        let signal: Int32?
        do throws(SystemError) {
            signal = try Poll.readable([signals.view], timeout: 0)[0] ? try signals.next() : nil
        } catch { throw .bundle(path, error) }
        if let signal { throw .interrupted(signal: signal) }
    }

    /// Makes a failed system call an error of the bundle at `path`.
    private static func of<Value: ~Copyable>(
        _ path: String, _ body: () throws(SystemError) -> Value
    ) throws(PodsError) -> Value {
        do throws(SystemError) { return try body() } catch { throw .bundle(path, error) }
    }

    /// Gives it its name, unless somebody took that meanwhile.
    private mutating func finish() throws(PodsError) {
        try heedSignals()
        do throws(SystemError) {
            try parent.view.rename(partial, to: name, in: parent.view, flags: Descriptor.noReplace)
        } catch { throw error.code == .EEXIST ? .bundleExists(path) : .bundle(path, error) }
        isWhole = true
    }
}
