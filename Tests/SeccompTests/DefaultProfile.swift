import Glibc
import Linux
import OCI
import Seccomp

/// The default profile that the project ships.
enum DefaultProfile {
    static let text: [UInt8] = {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        do { return try Descriptor.workingDirectory.readFile(root + "/Rootfs/seccomp.json", limit: 1 << 20) } catch {
            return []
        }
    }()

    static func target(_ capabilities: Set<String>, _ architecture: SeccompArchitecture = .native)
        -> SeccompTemplate.Target
    {
        SeccompTemplate.Target(capabilities: capabilities, architecture: architecture, kernel: (6, 12))
    }

    static func resolved(_ capabilities: Set<String> = [], _ architecture: SeccompArchitecture = .native) throws
        -> LinuxSeccomp
    {
        try SeccompTemplate(parsing: text).resolved(for: target(capabilities, architecture))
    }

    static func machine(_ capabilities: Set<String> = []) throws -> FilterMachine {
        FilterMachine(try SeccompFilter.compile(resolved(capabilities)))
    }
}
