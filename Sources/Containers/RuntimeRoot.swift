internal import Glibc
package import Linux

/// The directory that holds the state of running containers, 0700 and best on a tmpfs: `--root`.
package struct RuntimeRoot: ~Copyable {
    package let path: String
    package let directory: OwnedDescriptor
    /// Told apart from other roots in names that are global on the host: cgroups, later bridges and tables.
    package let identifier: String

    /// Opens the directory, and makes it where it is missing.
    package init(path: String) throws(ContainersError) {
        do throws(SystemError) {
            do throws(SystemError) {
                directory = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_DIRECTORY)
            } catch {
                guard error.code == .ENOENT else { throw error }
                try Descriptor.workingDirectory.makeDirectories(path, mode: 0o700)
                directory = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_DIRECTORY)
            }
        } catch { throw .state(error) }
        self.path = path
        identifier = RuntimeRoot.identifier(of: path)
    }

    /// A directory of the root that is no container's: `@` is in no container's id.
    func directory(named name: String) throws(SystemError) -> OwnedDescriptor {
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
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
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
        let digits = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        return ContainerIdentifier(unchecked: String(repeating: "0", count: 16 - digits.count) + digits)
    }

    private init(unchecked text: String) { self.text = text }
}
