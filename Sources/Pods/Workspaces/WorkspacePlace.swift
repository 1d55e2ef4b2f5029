internal import Glibc
internal import Linux
internal import Planning

/// Where the workspaces of a tenant are, as the configuration has it under `workspace`: `~/workspace`, which is below the
/// user's home, or a path from `/` on. `{tenant}` stands for the tenant's name. A project's directory is below that.
enum WorkspacePlace {
    static let builtIn = "~/workspace"
    private static let tenantMark = "{tenant}"
    /// Of /etc/passwd, in bytes.
    private static let passwdLimit = 16 << 20

    /// What is wrong with `text`; nil: nothing.
    static func problem(with text: String) -> String? {
        guard text.hasPrefix("/") || text.hasPrefix("~/") || text == "~" else {
            return "begins neither with / nor with ~/"
        }
        let parts = text.split(separator: "/")
        guard !parts.contains(".."), !parts.contains("."), !text.utf8.contains(0) else { return "has a '.' or '..'" }
        guard text != "/", text.utf8.count < 2048 else { return "is no place for workspaces" }
        return nil
    }

    /// The workspace of `project`, a label, for a container of `tenant`'s whose user is `user`.
    static func workspace(of project: String, _ tenant: Tenant, user: UInt32) throws(PodsError) -> Workspace {
        let users: UserDatabase
        do throws(PodsError) {
            users = UserDatabase(passwd: try TrustedFile.read("/etc/passwd", limit: passwdLimit))
        } catch {
            guard case .configurationFile(_, let inner) = error, inner.code == .ENOENT else { throw error }
            users = UserDatabase()
        }
        let entry = users.users.first { $0.uid == user }
        let place = replaced(tenant.limits.workspace, by: tenant.name)
        let group = entry?.gid ?? user
        guard place.hasPrefix("~") else {
            return Workspace(
                base: "/", place: joined(place, project), user: user, group: group)
        }
        guard let home = entry?.home, home.hasPrefix("/") else { throw .noHome(user: user) }
        return Workspace(base: home, place: joined(String(place.dropFirst()), project), user: user, group: group)
    }

    /// `directory/project` without a `/` before it.
    private static func joined(_ directory: String, _ project: String) -> String {
        (directory.split(separator: "/").map(String.init) + [project]).joined(separator: "/")
    }

    /// `text` with the tenant's name where its mark is.
    private static func replaced(_ text: String, by tenant: String) -> String {
        let mark = Array(tenantMark.utf8)
        var rest = Array(text.utf8)[...]
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            if rest.starts(with: mark) {
                bytes += tenant.utf8
                rest = rest.dropFirst(mark.count)
            } else {
                bytes.append(rest.removeFirst())
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Configuration {
    /// The workspace of `project` for a container of `tenant`'s that `caller` asks for. It is the caller's, unless the
    /// tenant has users and the caller is none of them, as root may be: then it is that of the first of those.
    package func workspace(of project: String, _ tenant: Tenant, caller: UInt32) throws(PodsError) -> Workspace {
        let users = tenants.first { $0.name == tenant.name }?.users ?? []
        let user = users.contains(caller) ? caller : users.first ?? caller
        return try WorkspacePlace.workspace(of: project, tenant, user: user)
    }
}
