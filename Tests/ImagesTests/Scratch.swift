import Glibc
import Linux
import OCI
import Testing

@testable import Images

/// A directory of the test's own, removed when the test ends.
struct Scratch: ~Copyable {
    let path: String

    init() throws {
        path = "/var/tmp/perigee-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try Descriptor.workingDirectory.makeDirectory(path, mode: 0o700)
    }

    deinit { try? Descriptor.workingDirectory.removeTree(path) }

    /// An empty store below the directory.
    func store() throws -> ImageStore { try ImageStore(path: "\(path)/store") }

    /// What is left in the store's work directory.
    func leftovers() throws -> Int {
        let tmp = try Descriptor.workingDirectory.open("\(path)/store/tmp", O_RDONLY | O_DIRECTORY)
        return try tmp.view.entries().count
    }
}

/// The images that `Rootfs/images/build.py` makes, built once where they are missing.
enum TestImages {
    static let directory: String = {
        let cache =
            getenv("PERIGEE_CACHE").map { String(cString: $0) }
            ?? (getenv("XDG_CACHE_HOME").map { String(cString: $0) }
                ?? (getenv("HOME").map { String(cString: $0) } ?? "/root") + "/.cache") + "/perigee"
        let images = cache + "/images"
        if access(images + "/layers.expected.json", R_OK) != 0 || access(images + "/foreign-umoci", R_OK) != 0 {
            let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            system("python3 '/\(folder)/Rootfs/images/build.py' >/dev/null")
        }
        return images
    }()

    static func path(_ name: String) -> String { "\(directory)/\(name)" }
}
