internal import Containers
internal import Images
internal import Linux
internal import OCI
internal import Pods

extension Verb {
    /// `perigee limits`
    static let limits = limits(.limits)
    /// `perigee check limits`: the same.
    static let checkLimits = limits(.checkLimits)

    private static func limits(_ name: Name) -> Verb {
        Verb(
            name, operands: "", summary: "show a tenant's limits, where they come from, and what is in use",
            options: [TenantOption.option, Option("--json", "as JSON")],
            notes:
                "The limits are those of the configuration, see --config-file. Without root there is nothing in use to see.",
            run: { try showLimits(name, $0, $1) })
    }

    private static func showLimits(_ name: Name, _ arguments: Arguments, _ global: GlobalOptions) throws -> Int32 {
        guard arguments.operands.isEmpty, arguments.command == nil else {
            throw UsageError("\(name.rawValue): takes no operand")
        }
        return TenantOption.run(arguments, global) { tenant, configuration throws(PodsError) in
            let use = try use(of: tenant, configuration, global)
            if arguments.has("--json") {
                return CommandLineTool.printed(tenant.json(use, configuration).text(indent: 2) + "\n")
            }
            return CommandLineTool.printed(LimitsTable(tenant, use, configuration).text)
        }
    }

    /// nil: the caller may not see it.
    private static func use(
        of tenant: Tenant, _ configuration: Configuration, _ global: GlobalOptions
    ) throws(PodsError) -> Use? {
        guard Identity.effectiveUser == 0 else { return nil }
        let root: RuntimeRoot
        do throws(ContainersError) {
            guard let existing = try RuntimeRoot.existing(path: global.root) else { return Use() }
            root = existing
        } catch { throw .containers(error) }
        let store: ImageStore
        do throws(ImagesError) { store = try ImageStore(path: global.store) } catch { throw .images(error) }
        return try Use.count(tenant.name, configuration, in: root, store: store)
    }
}

/// A tenant's limits for people.
struct LimitsTable {
    private let tenant: Tenant
    private let use: Use?
    private let configuration: Configuration

    init(_ tenant: Tenant, _ use: Use?, _ configuration: Configuration) {
        self.tenant = tenant
        self.use = use
        self.configuration = configuration
    }

    var text: String {
        let group = tenant.group.map { ", group \($0)" } ?? ""
        let file = configuration.isPresent ? configuration.path : "no \(configuration.path)"
        let rows = LimitKey.allCases.map { key in
            [key.rawValue, value(key), "\(tenant.limits.source(of: key))", used(key)]
        }
        var text = "tenant \(tenant.name)\(group); configuration: \(file)\n"
        text += Table.text(["LIMIT", "VALUE", "FROM", "IN USE"], rows)
        for slot in use?.slots ?? [] {
            text += "node \(slot.node), slot \(slot.name): \(slot.holder?.owner ?? "free")\n"
        }
        return text
    }

    private func value(_ key: LimitKey) -> String {
        switch tenant.limits[key] {
        case .unlimited: "unlimited"
        case .amount(let number) where LimitsTable.sizes.contains(key): Size.text(number)
        case .words(let words): words.isEmpty ? "none" : words.joined(separator: ",")
        case .word(let word): word
        case .flag(let answer): answer ? "yes" : "no"
        case .amount: tenant.limits[key].json(of: key).text()
        }
    }

    private func used(_ key: LimitKey) -> String {
        guard let number = use?.of(key) else { return "-" }
        if LimitsTable.sizes.contains(key) { return Size.text(number) }
        if key == .cpus { return "\(number / 1_000_000).\(number / 100_000 % 10) s" }
        return String(number)
    }

    private static let sizes: [LimitKey] = [.memory, .sharedMemory, .writableLayer, .logSize, .transferSize]
}
