internal import Containers
internal import Images
internal import Linux
internal import Pods

/// What there is of a kind, for who completes a word: nothing where it can't be read, and nothing is made or repaired.
enum CompletionValues {
    static func all(_ kind: ValueKind, _ global: GlobalOptions, _ tenant: String?) -> [Completer.Candidate] {
        guard Identity.effectiveUser == 0 || kind == .tenant else { return [] }
        switch kind {
        case .image: return images(global)
        case .project: return projects(global)
        case .pod: return pods(global, tenant) { _ in true }
        case .container: return pods(global, tenant) { $0.record.isContainer }
        case .volume: return volumes(global, tenant)
        case .tenant: return ((try? Configuration.read(global.configuration))?.tenantNames ?? []).map { ($0, "") }
        case .identifier: return identifiers(global)
        case .file, .directory, .verb, .words: return []
        }
    }

    private static func store(_ global: GlobalOptions) -> ImageStore? {
        // It would be made.
        guard (try? Descriptor.workingDirectory.exists(global.store + "/version")) == true else { return nil }
        return try? ImageStore(path: global.store)
    }

    private static func images(_ global: GlobalOptions) -> [Completer.Candidate] {
        ((try? store(global)?.list()) ?? []).map { ($0.reference.familiar, "\($0.platform)") }
    }

    /// Of images that a project could have: their names are labels.
    private static func projects(_ global: GlobalOptions) -> [Completer.Candidate] {
        images(global).compactMap { image in
            guard image.word.hasSuffix(":latest") else { return nil }
            let name = image.word.dropLast(7).split(separator: "/").last.map(String.init) ?? ""
            guard (try? EffectiveHostname.of(tenant: "a", pod: name)) != nil else { return nil }
            return (name, "image \(image.word)")
        }
    }

    private static func tenant(_ asked: String?, _ global: GlobalOptions) -> Tenant? {
        guard let configuration = try? Configuration.read(global.configuration) else { return nil }
        return try? TenantOption.tenant(asked: asked, configuration)
    }

    private static func pods(
        _ global: GlobalOptions, _ asked: String?, _ isMeant: (PodList.Entry) -> Bool
    ) -> [Completer.Candidate] {
        guard let tenant = tenant(asked, global) else { return [] }
        do throws(ContainersError) {
            guard let root = try RuntimeRoot.existing(path: global.root) else { return [] }
            let entries = try? PodList(of: root, store: global.store).entries(tenant: tenant.name)
            return (entries ?? []).filter(isMeant).map {
                ($0.record.name, "\($0.status.phase.rawValue), image \($0.record.request.image)")
            }
        } catch { return [] }
    }

    private static func volumes(_ global: GlobalOptions, _ asked: String?) -> [Completer.Candidate] {
        guard let tenant = tenant(asked, global), let store = store(global) else { return [] }
        return ((try? Volume.all(of: tenant.name, in: store)) ?? []).map { ($0.name, "") }
    }

    private static func identifiers(_ global: GlobalOptions) -> [Completer.Candidate] {
        do throws(ContainersError) {
            guard let root = try RuntimeRoot.existing(path: global.root) else { return [] }
            return try Container.all(in: root).map { ($0.text, "") }
        } catch { return [] }
    }
}
