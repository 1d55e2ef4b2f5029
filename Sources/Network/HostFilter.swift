internal import Linux

/// The host's own filter for what it forwards, that of iptables(8), which docker and others set to DROP: a packet must be accepted
/// by it as well as by ``HostRules``. Where it may drop something, it accepts what goes over links of ours, about which our
/// rules decide. It is written by that program alone, whose table it is.
enum HostFilter {
    private static let marker = "iptables"
    /// Docker's chain for others, which it does not flush.
    private static let user = "DOCKER-USER"

    private static func rules(_ root: String) -> [[String]] {
        ["-i", "-o"].map {
            [
                $0, TenantSubnet.hostLinkPrefix(of: root) + "+", "-m", "comment", "--comment", "perigee-\(root)", "-j",
                "ACCEPT",
            ]
        }
    }

    static func open(_ directory: borrowing NetworkDirectory) throws(NetworkError) {
        guard let forward = try FirewallProgram.iptables(["-S", "FORWARD"]), forward.status == 0 else { return }
        if forward.output == "-P FORWARD ACCEPT\n" { return }
        let hasUser = try FirewallProgram.iptables(["-S", user])?.status == 0
        let chain = hasUser ? user : "FORWARD"
        let present = try text(directory)
        if let present, present != chain { try close(directory) }
        try during(.records) { () throws(SystemError) in try directory.set(marker, chain) }
        for rule in rules(directory.identifier) {
            if try FirewallProgram.iptables(["-C", chain] + rule)?.status == 0 { continue }
            guard let added = try FirewallProgram.iptables(["-I", chain] + rule), added.status != 0 else { continue }
            let word = added.output.split(separator: "\n").first.map { "\($0)," } ?? ""
            throw .program("iptables", SystemError("iptables", chain, detail: word, .EINVAL))
        }
    }

    static func close(_ directory: borrowing NetworkDirectory) throws(NetworkError) {
        guard let chain = try text(directory) else { return }
        let most = 16
        for rule in rules(directory.identifier) {
            for _ in 0..<most {
                guard try FirewallProgram.iptables(["-D", chain] + rule)?.status == 0 else { break }
            }
        }
        try during(.records) { () throws(SystemError) in try directory.set(marker, nil) }
    }

    private static func text(_ directory: borrowing NetworkDirectory) throws(NetworkError) -> String? {
        do throws(SystemError) { return try directory.text(marker) } catch { throw .step(.records, error) }
    }
}
