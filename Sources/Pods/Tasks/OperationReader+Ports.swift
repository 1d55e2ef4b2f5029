extension OperationReader {
    /// The ports of a pod; what is wrong with one is told, and that one left out.
    mutating func ports(_ fields: TaskFields) -> [(mapping: PortMapping, position: TextPosition)] {
        guard let items = complaints.list(fields, "ports") else { return [] }
        var seen: Set<PortMapping> = []
        return items.enumerated().compactMap { i, item in
            guard let mapping = port(item, fields.owner, "ports[\(i)]") else { return nil }
            if !seen.insert(mapping).inserted, mapping.host == nil {
                // With a host port it is told as a duplicate of that.
                complaints.problem(
                    item.position,
                    "\(fields.owner): ports[\(i)]: \(mapping.container)/\(mapping.transport.rawValue) stands twice")
            }
            return (mapping, item.position)
        }
    }

    /// The network that the pod is in. One that publishes a port is in its tenant's.
    mutating func network(_ fields: TaskFields, _ ports: [PortMapping]) -> PodNetwork {
        let network = complaints.choice(fields, "network", PodNetwork.self) ?? .pod
        if network != .pod, let port = ports.first(where: { $0.host != nil }) {
            complaints.problem(
                fields.position(of: "network"),
                "\(fields.owner): network \(network.rawValue): port \(port.container) can't be published there"
                    + "\n  hint: leave out its host, or the network")
        }
        return network
    }

    /// `{container, host, protocol}`, or the container's port alone.
    private mutating func port(_ item: YAML, _ owner: String, _ place: String) -> PortMapping? {
        if case .scalar = item.content {
            let number = number(item, owner, place)
            return number.map { PortMapping(container: $0, host: nil, transport: .tcp) }
        }
        let keys = ["container", "host", "protocol"]
        guard let fields = complaints.fields(item, keys, owner: owner, prefix: place + ".") else { return nil }
        guard let value = fields["container"] else {
            complaints.problem(fields.position(of: "container"), "\(owner): \(place).container is missing")
            return nil
        }
        let before = complaints.problems.count
        let container = number(value, owner, place + ".container")
        let host = fields["host"].flatMap { number($0, owner, place + ".host") }
        let transport = transport(fields)
        guard let container, complaints.problems.count == before else { return nil }
        return PortMapping(container: container, host: host, transport: transport)
    }

    private mutating func number(_ value: YAML, _ owner: String, _ place: String) -> UInt16? {
        if case .scalar(let text, .plain) = value.content, text.utf8.allSatisfy({ (48...57).contains($0) }),
            text.utf8.first != 48, let port = UInt16(text)
        {
            return port
        }
        complaints.problem(
            value.position,
            "\(owner): \(place): expected a port, 1 to 65535, found \(TaskComplaints.kind(of: value))")
        return nil
    }

    private mutating func transport(_ fields: TaskFields) -> PortMapping.Transport {
        guard let text = complaints.text(fields, "protocol") else { return .tcp }
        if let known = PortMapping.Transport.allCases.first(where: { Self.isSame(text, $0.rawValue) }) { return known }
        complaints.problem(
            fields.position(of: "protocol"),
            "\(fields.owner): \(fields.prefix)protocol: no value \(quotedAlways(text)); there are tcp, udp")
        return .tcp
    }
}
