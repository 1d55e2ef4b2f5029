import Glibc
import Linux
import OCI
import Testing

@testable import Images

/// The tree that an image must unpack to, as `Rootfs/images/merge.py` has worked it out, compared with one on disk.
struct ExpectedTree {
    private let nodes: [(name: String, value: JSON)]

    init(architecture: String) throws {
        let text = try Descriptor.workingDirectory.readFile(
            TestImages.path("layers.expected.json"), limit: 64 << 20)
        nodes = try JSON(parsing: text).required(architecture).members()
    }

    /// What differs in the tree at `root`, a line each; empty: nothing.
    /// overlayfs counts the names of a file in its layer, hidden ones too: there the count is not compared.
    func differences(from root: Descriptor, countingLinks: Bool = true) throws -> [String] {
        // By bytes: two Strings are equal if they look the same, and two file names are not.
        var found: [[UInt8]: String] = [:]
        var inodes: [UInt64: [String]] = [:]
        let open = try root.open(".", O_RDONLY | O_DIRECTORY)
        try walk(open.view, "", &found, &inodes)
        for names in inodes.values where names.count > 1 {
            for name in names { found[Array(name.utf8), default: ""] += " links=\(names.sorted())" }
        }
        var lines: [String] = []
        for (path, node) in nodes {
            let wanted = try Self.description(node)
            guard let actual = found.removeValue(forKey: Array(path.utf8)) else {
                lines.append("\(path) is missing")
                continue
            }
            var comparable = node["mtime"] == nil ? Self.without("t=", actual) : actual
            if !countingLinks { comparable = Self.without("n=", comparable) }
            if comparable != (countingLinks ? wanted : Self.without("n=", wanted)) {
                lines.append("\(path): \(comparable) instead of \(wanted)")
            }
        }
        return lines + found.keys.map { "\(String(decoding: $0, as: UTF8.self)) is too much" }
    }

    private static func description(_ node: JSON) throws -> String {
        var text = try node.required("type").string()
        if let mode = node["mode"] { text += " " + (try mode.string()) }
        text += " \(try node.required("uid").integer(Int.self)):\(try node.required("gid").integer(Int.self))"
        if let time = node["mtime"] { text += " t=" + (try time.string()) }
        if let hash = node["sha256"] { text += " " + (try hash.string()) }
        if let target = node["target"] { text += " -> " + (try target.string()) }
        if let links = node["nlink"] { text += " n=\(try links.integer(Int.self))" }
        for (name, value) in try node["xattrs"]?.stringMap() ?? [] { text += " \(name)=\(value)" }
        if let links = node["links"] { text += " links=\(try links.strings().sorted())" }
        return text
    }

    private static func without(_ prefix: String, _ text: String) -> String {
        text.split(separator: " ", omittingEmptySubsequences: false).filter { !$0.hasPrefix(prefix) }
            .joined(separator: " ")
    }

    private func walk(
        _ directory: Descriptor, _ path: String, _ found: inout [[UInt8]: String], _ inodes: inout [UInt64: [String]]
    ) throws {
        found[Array((path.isEmpty ? "/" : path).utf8)] = try describe(try directory.status(), directory, nil)
        for name in try directory.entries() {
            let status = try directory.status(of: name)
            let full = path + "/" + String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if status.isDirectory {
                let inner = try directory.open(name, O_RDONLY | O_DIRECTORY)
                try walk(inner.view, full, &found, &inodes)
                continue
            }
            inodes[status.inode, default: []].append(full)
            if status.isRegular {
                let file = try directory.open(name, O_RDONLY)
                found[Array(full.utf8)] = try describe(status, file.view, nil)
            } else {
                let target = status.isSymlink ? try directory.readLink(name) : nil
                found[Array(full.utf8)] = try describe(status, nil, target)
            }
        }
    }

    private func describe(_ status: FileStatus, _ file: Descriptor?, _ target: String?) throws -> String {
        let kinds = [
            S_IFREG: "file", S_IFDIR: "directory", S_IFLNK: "symlink", S_IFIFO: "fifo", S_IFCHR: "character device",
            S_IFBLK: "block device",
        ]
        var text = kinds[status.mode & S_IFMT] ?? "?"
        if !status.isSymlink {
            let octal = String(status.mode & 0o7777, radix: 8)
            text += " " + String(repeating: "0", count: 4 - octal.count) + octal
        }
        let fraction = String(status.modified.nanoseconds)
        text += " \(status.owner):\(status.group) t=\(status.modified.seconds)."
        text += String(repeating: "0", count: 9 - fraction.count) + fraction
        if let file, status.isRegular {
            let content = MeasuredStream(DescriptorStream(file), limit: .max, tooLong: .unnamed)
            try content.drain()
            text += " " + content.digest.hex
        }
        if let target { text += " -> " + target }
        if !status.isDirectory { text += " n=\(status.links)" }
        guard let file else { return text }
        let names = try file.attributeNames().map { $0.withUnsafeBufferPointer { EntryName.text($0) } }.sorted()
        for name in names where !name.hasPrefix("trusted.") && name != "security.selinux" {
            let value = try file.attribute(name) ?? []
            text += " \(name)=" + value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        return text
    }
}
