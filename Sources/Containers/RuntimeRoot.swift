internal import Glibc
package import Linux

/// The directory that holds the state of running containers, 0700 and best on a tmpfs: `--root`.
package struct RuntimeRoot: ~Copyable {
    package let path: String
    package let directory: OwnedDescriptor
    /// Of the directory's real path. Told apart by it from other roots in names that are global on the host: cgroups,
    /// later bridges and tables.
    package let identifier: String

    private init(path: String, directory: consuming OwnedDescriptor, identifier: String) {
        self.path = path
        self.directory = directory
        self.identifier = identifier
    }

    /// Opens the directory, and makes it where it is missing.
    package static func at(path: String) throws(ContainersError) -> RuntimeRoot {
        do throws(SystemError) {
            // Through a link the containers are the same, and so must their names be.
            if AbsolutePath.isPlain(path), let direct = try Descriptor.workingDirectory.openDirectly(path) {
                try mark(direct.view, path)
                return RuntimeRoot(path: path, directory: direct, identifier: identifier(of: path))
            }
            let opened = try open(path)
            let real = try Descriptor.workingDirectory.readLink("/proc/self/fd/\(opened.view.number)")
            return RuntimeRoot(path: path, directory: opened, identifier: identifier(of: real))
        } catch { throw .state(error) }
    }

    /// The root at `path`; nil: there is none, since no container has ever run there.
    package static func existing(path: String) throws(ContainersError) -> RuntimeRoot? {
        let isThere: Bool
        do throws(SystemError) { isThere = try Descriptor.workingDirectory.exists(path) } catch { throw .state(error) }
        guard isThere else { return nil }
        return try at(path: path)
    }

    private static func open(_ path: String) throws(SystemError) -> OwnedDescriptor {
        let here = Descriptor.workingDirectory
        do throws(SystemError) {
            let directory = try here.openFollowing(path, O_RDONLY | O_DIRECTORY)
            try mark(directory.view, path)
            return directory
        } catch {
            guard error.code == .ENOENT else { throw error }
        }
        try here.makeDirectories(path, mode: 0o700)
        let directory = try here.openFollowing(path, O_RDONLY | O_DIRECTORY)
        try mark(directory.view, path)
        return directory
    }

    /// Makes sure that the directory is a root, for what is in a root is removed when its command is dead: an empty one
    /// becomes one, and any other must have been one before.
    private static func mark(_ directory: Descriptor, _ path: String) throws(SystemError) {
        if try directory.exists(markName) { return }
        let at = CChar(UInt8(ascii: "@"))
        let names = try directory.entries()
        // `@exited` and `@filters` are of a version that had no mark.
        guard names.isEmpty || names.contains(where: { $0.first == at }) else {
            throw SystemError("open", path, detail: "not empty, and no root of perigee's,", .ENOTEMPTY)
        }
        do throws(SystemError) {
            _ = try directory.open(markName, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        } catch  where error.code == .EEXIST {}
    }

    private static let markName = "@root"

    /// A directory of the root that is no container's: `@` is in no container's id.
    package func directory(named name: String) throws(SystemError) -> OwnedDescriptor {
        do throws(SystemError) { return try directory.view.open("@" + name, O_RDONLY | O_DIRECTORY) } catch {
            guard error.code == .ENOENT else { throw error }
        }
        do throws(SystemError) { try directory.view.makeDirectory("@" + name, mode: 0o700) } catch
            where error.code == .EEXIST
        {}
        return try directory.view.open("@" + name, O_RDONLY | O_DIRECTORY)
    }

    /// FNV-1a of the path, eight hexadecimal digits: a name and not a secret.
    private static func identifier(of path: String) -> String {
        let hash = path.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        return hexadecimal(UInt64(hash), digits: 8)
    }
}

extension RuntimeRoot {
    /// The root as a value: whoever holds the ``RuntimeRoot`` must keep it alive while this is used.
    package struct View: Sendable {
        let directory: Descriptor
        package let identifier: String

        /// Whether container `name` may have a state directory here: what can't be found out counts as yes.
        package func mayKnow(_ name: String) -> Bool {
            do throws(SystemError) { return try directory.exists(name) } catch { return true }
        }

        /// Where the group of a container is that names no other.
        func cgroupPath(of name: String) -> String { "perigee/\(identifier).\(name)" }

        /// What the group at `path` is marked with; nil: the path alone tells whose it is.
        func mark(of name: String, cgroup path: String) -> String? {
            path == cgroupPath(of: name) ? nil : "\(identifier)/\(name)"
        }

        /// Whether the directory was made for a container of this root: `IDENTIFIER.NAME`.
        func owns(_ directory: String) -> Bool {
            directory.hasPrefix("/") && directory.split(separator: "/").last?.hasPrefix(identifier + ".") == true
        }
    }

    package var view: View { View(directory: directory.view, identifier: identifier) }

    /// The name of container `name`'s directories in places that several roots share, such as an image store.
    package func ownName(of name: ContainerIdentifier) -> String { "\(identifier).\(name.text)" }
}

/// A container's name: the letters that runc allows.
package struct ContainerIdentifier: Hashable, Sendable {
    package let text: String

    /// Letters, digits and `_ + - .`, at most 200 (a file that is named after it has a longer name), and neither `.` nor `..`.
    package init(_ text: String) throws(ContainersError) {
        let allowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard allowed, !text.isEmpty, text.utf8.count <= 200, text != ".", text != ".." else {
            throw .invalidIdentifier(text)
        }
        self.text = text
    }

    /// A name that nobody has: 16 random hexadecimal digits.
    package static func random() -> ContainerIdentifier {
        ContainerIdentifier(unchecked: hexadecimal(UInt64.random(in: 1...UInt64.max), digits: 16))
    }

    private init(unchecked text: String) { self.text = text }
}

/// The last `digits` hexadecimal digits of `number`, with leading zeros.
private func hexadecimal(_ number: UInt64, digits: Int) -> String {
    String(unsafeUninitializedCapacity: digits) { buffer in
        for i in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: number >> (4 * (digits - 1 - i))) & 15
            buffer[i] = digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
        }
        return digits
    }
}
