internal import Planning

/// Makes an operation of a task file's values, and finds all that is wrong with them.
struct OperationReader {
    static let podRun = "dphi.space.cg2.pod.run"
    static let uplink = "dphi.space.cg2.uplink"
    static let types = [podRun, uplink]

    /// Keys that every task may have.
    static let commonKeys = ["id", "type", "description", "on_failure"]

    /// What is known of a task while others are still to be compared with it: what is not right is left out.
    struct Draft {
        let position: TextPosition
        var id: String?
        var idPosition: TextPosition
        var isPodRun = false
        var merges = false
        var podName: (text: String, position: TextPosition)?
        var ports: [(mapping: PortMapping, position: TextPosition)] = []
        /// nil: something of it is wrong.
        var step: Step?

        /// For messages.
        var name: String { id.map(quoted) ?? "in line \(position.line)" }
    }

    let tenant: String
    let rules: TaskFile.Rules
    var complaints = TaskComplaints()

    init(tenant: String, rules: TaskFile.Rules) {
        self.tenant = tenant
        self.rules = rules
    }

    /// Reads the only document. The result counts only if nothing was found wrong.
    mutating func operation(_ documents: [YAML]) -> Operation {
        var operation = Operation(tenant: tenant)
        guard let document = documents.first else {
            complaints.problem(TextPosition(line: 1, column: 1), "the file is empty: it has no tasks")
            return operation
        }
        if documents.count > 1 {
            complaints.problem(
                documents[1].position, "a second document: a task file has one\n  hint: remove the line with ---")
        }
        guard let tasks = tasks(document, &operation) else { return operation }
        if tasks.items.isEmpty { complaints.problem(tasks.position, "there is no task in the list") }
        let drafts = tasks.items.map { task($0) }
        let groups = MergeGroups.ranges(drafts.map(\.merges)).map { Array(drafts[$0]) }
        compare(drafts, groups)
        operation.groups = groups.map { StepGroup(steps: $0.compactMap(\.step)) }
        return operation
    }

    /// The list of tasks, which is the whole document or its `tasks`.
    private mutating func tasks(_ document: YAML, _ operation: inout Operation) -> (
        items: [YAML], position: TextPosition
    )? {
        if case .list(let items) = document.content { return (items, document.position) }
        guard case .mapping(let members) = document.content else {
            complaints.problem(
                document.position,
                "expected tasks: and a list, or a list of tasks, found \(TaskComplaints.kind(of: document))")
            return nil
        }
        let keys = ["id", "namespace", "system", "description", "labels", "tasks"]
        let isTask = members.contains { $0.key == "type" } && !members.contains { $0.key == "tasks" }
        if isTask {
            complaints.problem(
                document.position, "a task alone: tasks are items of a list\n  hint: write '- ' before its first line")
            return nil
        }
        guard let fields = complaints.fields(document, keys, owner: "operation") else { return nil }
        operation.id = name(fields, "id")
        operation.namespace = name(fields, "namespace")
        operation.system = name(fields, "system")
        operation.description = complaints.text(fields, "description")
        operation.labels = labels(fields)
        guard fields["tasks"] != nil else {
            complaints.problem(fields.position(of: "tasks"), "operation: tasks: a list of tasks is missing")
            return nil
        }
        guard let items = complaints.list(fields, "tasks") else { return nil }
        return (items, fields.position(of: "tasks"))
    }

    private mutating func labels(_ fields: TaskFields) -> [Operation.Label] {
        guard let value = fields["labels"] else { return [] }
        guard case .mapping(let members) = value.content else {
            complaints.wrongType(fields, "labels", "keys and values")
            return []
        }
        let inner = TaskFields(members, position: value.position, owner: fields.owner, prefix: "labels.")
        return members.compactMap { member in
            if member.value.isNull { return .init(name: member.key, value: "") }
            return complaints.text(inner, member.key).map { .init(name: member.key, value: $0) }
        }
    }

    private mutating func task(_ value: YAML) -> Draft {
        var draft = Draft(position: value.position, idPosition: value.position)
        guard case .mapping(let members) = value.content else {
            complaints.problem(
                value.position, "task \(draft.name): expected keys and values, found \(TaskComplaints.kind(of: value))")
            return draft
        }
        // Its name first: all other messages have it.
        let head = TaskFields(members, position: value.position, owner: "task \(draft.name)")
        draft.idPosition = head.position(of: "id")
        if head["id"] == nil {
            complaints.problem(draft.idPosition, "\(head.owner): id is missing")
        } else {
            draft.id = name(head, "id")
        }
        let fields = TaskFields(members, position: value.position, owner: "task \(draft.name)")
        guard fields["type"] != nil else {
            complaints.problem(
                fields.position(of: "type"),
                "\(fields.owner): type is missing; there are \(OperationReader.types.joined(separator: ", "))")
            return draft
        }
        guard let type = complaints.text(fields, "type") else { return draft }
        let before = complaints.problems.count
        let work: Step.Work?
        switch type {
        case OperationReader.podRun:
            draft.isPodRun = true
            work = podRun(value, fields.owner, &draft).map(Step.Work.podRun)
        case OperationReader.uplink: work = uplink(value, fields.owner).map(Step.Work.uplink)
        default:
            unknownType(type, fields)
            return draft
        }
        let failure = complaints.choice(fields, "on_failure", Step.OnFailure.self) ?? .stop
        let description = complaints.text(fields, "description")
        if let id = draft.id, let work, complaints.problems.count == before {
            draft.step = Step(
                id: id, description: description, onFailure: failure, work: work, position: value.position)
        }
        return draft
    }

    private mutating func unknownType(_ type: String, _ fields: TaskFields) {
        var text = "\(fields.owner): unknown type \(quotedAlways(type))"
        if let near = Spelling.nearest(to: type, among: OperationReader.types) {
            text += "; did you mean '\(near)'?"
        } else {
            text += "; there are \(OperationReader.types.joined(separator: ", "))"
        }
        if type == "dphi.space.cg2.downlink" { text += "\n  hint: `perigee volume get` takes files out of a volume" }
        complaints.problem(fields.position(of: "type"), text)
    }

    /// A name that becomes a file's name, a label and an annotation: of tasks and operations.
    private mutating func name(_ fields: TaskFields, _ key: String) -> String? {
        guard let text = complaints.text(fields, key) else { return nil }
        let bytes = Array(text.utf8)
        func isWord(_ c: UInt8) -> Bool {
            (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c) || c == UInt8(ascii: "_")
        }
        let isName = bytes.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
        guard (1...200).contains(bytes.count), isName, isWord(bytes[0]) else {
            complaints.problem(
                fields.position(of: key),
                "\(fields.owner): \(key) \(quotedAlways(text)): 1 to 200 letters, digits, '_', '-' and '.' are allowed, "
                    + "and neither '-' nor '.' first")
            return nil
        }
        return text
    }
}

// MARK: - Between tasks

extension OperationReader {
    /// What tasks must not have in common.
    private mutating func compare(_ drafts: [Draft], _ groups: [[Draft]]) {
        var ids: [String: Draft] = [:]
        for draft in drafts {
            guard let id = draft.id else { continue }
            if let first = ids[id] {
                complaints.problem(
                    draft.idPosition,
                    "task \(draft.name): this id is another task's already, in line \(first.idPosition.line)")
            } else {
                ids[id] = draft
            }
        }
        comparePodNames(groups)
        for group in groups { comparePorts(group) }
    }

    private mutating func comparePodNames(_ groups: [[Draft]]) {
        var names: [String: (group: Int, draft: Draft)] = [:]
        for (i, group) in groups.enumerated() {
            for draft in group {
                guard let (name, position) = draft.podName else { continue }
                if let first = names[name], first.group == i || !rules.allowsSequentialReuse {
                    var text =
                        "tasks \(first.draft.name) and \(draft.name) have the same pod_name \(quotedAlways(name))"
                    text +=
                        first.group == i
                        ? "; they are begun together and need a name each"
                        : "; it must be unique in the file\n  hint: --allow-sequential-reuse lets a later step have it again"
                    complaints.problem(position, text)
                } else {
                    names[name] = (i, draft)
                }
            }
        }
    }

    /// E10, in one pod and among those that are begun together.
    private mutating func comparePorts(_ group: [Draft]) {
        struct Key: Hashable {
            let port: UInt16
            let transport: PortMapping.Transport
        }
        var users: [Key: Draft] = [:]
        for draft in group {
            for (mapping, position) in draft.ports {
                guard let host = mapping.host else { continue }
                let key = Key(port: host, transport: mapping.transport)
                guard let first = users[key] else {
                    users[key] = draft
                    continue
                }
                let names =
                    first.position == draft.position ? "task \(draft.name)" : "tasks \(first.name), \(draft.name)"
                complaints.problem(
                    position, "Duplicate host port \(host)/\(mapping.transport.rawValue) (\(names))")
            }
        }
    }
}
