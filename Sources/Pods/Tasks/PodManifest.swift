internal import OCI

/// A pod run as a Kubernetes Pod, for a cluster that takes it further than one machine.
struct PodManifest {
    let step: Step
    let pod: PodTask
    let operation: Operation

    var json: JSON.Value {
        .members([
            ("apiVersion", .string("v1")), ("kind", .string("Pod")), ("metadata", metadata),
            (
                "spec",
                .members([
                    ("hostname", .string(pod.hostname)), ("restartPolicy", .string("Never")),
                    ("hostNetwork", pod.network == .host ? .bool(true) : nil),
                    ("activeDeadlineSeconds", pod.maxDuration.map { .unsigned(($0 + 999) / 1000) }),
                    ("terminationGracePeriodSeconds", .unsigned(operation.terminationGraceSeconds)),
                    ("containers", .array([container])),
                    ("volumes", .array([PodManifest.volume(pod.volume, of: operation.tenant)])),
                ])
            ),
        ])
    }

    private var metadata: JSON.Value {
        let isLabel = PodManifest.isLabelValue(step.id)
        let labels: [(String, JSON.Value?)] = [
            ("app.kubernetes.io/managed-by", .string("perigee")), ("tenant", .string(operation.tenant)),
            ("pod-name", .string(pod.name)), ("task-id", isLabel ? .string(step.id) : nil),
            ("node", .string(pod.node.rawValue)),
        ]
        let annotations: [(String, JSON.Value?)] = [
            ("task-id", isLabel ? nil : .string(step.id)), ("description", step.description.map { .string($0) }),
            ("timeout-seconds", pod.timeoutSeconds(grace: operation.graceSeconds).map { .string(String($0)) }),
            ("max-duration-seconds", pod.maxDuration.map { .string(PodManifest.seconds($0)) }),
            ("on-failure", .string(step.onFailure.rawValue)),
            ("on-timeout", pod.onTimeout == .failure ? nil : .string(pod.onTimeout.rawValue)),
            ("init", pod.hasInit ? nil : .string("false")),
            ("network", pod.network == .pod ? nil : .string(pod.network.rawValue)),
        ]
        return .object([
            ("name", .string(pod.hostname)), ("namespace", .string(operation.tenant)), ("labels", .members(labels)),
            ("annotations", .members(annotations)),
        ])
    }

    private var container: JSON.Value {
        let variables = pod.environment.map { variable in
            JSON.Value.object([
                ("name", .string(variable.name)), ("value", .string(PodManifest.literal(variable.value))),
            ])
        }
        let ports = pod.ports.map { PodManifest.port($0.container, host: $0.host, $0.transport.rawValue) }
        return .members(
            [("name", .string("main")), ("image", .string(pod.image))] + PodManifest.members(of: pod.command) + [
                ("env", variables.isEmpty ? nil : .array(variables)), ("ports", ports.isEmpty ? nil : .array(ports)),
                ("volumeMounts", .array([PodManifest.volumeMount])),
            ])
    }

    static func port(_ container: UInt16, host: UInt16?, _ transport: String) -> JSON.Value {
        .members([
            ("containerPort", .unsigned(UInt64(container))), ("hostPort", host.map { .unsigned(UInt64($0)) }),
            ("protocol", .string(transport.uppercased())),
        ])
    }

    static func volume(_ name: String, of tenant: String) -> JSON.Value {
        .object([
            ("name", .string("data")),
            ("persistentVolumeClaim", .object([("claimName", .string("\(tenant)-\(name)"))])),
        ])
    }

    static let volumeMount = JSON.Value.object([("name", .string("data")), ("mountPath", .string("/data"))])

    /// `command` and `args` of a container.
    static func members(of command: TaskCommand) -> [(String, JSON.Value?)] {
        switch command {
        case .imageDefault: []
        case .entrypoint(let list): [("args", literals(list))]
        case .list(let first, let rest): [("command", literals(first)), ("args", rest.isEmpty ? nil : literals(rest))]
        case .shell(let text): [("command", literals(["/bin/sh", "-c", text]))]
        }
    }

    private static func literals(_ texts: [String]) -> JSON.Value { .strings(texts.map(literal)) }

    /// `text` as Kubernetes must have it to arrive unchanged. It puts the variable NAME where `$(NAME)` stands, and one
    /// dollar sign where there are two.
    static func literal(_ text: String) -> String {
        let dollar = UInt8(ascii: "$")
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var i = 0
        while i < bytes.count {
            guard bytes[i] == dollar else {
                out.append(bytes[i])
                i += 1
                continue
            }
            let run = bytes[i...].prefix { $0 == dollar }.count
            i += run
            let isAlone = run == 1 && (i == bytes.count || bytes[i] != UInt8(ascii: "("))
            out += repeatElement(dollar, count: isAlone ? 1 : 2 * run)
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Kubernetes' rule for a label's value: at most 63 of `[A-Za-z0-9_.-]`, a letter or a digit first and last.
    static func isLabelValue(_ text: String) -> Bool {
        func isAlphanumeric(_ c: UInt8) -> Bool {
            (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c)
        }
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 63 else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }

    /// Milliseconds as seconds: `60`, `3.006`.
    private static func seconds(_ milliseconds: UInt64) -> String {
        let rest = milliseconds % 1000
        if rest == 0 { return String(milliseconds / 1000) }
        return "\(milliseconds / 1000)." + String(String(rest + 1000).dropFirst())
    }
}
