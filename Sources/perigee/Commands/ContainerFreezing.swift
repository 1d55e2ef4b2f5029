internal import Containers
internal import OCI
internal import Pods

// `pod pause`, `pod unpause` and `pod stats`, and the same of containers with a workspace.
extension Verb {
    static let podPause = freezing(.podPause, "stop all processes of a pod where they are") { $0.pause }
    static let podUnpause = freezing(.podUnpause, "let a paused pod go on") { $0.unpause }
    static let containerPause = freezing(.containerPause, "stop all processes of a container where they are") {
        $0.pause
    }
    static let containerUnpause = freezing(.containerUnpause, "let a paused container go on") { $0.unpause }
    static let podStats = stats(.podStats, "a pod")
    static let containerStats = stats(.containerStats, "a container")

    private static func freezing(
        _ name: Name, _ summary: String,
        _ action: @escaping @Sendable (PodList) -> (PodList.Entry) throws(PodsError) -> Void
    ) -> Verb {
        Verb(
            name, operands: "NAME", summary: summary, options: [TenantOption.option],
            notes: "Its time runs on meanwhile: a deadline, a stop and a removal end a paused one as any other.",
            run: { arguments, global in
                try found(name, arguments, global) { list, entry throws(PodsError) in
                    try action(list)(entry)
                    return 0
                }
            })
    }

    private static func stats(_ name: Name, _ what: String) -> Verb {
        Verb(
            name, operands: "NAME", summary: "show what \(what) uses, as JSON: bytes, and times in nanoseconds",
            options: name == .podStats ? [TenantOption.option, ContainerOption.option] : [TenantOption.option],
            run: { arguments, global in
                try found(name, arguments, global) { _, entry throws(PodsError) in
                    let identifier = try entry.identifier(of: arguments["--container"])
                    do throws(ContainersError) {
                        let root = try RuntimeRoot.at(path: global.root)
                        let container = try Container.find(try ContainerIdentifier(identifier), in: root, for: .look)
                        var json = try container.statistics().json
                        if case .object(let members) = json, let links = try container.links() {
                            json = .object(members + [("network_interfaces", links)])
                        }
                        return CommandLineTool.printed(json.text(indent: 2) + "\n")
                    } catch {
                        if case .noContainer = error { throw .notRunning(entry.record.name) }
                        throw .containers(error)
                    }
                }
            })
    }

    /// The pod of the one operand, or the container where the verb is of those.
    private static func found(
        _ name: Name, _ arguments: Arguments, _ global: GlobalOptions,
        _ body: (PodList, PodList.Entry) throws(PodsError) -> Int32
    ) throws -> Int32 {
        guard name.words[0] == "container" else { return try pod(arguments, global, name.rawValue, body) }
        let operand = try containerName(arguments, name.rawValue)
        return try pods(arguments, global) { list, tenant throws(PodsError) in
            try body(list, try list.container(operand, of: tenant.name))
        }
    }
}
