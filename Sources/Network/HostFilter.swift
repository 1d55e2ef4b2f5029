internal import Glibc
internal import Linux

/// The host's own filter for what it forwards, that of iptables(8), which docker and others set to DROP: a packet must be accepted
/// by it as well as by ``HostRules``. Where it may drop something, it accepts what goes over links of ours, about which our
/// rules decide. It is written by that program alone, whose table it is.
enum HostFilter {
    private static let marker = "iptables"
    /// Docker's chain for others, which it does not flush.
    private static let user = "DOCKER-USER"

    /// The rules of `chain`, as iptables-save(8) writes them.
    private static func rules(_ root: String, _ chain: String) -> [String] {
        ["-i", "-o"].map {
            "-A \(chain) \($0) \(TenantSubnet.hostLinkPrefix(of: root))+ -m comment --comment perigee-\(root) -j ACCEPT"
        }
    }

    /// Whether something may be dropped. Of iptables(8) as it is today the kernel is asked, since most hosts have nothing there;
    /// its older form is found by its table, and the program asked.
    static func mayDrop() throws(NetworkError) -> Bool {
        try during(.rules) { () throws(SystemError) in
            if try PacketFilter(.ip, "filter").mayDrop("FORWARD") { return true }
            do throws(SystemError) {
                let file = try Descriptor.workingDirectory.open("/proc/net/ip_tables_names", O_RDONLY)
                let names = String(decoding: try file.view.readAll(limit: 4096), as: UTF8.self)
                return names.split(separator: "\n").contains("filter")
            } catch  where error.code == .ENOENT {
                // The kernel does not have that form.
                return false
            }
        }
    }

    /// Has it accept what goes over our links, where ``mayDrop()`` says so.
    static func open(_ directory: borrowing NetworkDirectory) throws(NetworkError) {
        guard let all = try FirewallProgram.iptables(["-S"]), all.status == 0 else { return }
        let lines = all.output.split(separator: "\n").map(String.init)
        guard
            lines.contains(where: { $0.hasPrefix("-P FORWARD ") && $0 != "-P FORWARD ACCEPT" })
                || lines.contains(where: { $0.hasPrefix("-A FORWARD ") })
        else { return }
        let chain = lines.contains("-N \(user)") ? user : "FORWARD"
        let present = try text(directory)
        if let present, present != chain { try close(directory) }
        try during(.records) { () throws(SystemError) in try directory.set(marker, chain) }
        let missing = rules(directory.identifier, chain).filter { !lines.contains($0) }
        // First, whatever there is.
        try change(missing.map { "-I" + $0.dropFirst(2) }, chain)
    }

    static func close(_ directory: borrowing NetworkDirectory) throws(NetworkError) {
        guard let chain = try text(directory) else { return }
        if let all = try FirewallProgram.iptables(["-S", chain]), all.status == 0 {
            let own = rules(directory.identifier, chain)
            let present = all.output.split(separator: "\n").map(String.init).filter { own.contains($0) }
            try change(present.map { "-D" + $0.dropFirst(2) }, chain)
        }
        try during(.records) { () throws(SystemError) in try directory.set(marker, nil) }
    }

    /// All of these or none.
    private static func change(_ commands: [String], _ chain: String) throws(NetworkError) {
        if commands.isEmpty { return }
        let text = "*filter\n" + commands.map { $0 + "\n" }.joined() + "COMMIT\n"
        guard let done = try FirewallProgram.iptablesRestore(text), done.status != 0 else { return }
        let word = done.output.split(separator: "\n").first.map { "\($0)," } ?? ""
        throw .program("iptables", SystemError("iptables-restore", chain, detail: word, .EINVAL))
    }

    private static func text(_ directory: borrowing NetworkDirectory) throws(NetworkError) -> String? {
        do throws(SystemError) { return try directory.text(marker) } catch { throw .step(.records, error) }
    }
}
