internal import Glibc
internal import Images
internal import Linux

/// A tenant's directory of that name in the store, mounted at /data. It is made at its first use, and stays.
struct Volume {
    let tenant: String
    let name: String

    /// Both names must be DNS labels, so that neither can lead anywhere else.
    init(tenant: String, name: String) throws(PodsError) {
        guard Volume.isLabel(tenant) else { throw .invalidName(kind: "tenant", tenant) }
        guard Volume.isLabel(name) else { throw .invalidName(kind: "volume", name) }
        self.tenant = tenant
        self.name = name
    }

    /// RFC 1123: lower-case letters, digits and hyphens inside, at most 63.
    static func isLabel(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let fits = bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        return fits && (1...63).contains(bytes.count) && bytes.first != 45 && bytes.last != 45
    }

    /// Where the directory is, or will be.
    func path(in store: ImageStore) -> String { "\(store.path)/volumes/\(tenant)/\(name)" }

    /// Makes the directory where it is missing, and tells its path. A new one is open to the image's user, whoever that
    /// is: tenants are kept apart by the directory above, which is root's.
    func prepare(in store: ImageStore) throws(PodsError) -> String {
        let path = "volumes/\(tenant)/\(name)"
        do throws(SystemError) {
            let root = try Descriptor.workingDirectory.openFollowing(store.path, O_RDONLY | O_DIRECTORY)
            if try !isThere(path, in: root.view) { try make(path, in: root.view) }
            return self.path(in: store)
        } catch { throw .volume(name, error) }
    }
    private func isThere(_ path: String, in root: Descriptor) throws(SystemError) -> Bool {
        do throws(SystemError) {
            guard try root.status(of: path).isDirectory else { throw SystemError("mkdirat", path, .ENOTDIR) }
            return true
        } catch {
            if error.code == .ENOENT { return false }
            throw error
        }
    }

    private func make(_ path: String, in root: Descriptor) throws(SystemError) {
        for directory in ["volumes", "volumes/\(tenant)"] {
            do throws(SystemError) { try root.makeDirectory(directory, mode: 0o700) } catch  where error.code == .EEXIST
            {}
        }
        // In one step: one that was made and not yet opened to all would stay so.
        do throws(SystemError) {
            try CreationMask.none { () throws(SystemError) in try root.makeDirectory(path, mode: 0o1777) }
        } catch {
            guard error.code == .EEXIST, try isThere(path, in: root) else { throw error }
        }
    }
}
