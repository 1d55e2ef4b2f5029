package import OCI

/// What an operation is as files: the sequence of its steps, a manifest for each group of pods, and what is uplinked. The
/// same operation is the same bytes, always.
package struct TaskBundle: Sendable {
    /// A file that is made here.
    package struct File: Hashable, Sendable {
        /// From the bundle's directory: `manifests/A.yaml`.
        package let path: String
        package let text: String
    }

    /// A file that is copied.
    package struct Copy: Hashable, Sendable {
        /// From the bundle's directory: `files/UPLINK/a.py`.
        package let path: String
        package let source: UplinkTask.Source
    }

    /// What has to be there before the files, in the order of making.
    package let directories: [String]
    package let files: [File]
    package let copies: [Copy]

    package init(_ operation: Operation) {
        var manifests: [File] = []
        var copies: [Copy] = []
        var uplinks: [String] = []
        for group in operation.groups {
            let documents = group.steps.compactMap { step in
                step.pod.map { YAMLWriter.text(PodManifest(step: step, pod: $0, operation: operation).json) }
            }
            if !documents.isEmpty {
                manifests.append(
                    File(path: TaskBundle.manifest(of: group), text: documents.joined(separator: "---\n")))
            }
            for step in group.steps {
                guard case .uplink(let uplink) = step.work else { continue }
                uplinks.append("files/\(step.id)")
                copies += uplink.sources.map { Copy(path: "files/\(step.id)/\($0.name)", source: $0) }
            }
        }
        let sequence = TaskBundle.sequence(of: operation).text(indent: 2) + "\n"
        files = [File(path: "sequence.json", text: sequence)] + manifests
        self.copies = copies
        directories = (manifests.isEmpty ? [] : ["manifests"]) + (uplinks.isEmpty ? [] : ["files"] + uplinks)
    }

    private static func manifest(of group: StepGroup) -> String { "manifests/\(group.id).yaml" }

    /// The steps in their order, with what each needs.
    package static func sequence(of operation: Operation) -> JSON.Value {
        .object([
            ("operation", description(of: operation)), ("tenant", .string(operation.tenant)),
            ("steps", steps(of: operation)),
        ])
    }

    private static func description(of operation: Operation) -> JSON.Value {
        let labels = operation.labels.map { ($0.name, JSON.Value.string($0.value)) }
        return .members([
            ("id", operation.id.map { .string($0) }), ("namespace", operation.namespace.map { .string($0) }),
            ("system", operation.system.map { .string($0) }),
            ("description", operation.description.map { .string($0) }),
            ("labels", labels.isEmpty ? nil : .members(labels)),
        ])
    }

    private static func steps(of operation: Operation) -> JSON.Value {
        .array(
            operation.groups.flatMap { group in
                group.steps.enumerated().map { document, step in
                    let end: [(String, JSON.Value?)] = [("on_failure", .string(step.onFailure.rawValue))]
                    switch step.work {
                    case .podRun(let pod):
                        let isSuccess = pod.onTimeout == .success
                        return .members(
                            [
                                ("id", .string(step.id)), ("type", .string("pod_run")),
                                ("manifest", .string(manifest(of: group))), ("document", .integer(Int64(document))),
                                ("pod", .string(pod.hostname)),
                                ("group", group.isMerged ? .string(group.id) : nil),
                                (
                                    "timeout_seconds",
                                    pod.timeoutSeconds(grace: operation.graceSeconds).map { .unsigned($0) }
                                ),
                            ] + end + [("on_timeout", isSuccess ? .string(pod.onTimeout.rawValue) : nil)])
                    case .uplink(let uplink):
                        let files = uplink.sources.map { "files/\(step.id)/\($0.name)" }
                        return .members(
                            [
                                ("id", .string(step.id)), ("type", .string("uplink")), ("files", .strings(files)),
                                ("destination", .string("/\(uplink.destination)")), ("volume", .string(uplink.volume)),
                            ] + end)
                    }
                }
            })
    }
}
