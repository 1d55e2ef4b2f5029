internal import Glibc
internal import Linux
package import Network
internal import OCI

/// The host's configuration: nodes, tenants and their limits. It is read anew by every command.
package struct Configuration: Sendable {
    package static let defaultPath = "/etc/perigee/config.json"
    /// A file elsewhere, for tests.
    package static let variable = "PERIGEE_CONFIG"
    /// The largest file that is read, in bytes.
    static let sizeLimit = 1 << 20

    /// Where it was read, or would be.
    package let path: String
    /// There is such a file.
    package let isPresent: Bool
    var nodes: [NodeName: NodeSettings] = [:]
    package var defaultNode = NodeName.mpu
    /// Where CDI files are; the later directories go before the earlier.
    package var cdiDirectories = ["/etc/cdi", "/var/run/cdi"]
    /// Where tenants' networks have their addresses.
    package var addressPool = AddressPool.standard
    /// Where networks are that others' plugins make.
    package var cni = CNISettings()
    var defaults = Limits.Changes()
    var groups: [(name: String, changes: Limits.Changes)] = []
    var tenants: [TenantEntry] = []

    struct TenantEntry: Sendable {
        let name: String
        var group: String?
        var users: [UInt32] = []
        var changes = Limits.Changes()
    }

    /// Those that it has, in its order.
    package var tenantNames: [String] { tenants.map(\.name) }

    /// What holds without a file.
    package init() { self.init(path: Configuration.defaultPath, isPresent: false) }

    private init(path: String, isPresent: Bool) {
        self.path = path
        self.isPresent = isPresent
    }

    /// Reads the file at `path`, or where none is named that of `PERIGEE_CONFIG`, or /etc/perigee/config.json, which need
    /// not be there. It must be root's, and not writable by others.
    package static func read(_ path: String? = nil) throws(PodsError) -> Configuration {
        let variable = Environment.value(of: Configuration.variable)
        let named = path ?? (variable == "" ? nil : variable)
        let text: [UInt8]
        do throws(PodsError) { text = try TrustedFile.read(named ?? defaultPath, limit: sizeLimit) } catch {
            guard case .configurationFile(_, let inner) = error, inner.code == .ENOENT, named == nil else {
                throw error
            }
            return Configuration()
        }
        return try Configuration(parsing: text, path: named ?? defaultPath)
    }

    /// Reads a text.
    package init(parsing text: [UInt8], path: String) throws(PodsError) {
        self.init(path: path, isPresent: true)
        do throws(JSONError) { try fill(try JSON(parsing: text)) } catch { throw .configuration(path: path, error) }
    }
}

/// A file that the host's root has written, and that is trusted.
enum TrustedFile {
    /// The file's bytes. Others than root must not be able to write it.
    static func read(_ path: String, limit: Int) throws(PodsError) -> [UInt8] {
        let status: FileStatus, text: [UInt8]
        do throws(SystemError) {
            let file = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_NONBLOCK)
            status = try file.view.status()
            guard status.isRegular else {
                throw SystemError("open", path, detail: "not a regular file,", .EINVAL)
            }
            do throws(SystemError) { text = try file.view.readAll(limit: limit, size: status.size) } catch {
                throw SystemError(error.call, path, detail: error.detail, error.code)
            }
        } catch { throw .configurationFile(path: path, error) }
        guard status.owner == 0, status.mode & 0o022 == 0 else {
            throw .untrustedFile(path: path, owner: status.owner, mode: status.mode)
        }
        return text
    }
}
