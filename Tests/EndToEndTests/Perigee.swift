import Foundation
import Testing

/// The built executable, with a store and a root of this test run's own.
struct Perigee: Sendable {
    /// What one run of it came to.
    struct Outcome: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let binary =
        ProcessInfo.processInfo.environment["PERIGEE_BINARY"] ?? package.appending(path: ".build/release/perigee").path
    static let images: String = {
        let environment = ProcessInfo.processInfo.environment
        let cache =
            environment["PERIGEE_CACHE"]
            ?? (environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache") + "/perigee"
        return cache + "/images"
    }()

    /// One for all suites, with the images `demo` (arm64) and `demo-host`, removed when the test run ends.
    static let shared: Perigee = {
        let directory = "/tmp/perigee-test-e2e-\(getpid())"
        sharedDirectory = directory
        atexit {
            guard let path = sharedDirectory else { return }
            try? FileManager.default.removeItem(atPath: path)
        }
        let perigee = Perigee(directory: directory)
        for name in ["demo", "demo-host"] {
            let loaded = perigee.run(["image", "load", "\(images)/\(name).oci.tar"])
            precondition(loaded.status == 0, loaded.errors)
        }
        return perigee
    }()
    nonisolated(unsafe) private static var sharedDirectory: String?

    let directory: String
    /// Words that stand before it, such as those of another network namespace.
    var before: [String] = []
    var store: String { directory + "/store" }
    var root: String { directory + "/" + rootName }
    var rootName = "root"
    /// The root's part of the names of its cgroups.
    var identifier: String {
        let hash = root.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        return String(format: "%08x", hash)
    }

    init(directory: String) {
        self.directory = directory
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    /// `perigee` with `arguments`, behind the global options.
    func command(_ arguments: [String]) -> [String] {
        before + [Perigee.binary, "--store", store, "--root", root] + arguments
    }

    /// Runs `perigee` to its end; one that takes longer than a minute is killed, and fails by that.
    func run(_ arguments: [String]) -> Outcome { Perigee.execute(command(arguments)) }

    /// `pod run` of the host's demo image.
    func pod(_ arguments: String..., image: String = "demo-host") -> Outcome {
        run(["pod", "run", "--image", image] + arguments)
    }

    /// Runs any command to its end.
    static func execute(_ words: [String], in directory: String? = nil) -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["-s", "KILL", "240"] + words
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        // Files and not pipes: nothing that is left running can hold the reader.
        let base = FileManager.default.temporaryDirectory.path + "/perigee-test-out-\(UUID().uuidString)"
        let (out, err) = (base + ".out", base + ".err")
        for path in [out, err] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        defer { for path in [out, err] { try? FileManager.default.removeItem(atPath: path) } }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: out)
        process.standardError = FileHandle(forWritingAtPath: err)
        do { try process.run() } catch { return Outcome(status: -1, output: "", errors: "\(error)") }
        process.waitUntilExit()
        func text(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        }
        return Outcome(status: process.terminationStatus, output: text(out), errors: text(err))
    }

    /// Runs a shell command.
    static func shell(_ text: String) -> Outcome { execute(["/bin/sh", "-c", text]) }
}

/// A bundle with the demo's root file system, for `perigee run`.
struct TestBundle: ~Copyable {
    let path: String
    private(set) var config: [String: Any]

    init() throws {
        path = Perigee.shared.directory + "/bundle-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let unpacked = Perigee.shared.run(["image", "unpack", "demo-host", path + "/rootfs"])
        try #require(unpacked.status == 0, "\(unpacked.errors)")
        try #require(Perigee.shared.run(["spec", "-b", path]).status == 0)
        let data = try Data(contentsOf: URL(fileURLWithPath: path + "/config.json"))
        config = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Changes a member; a path such as `process/user/uid`.
    mutating func set(_ place: String, _ value: Any?) {
        func changed(_ object: [String: Any], _ names: ArraySlice<Substring>) -> [String: Any] {
            guard let name = names.first.map(String.init) else { return object }
            var object = object
            object[name] =
                names.count == 1 ? value : changed(object[name] as? [String: Any] ?? [:], names.dropFirst())
            return object
        }
        config = changed(config, place.split(separator: "/")[...])
    }

    /// Writes the configuration and runs the bundle.
    func run(_ options: String..., id: String = "t-\(UUID().uuidString)", shell: String? = nil) throws
        -> Perigee.Outcome
    {
        var config = config
        if let shell, var process = config["process"] as? [String: Any] {
            process["args"] = ["/bin/sh", "-c", shell]
            config["process"] = process
        }
        try JSONSerialization.data(withJSONObject: config).write(to: URL(fileURLWithPath: path + "/config.json"))
        return Perigee.shared.run(["run", "-b", path] + options + [id])
    }

    /// Writes the configuration, for a command of the test's own.
    func write() throws {
        try JSONSerialization.data(withJSONObject: config).write(to: URL(fileURLWithPath: path + "/config.json"))
    }
}
