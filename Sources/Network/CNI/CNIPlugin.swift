internal import Glibc
internal import Linux
internal import OCI

/// A plugin: a program that makes a part of a pod's network, or takes it away.
struct CNIPlugin {
    let type: String
    let network: String
    /// Absolute.
    private let path: String
    private let directories: [String]
    private let patience: Int32

    private static let outputLimit = 1 << 20

    /// Finds the program.
    init(_ type: String, of network: String, in directories: [String], patience: Int32) throws(CNIFailure) {
        let paths: [String] = directories.map { "\($0)/\(type)" }
        let path = paths.first { path in
            (try? Descriptor.workingDirectory.exists(path)) == true
        }
        guard let path else { throw .noPlugin(type, network: network, directories: directories) }
        self.type = type
        self.network = network
        self.path = path
        self.directories = directories
        self.patience = patience
    }

    /// Carries out `command`: ADD or DEL. It runs in our network namespace, as plugins do.
    ///
    /// - Parameter subject: the pod's, in variables `CNI_*`.
    /// - Returns: what it has printed.
    func run(_ command: String, _ configuration: JSON.Value, _ subject: [String]) throws(CNIFailure) -> [UInt8] {
        let end: ProcessEnd?, said: [UInt8], errors: [UInt8]
        do throws(SystemError) { (end, said, errors) = try execute(command, configuration, subject) } catch {
            throw failure(command, "\(error)")
        }
        guard let end else { throw .slowPlugin(type, network: network, command: command, patience) }
        if end.cause == .exited(0) { return said }
        throw failure(command, problem(end, said, errors))
    }

    func failure(_ command: String, _ problem: String) -> CNIFailure {
        .plugin(type, network: network, command: command, problem)
    }

    /// nil: it has taken too long, and is killed.
    private func execute(
        _ command: String, _ configuration: JSON.Value, _ subject: [String]
    ) throws(SystemError) -> (ProcessEnd?, [UInt8], [UInt8]) {
        // Files and no pipes: none can ever be full.
        let input = try MemoryFile.create("configuration", sealable: false)
        try input.view.write(configuration.text())
        try input.view.seek(to: 0)
        let output = try MemoryFile.create("output", sealable: false)
        let errors = try MemoryFile.create("errors", sealable: false)
        let variables = [
            "CNI_COMMAND=\(command)", "CNI_PATH=" + directories.joined(separator: ":"),
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        let program = Program(path: path, arguments: [path], environment: variables + subject)
        var started = try program.start(input: input.view, output: output.view, errors: errors.view)
        try started.execute()
        let isOver = try Poll.readable([started.view], timeout: patience * 1000)[0]
        // Dropped and not waited for, it is killed with all of its group.
        guard isOver else { return (nil, [], []) }
        let end = try started.wait()
        try output.view.seek(to: 0)
        try errors.view.seek(to: 0)
        let limit = CNIPlugin.outputLimit
        return (end, try output.view.readAll(limit: limit), try errors.view.readAll(limit: limit))
    }

    /// What it says itself, or the last line of what it has written, or how it has ended.
    private func problem(_ end: ProcessEnd, _ said: [UInt8], _ errors: [UInt8]) -> String {
        if let json = try? JSON(parsing: said), let message = try? json["msg"]?.string() {
            let code = (try? json["code"]?.integer()).flatMap { $0 }.map { " (code \($0))" } ?? ""
            let details = (try? json["details"]?.string()).flatMap { $0 }.map { ": \($0)" } ?? ""
            return CNIPlugin.line(message + code + details)
        }
        let how =
            switch end.cause {
            case .exited(let code): "exit code \(code)"
            case .signalled(let signal, _): "killed by signal \(signal)"
            }
        let words = [errors, said].map { String(decoding: $0, as: UTF8.self).split(separator: "\n").last }
        guard let last = words.compactMap({ $0 }).first else { return how }
        return CNIPlugin.line("\(how): \(last)")
    }

    /// Whatever it is, on one line.
    private static func line(_ text: String) -> String {
        String(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : Character($0) }.prefix(1000))
    }
}
