internal import Linux

/// What is kept of a pod's network, as lines of words, as long as it may have one:
///
///     ADDRESS HOSTNAME NAME
///     publish 8080:80/tcp
struct NetworkRecord: Hashable, Sendable {
    let id: String
    let address: IPv4Address
    let hostname: String
    /// The pod's own name, by which those of its tenant reach it too.
    let name: String
    var ports: [PublishedPort] = []

    init(id: String, address: IPv4Address, hostname: String, name: String) {
        self.id = id
        self.address = address
        self.hostname = hostname
        self.name = name
    }

    /// nil: `text` is none.
    init?(id: String, _ text: String) {
        let lines = text.split(separator: "\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3, let address = IPv4Address(words[0]) else { return nil }
        self.init(id: id, address: address, hostname: String(words[1]), name: String(words[2]))
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            guard words.count == 2, words[0] == "publish", let port = PublishedPort(String(words[1])) else {
                return nil
            }
            ports.append(port)
        }
    }

    var text: String {
        "\(address) \(hostname) \(name)\n" + ports.map { "publish \($0.description)\n" }.joined()
    }

    /// The last octet of its address, which names its place in the router and its line in the hosts file.
    var octet: UInt8 { UInt8(truncatingIfNeeded: address.number) }
    var slot: Int { Int(octet - TenantSubnet.podOctets.lowerBound) }
}
