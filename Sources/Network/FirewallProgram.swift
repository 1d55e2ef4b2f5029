internal import Glibc
internal import Linux

/// Runs the programs that change the kernel's rules for packets.
enum FirewallProgram {
    /// Carries out `rules`, all or none, in the network namespace `space`; nil: in ours. Wraps nft(8).
    static func load(_ rules: String, in space: Descriptor? = nil) throws(NetworkError) {
        guard let path = find("nft") else { throw .noProgram("nft", package: "nftables") }
        let result = try run(path, ["nft", "-f", "-"], input: rules, in: space)
        if result.status == 0 { return }
        throw .program("nft", SystemError("nft", "", detail: firstLine(result.output), .EINVAL))
    }

    /// Runs iptables(8): its exit code and what it said; nil: it is not installed. The lock that others may have is waited for.
    static func iptables(_ arguments: [String]) throws(NetworkError) -> (status: Int32, output: String)? {
        guard let path = find("iptables") else { return nil }
        return try run(path, ["iptables", "-w", "10"] + arguments, input: "", in: nil)
    }

    private static func find(_ name: String) -> String? {
        ["/usr/sbin/", "/sbin/", "/usr/local/sbin/", "/usr/bin/"].map { $0 + name }.first {
            (try? Descriptor.workingDirectory.exists($0)) == true
        }
    }

    private static func run(
        _ path: String, _ arguments: [String], input: String, in space: Descriptor?
    ) throws(NetworkError) -> (status: Int32, output: String) {
        do throws(SystemError) {
            // Files and no pipes: neither can ever be full.
            let text = try MemoryFile.create("rules", sealable: false)
            try text.view.write(input)
            try text.view.seek(to: 0)
            let output = try MemoryFile.create("output", sealable: false)
            var program = Program(path: path, arguments: arguments, environment: ["LC_ALL=C", "PATH=/usr/sbin:/sbin"])
            if let space { program.namespaces = [space] }
            var started = try program.start(input: text.view, output: output.view)
            try started.execute()
            let end = try started.wait()
            try output.view.seek(to: 0)
            let words = try output.view.readAll(limit: 1 << 20)
            return (end.status, String(decoding: words, as: UTF8.self))
        } catch { throw .program(arguments[0], error) }
    }

    private static func firstLine(_ text: String) -> String {
        (text.split(separator: "\n").first.map { String($0.prefix(200)) } ?? "no word") + ","
    }
}
