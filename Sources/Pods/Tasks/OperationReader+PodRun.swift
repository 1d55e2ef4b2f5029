internal import OCI

extension OperationReader {
    private static let podRunKeys =
        commonKeys + [
            "pod_name", "image", "command", "args", "env", "ports", "network", "node", "volume", "max_duration",
            "on_timeout",
            "merge", "init", "scheduled_time",
        ]
    /// Keys of the same task's older forms.
    private static let renamed = [
        "max_duration_seconds": "max_duration has minutes", "pvc_name": "volume names it",
        "envs": "did you mean 'env'?",
    ]

    /// Reads a pod run task; nil: something is missing, which is told.
    mutating func podRun(_ value: YAML, _ owner: String, _ draft: inout Draft) -> PodTask? {
        guard let fields = complaints.fields(value, Self.podRunKeys, owner: owner, renamed: Self.renamed) else {
            return nil
        }
        draft.merges = complaints.truth(fields, "merge") ?? false
        let name = podName(fields)
        draft.podName = name.map { ($0, fields.position(of: "pod_name")) }
        draft.ports = ports(fields)
        let network = network(fields, draft.ports.map(\.mapping))
        let image = image(fields)
        let command = command(fields)
        let environment = environment(fields)
        let node = node(fields)
        let volume = volume(fields)
        let maxDuration = maxDuration(fields)
        let onTimeout = complaints.choice(fields, "on_timeout", PodTask.OnTimeout.self)
        let hasInit = complaints.truth(fields, "init")
        scheduledTime(fields, value)
        guard let name, let image, let command, let node, let volume else { return nil }
        return PodTask(
            name: name, hostname: "\(tenant)-\(name)", image: image, command: command, environment: environment,
            ports: draft.ports.map(\.mapping), network: network, node: node, volume: volume, maxDuration: maxDuration,
            onTimeout: onTimeout ?? .failure, hasInit: hasInit ?? true)
    }

    /// E12. The tenant was looked at before.
    private mutating func podName(_ fields: TaskFields) -> String? {
        let position = fields.position(of: "pod_name")
        guard fields["pod_name"] != nil else {
            complaints.problem(position, "\(fields.owner): pod_name is missing")
            return nil
        }
        guard let name = complaints.text(fields, "pod_name") else { return nil }
        let host = "\(tenant)-\(name)"
        let length = host.utf8.count
        // The characters first: of a name that is too long as well they are the better thing to tell.
        let bytes = Array(name.utf8)
        let fits = bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        guard fits, !bytes.isEmpty, bytes.first != 45, bytes.last != 45 else {
            complaints.problem(
                position,
                "Hostname \(quotedAlways(host)): pod_name must match [a-z0-9]([-a-z0-9]*[a-z0-9])? (\(fields.owner))")
            return nil
        }
        if length > 63 {
            complaints.problem(
                position,
                "Hostname \(quotedAlways(host)) is \(length) characters; <tenant>-<pod_name> must be at most 63 "
                    + "(\(fields.owner))")
            return nil
        }
        return name
    }

    /// E01 and E04: `name:tag`.
    private mutating func image(_ fields: TaskFields) -> String? {
        func missing(_ key: String) -> String { "Image name or tag is missing. (\(fields.owner): \(key))" }
        guard let value = fields["image"] else {
            complaints.problem(fields.position(of: "image"), missing("image"))
            return nil
        }
        guard case .mapping = value.content else {
            complaints.wrongType(fields, "image", "the keys name and tag")
            return nil
        }
        guard let inner = complaints.fields(value, ["name", "tag"], owner: fields.owner, prefix: "image.") else {
            return nil
        }
        var parts: [String] = []
        for key in ["name", "tag"] {
            guard inner[key] != nil, inner[key]?.isEmptyText != true else {
                complaints.problem(inner.position(of: key), missing("image.\(key)"))
                continue
            }
            if let text = complaints.text(inner, key) { parts.append(text) }
        }
        guard parts.count == 2 else { return nil }
        let reference = "\(parts[0]):\(parts[1])"
        // The tag apart: with a slash in it the name would be a host and a port.
        guard ImageReference.isTag(parts[1]), let read = ImageReference(reference), read.tag == parts[1] else {
            complaints.problem(
                value.position,
                "Failed to parse image reference \(quotedAlways(reference)): invalid reference format (\(fields.owner))"
            )
            return nil
        }
        return reference
    }

    /// The rule table of `command` and `args`: nil where something is wrong, which is told.
    private mutating func command(_ fields: TaskFields) -> TaskCommand? {
        let hasArguments = fields["args"] != nil
        var arguments: [String] = []
        if hasArguments {
            guard let texts = complaints.texts(fields, "args") else { return nil }
            arguments = texts.map(\.text)
        }
        switch fields["command"]?.content {
        case nil, .scalar("", _), .list([]):
            return arguments.isEmpty ? .imageDefault : .entrypoint(arguments: arguments)
        case .scalar(let text, _):
            guard !arguments.isEmpty else { return .shell(text) }
            guard let words = ShellWords.split(text), words.first?.isEmpty == false else {
                complaints.problem(
                    fields.position(of: "command"),
                    "\(fields.owner): command \(quotedAlways(text)): beside args it is split into words, and has none or "
                        + "a quote without its end\n  hint: write it as a list")
                return nil
            }
            return .list(command: words, arguments: arguments)
        case .list:
            guard let texts = complaints.texts(fields, "command") else { return nil }
            guard texts.first?.text.isEmpty == false else {
                complaints.problem(fields.position(of: "command"), "\(fields.owner): command[0] is empty")
                return nil
            }
            return .list(command: texts.map(\.text), arguments: arguments)
        case .mapping:
            complaints.wrongType(fields, "command", "a list of words, or a text for /bin/sh")
            return nil
        }
    }

    private mutating func environment(_ fields: TaskFields) -> [PodTask.Variable] {
        guard let items = complaints.list(fields, "env") else { return [] }
        var names: Set<String> = []
        return items.enumerated().compactMap { i, item in
            let prefix = "env[\(i)]."
            guard let inner = complaints.fields(item, ["name", "value"], owner: fields.owner, prefix: prefix) else {
                return nil
            }
            guard let name = complaints.text(inner, "name"), Self.isVariableName(name) else {
                if inner["name"] == nil || inner["name"]?.isText == true {
                    complaints.problem(
                        inner.position(of: "name"),
                        "\(fields.owner): \(prefix)name: letters, digits, '-', '_' and '.' are allowed, and no digit first"
                    )
                }
                return nil
            }
            guard case .mapping(let members) = item.content, members.contains(where: { $0.key == "value" }) else {
                complaints.problem(
                    item.position, "\(fields.owner): \(prefix)value is missing\n  hint: value: \"\" sets it to nothing")
                return nil
            }
            if !names.insert(name).inserted {
                complaints.warning(
                    item.position, "\(fields.owner): variable \(name) stands twice, and the last one wins")
            }
            let value = inner["value"] == nil ? "" : complaints.text(inner, "value")
            return value.map { .init(name: name, value: $0) }
        }
    }

    /// As Kubernetes has it: apimachinery's `[-._a-zA-Z][-._a-zA-Z0-9]*`.
    private static func isVariableName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        let fits = bytes.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "-._".utf8.contains($0)
        }
        return fits && !bytes.isEmpty && !(48...57).contains(bytes[0])
    }

    /// E02
    private mutating func node(_ fields: TaskFields) -> PodTask.Node? {
        guard fields["node"] != nil else { return .default }
        guard let text = complaints.text(fields, "node") else { return nil }
        if let node = PodTask.Node.allCases.first(where: { Self.isSame(text, $0.rawValue) }) { return node }
        complaints.problem(
            fields.position(of: "node"),
            "Node selection is invalid. (\(fields.owner): node \(quotedAlways(text)); valid: fpga, mpu, gpu, default)")
        return nil
    }

    /// E03, of pods and uplinks.
    mutating func volume(_ fields: TaskFields) -> String? {
        guard let value = fields["volume"], !value.isEmptyText else {
            complaints.problem(
                fields.position(of: "volume"), "Volume is missing. (\(fields.owner): volume is required)")
            return nil
        }
        guard let name = complaints.text(fields, "volume") else { return nil }
        guard Volume.isLabel(name) else {
            complaints.problem(
                value.position,
                "\(fields.owner): volume \(quotedAlways(name)): 1 to 63 lower-case letters, digits and '-' are allowed, "
                    + "and not '-' at an end")
            return nil
        }
        return name
    }

    private mutating func maxDuration(_ fields: TaskFields) -> UInt64? {
        guard let value = fields["max_duration"] else { return nil }
        if case .scalar(let text, .plain) = value.content, let time = Minutes.milliseconds(text) { return time }
        complaints.wrongType(
            fields, "max_duration", "minutes, more than 0 and at most \(Minutes.most), such as 30 or 0.5")
        return nil
    }

    /// Drafts of this task had it as null; a time is not carried out.
    private mutating func scheduledTime(_ fields: TaskFields, _ task: YAML) {
        guard case .mapping(let members) = task.content else { return }
        guard let member = members.first(where: { $0.key == "scheduled_time" }) else { return }
        guard member.value.isNull else {
            return complaints.problem(
                member.keyPosition, "\(fields.owner): scheduled_time is not supported; pods begin when their turn comes"
            )
        }
        complaints.warning(member.keyPosition, "\(fields.owner): scheduled_time: null has no effect")
    }

    /// Whether they differ in case at most. Only ASCII has one here.
    static func isSame(_ text: String, _ name: String) -> Bool {
        text.utf8.elementsEqual(name.utf8) { a, b in ((65...90).contains(a) ? a + 32 : a) == b }
    }
}

extension YAML {
    /// A text of no characters, in quotes or not.
    fileprivate var isEmptyText: Bool { if case .scalar("", _) = content { true } else { false } }
    fileprivate var isText: Bool { if case .scalar = content { true } else { false } }
}
