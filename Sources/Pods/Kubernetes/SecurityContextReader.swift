internal import Planning

extension ManifestReader {
    /// Labels of the host's security modules are not for tenants to choose.
    private static let foreignSecurityKeys = ForeignFields(
        ignored: ["appArmorProfile", "fsGroupChangePolicy", "seLinuxChangePolicy", "seLinuxOptions"],
        refused: ["windowsOptions": "there is linux alone"])

    mutating func podSecurity(_ spec: ManifestObject) -> PodSecurity {
        var security = PodSecurity()
        let known = [
            "fsGroup", "runAsGroup", "runAsNonRoot", "runAsUser", "seccompProfile", "supplementalGroups",
            "supplementalGroupsPolicy", "sysctls",
        ]
        guard let object = object(spec, "securityContext", known, Self.foreignSecurityKeys) else { return security }
        security.user = identity(object, "runAsUser")
        security.group = identity(object, "runAsGroup")
        security.mustNotBeRoot = truth(object, "runAsNonRoot") ?? false
        security.volumeGroup = identity(object, "fsGroup")
        for (i, item) in list(object, "supplementalGroups").enumerated() {
            guard case .scalar(let text, .plain) = item.content, let number = CoreSchema.integer(text),
                (0...Self.longest).contains(number)
            else {
                problem(item.position, "\(object.path(of: "supplementalGroups"))[\(i)]", "expected a number from 0 on")
                continue
            }
            security.supplementalGroups.append(UInt32(number))
        }
        if let policy = text(object, "supplementalGroupsPolicy"), policy != "Merge" {
            problem(object, "supplementalGroupsPolicy", "\(quotedAlways(policy)) is not supported; there is Merge")
        }
        checkSeccomp(object)
        for item in objects(object, "sysctls", ["name", "value"]) {
            guard let name = requiredText(item, "name"), let value = text(item, "value") else { continue }
            security.sysctls.append(.init(name: name, value: value))
        }
        return security
    }

    mutating func containerSecurity(_ container: ManifestObject, _ manifest: Manifest) -> ContainerSecurity {
        var security = ContainerSecurity()
        let known = [
            "allowPrivilegeEscalation", "capabilities", "privileged", "procMount", "readOnlyRootFilesystem",
            "runAsGroup",
            "runAsNonRoot", "runAsUser", "seccompProfile",
        ]
        guard let object = object(container, "securityContext", known, Self.foreignSecurityKeys) else {
            return security
        }
        security.user = identity(object, "runAsUser")
        security.group = identity(object, "runAsGroup")
        security.mustNotBeRoot = truth(object, "runAsNonRoot")
        security.hasReadOnlyRoot = truth(object, "readOnlyRootFilesystem") ?? false
        security.isPrivileged = truth(object, "privileged") ?? false
        if security.isPrivileged { needsPrivilege(object, "privileged", "true") }
        let gains = truth(object, "allowPrivilegeEscalation")
        security.mayGainPrivileges = gains ?? security.isPrivileged
        if gains == false, security.isPrivileged {
            problem(object, "allowPrivilegeEscalation", "it can't be false where privileged is true")
        }
        if let mount = text(object, "procMount"), mount != "Default" {
            problem(object, "procMount", "\(quotedAlways(mount)) is not supported; there is Default")
        }
        checkSeccomp(object)
        if let lists = self.object(object, "capabilities", ["add", "drop"]) {
            security.addedCapabilities = capabilities(lists, "add")
            security.droppedCapabilities = capabilities(lists, "drop")
            for name in security.addedCapabilities where !Capability.defaults.contains(name) {
                needsPrivilege(lists, "add", name)
            }
        }
        return security
    }

    /// What goes beyond what each container has anyway is on the tenant's allow-list, or refused.
    private mutating func needsPrivilege(_ object: ManifestObject, _ key: String, _ what: String) {
        guard let limits = rules.limits, !limits.privileged else { return }
        problem(object, key, "\(what): the tenant's pods may not be privileged; see `perigee limits`")
    }

    private mutating func identity(_ object: ManifestObject, _ key: String) -> UInt32? {
        integer(object, key, 0...Self.longest).map { UInt32($0) }
    }

    private mutating func checkSeccomp(_ object: ManifestObject) {
        let known = ["type", "localhostProfile"]
        guard let profile = self.object(object, "seccompProfile", known), let type = requiredText(profile, "type")
        else {
            return
        }
        if type != "RuntimeDefault" {
            problem(profile, "type", "\(quotedAlways(type)) is not supported; there is RuntimeDefault")
        }
    }

    /// `NET_ADMIN` or `CAP_NET_ADMIN`, as `CAP_NET_ADMIN`.
    private mutating func capabilities(_ object: ManifestObject, _ key: String) -> [String] {
        var names: [String] = []
        for text in texts(object, key) {
            let name = text.hasPrefix("CAP_") || text == "ALL" ? text : "CAP_" + text
            if name == "ALL" || Capability.number(name) != nil {
                names.append(name)
            } else {
                problem(object, key, "there is no capability \(quotedAlways(text))")
            }
        }
        return names
    }
}
