/// Who a pod belongs to, with what holds for it.
package struct Tenant: Hashable, Sendable {
    package let name: String
    /// nil: none.
    package let group: String?
    package let limits: Limits

    /// The one of callers who name none.
    package static let standard = "default"
}

extension Configuration {
    /// The tenant `name`, which need not stand in the configuration: then the defaults hold.
    package func tenant(named name: String) throws(PodsError) -> Tenant {
        guard Volume.isLabel(name) else { throw .invalidName(kind: "tenant", name) }
        var limits = Limits()
        limits.change(defaults, .defaults)
        let entry = tenants.first { $0.name == name }
        if let group = entry?.group, let changes = groups.first(where: { $0.name == group })?.changes {
            limits.change(changes, .group(group))
        }
        if let entry { limits.change(entry.changes, .tenant(name)) }
        return Tenant(name: name, group: entry?.group, limits: limits)
    }

    /// The tenant of the caller: the one that has his number in `uids`. Only root may name another; root who names none is
    /// the tenant of who called sudo(8), or `default`.
    ///
    /// - Parameter user: the caller's real user id.
    /// - Parameter invoker: of root, the number of who called sudo.
    /// - Parameter asked: `--tenant`.
    package func tenant(of user: UInt32, invoker: UInt32? = nil, asked: String?) throws(PodsError) -> Tenant {
        if user == 0 {
            let own = invoker.flatMap { owner(of: $0) } ?? owner(of: 0)
            return try tenant(named: asked ?? own ?? Tenant.standard)
        }
        guard let own = owner(of: user) else { throw .noTenant(user: user, configuration: path) }
        if let asked, asked != own { throw .notYourTenant(asked, own: own) }
        return try tenant(named: own)
    }

    private func owner(of user: UInt32) -> String? { tenants.first { $0.users.contains(user) }?.name }
}

/// A pod's host name: `TENANT-POD_NAME`.
package enum EffectiveHostname {
    /// Both parts are labels (RFC 1123), and the whole is one, of at most 63 bytes. Nothing is cut or changed: a name that
    /// was would be another than the one that others ask for.
    package static func of(tenant: String, pod: String) throws(PodsError) -> String {
        let name = "\(tenant)-\(pod)"
        guard isLabelButForLength(tenant), isLabelButForLength(pod) else { throw .hostname(name, .malformed) }
        guard name.utf8.count <= 63 else { throw .hostname(name, .tooLong(name.utf8.count)) }
        return name
    }

    private static func isLabelButForLength(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let fits = bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        return fits && !bytes.isEmpty && bytes.first != 45 && bytes.last != 45
    }
}
