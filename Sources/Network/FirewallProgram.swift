internal import Glibc
internal import Linux

/// Runs the programs whose rules for packets nobody else may change: those of iptables(8).
enum FirewallProgram {
    /// Runs iptables(8): its exit code and what it said; nil: it is not installed. The lock that others may have is waited for.
    static func iptables(_ arguments: [String]) throws(NetworkError) -> (status: Int32, output: String)? {
        guard let path = find("iptables") else { return nil }
        return try run(path, ["iptables", "-w", "10"] + arguments, input: "")
    }

    /// Runs iptables-restore(8) with `text`, that changes what it names and leaves the rest; the same result.
    static func iptablesRestore(_ text: String) throws(NetworkError) -> (status: Int32, output: String)? {
        guard let path = find("iptables-restore") else { return nil }
        return try run(path, ["iptables-restore", "--noflush", "-w", "10"], input: text)
    }

    private static func find(_ name: String) -> String? {
        ["/usr/sbin/", "/sbin/", "/usr/local/sbin/", "/usr/bin/"].map { $0 + name }.first {
            (try? Descriptor.workingDirectory.exists($0)) == true
        }
    }

    private static func run(
        _ path: String, _ arguments: [String], input: String
    ) throws(NetworkError) -> (status: Int32, output: String) {
        do throws(SystemError) {
            // Files and no pipes: neither can ever be full.
            let text = try MemoryFile.create("rules", sealable: false)
            try text.view.write(input)
            try text.view.seek(to: 0)
            let output = try MemoryFile.create("output", sealable: false)
            let program = Program(path: path, arguments: arguments, environment: ["LC_ALL=C", "PATH=/usr/sbin:/sbin"])
            var started = try program.start(input: text.view, output: output.view)
            try started.execute()
            let end = try started.wait()
            try output.view.seek(to: 0)
            let words = try output.view.readAll(limit: 1 << 26)
            return (end.status, String(decoding: words, as: UTF8.self))
        } catch { throw .program(arguments[0], error) }
    }
}
