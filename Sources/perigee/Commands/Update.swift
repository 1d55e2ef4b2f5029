internal import Containers
internal import Glibc
internal import Linux
internal import OCI
internal import Pods

extension Verb {
    /// `perigee update`: other limits for a container that runs.
    static let update = Verb(
        .update, operands: "ID", summary: "change the limits of a container",
        options: [
            Option(
                "--resources", short: "-r", value: "FILE",
                "as /linux/resources of a configuration; - reads standard input"),
            Option("--memory", value: "SIZE", "the most memory: 64m, 1g, bytes, or -1"),
            Option("--memory-reservation", value: "SIZE", "what it keeps when memory is short"),
            Option("--memory-swap", value: "SIZE", "the most memory and swap together, or -1"),
            Option("--cpu-period", value: "MICROSECONDS", "of the processor's quota"),
            Option("--cpu-quota", value: "MICROSECONDS", "of processor time in each period, or -1"),
            Option("--cpu-burst", value: "MICROSECONDS", "that unused quota may add up to"),
            Option("--cpu-share", value: "N", "weight where processors are short; 1024 is the usual"),
            Option("--cpu-rt-period", value: "MICROSECONDS", "of the quota for realtime processes"),
            Option("--cpu-rt-runtime", value: "MICROSECONDS", "for realtime processes in each period"),
            Option("--cpu-idle", value: "0|1", "1: it runs only where nothing else wants to"),
            Option("--cpuset-cpus", value: "LIST", "the processors that it may use: 0-3,7"),
            Option("--cpuset-mems", value: "LIST", "the memory nodes that it may use"),
            Option("--pids-limit", value: "N", "the most processes and threads, or -1"),
        ],
        notes: "What is not named stays as it is. Options win over --resources.",
        run: { arguments, global in
            var resources = LinuxResources()
            if let path = arguments["--resources"] {
                do throws(ContainersError) { resources = try limits(path) } catch {
                    return Report.failed(error.description, status: 1)
                }
            }
            try change(&resources.memory.limit, arguments, "--memory", size)
            try change(&resources.memory.reservation, arguments, "--memory-reservation", size)
            try change(&resources.memory.swap, arguments, "--memory-swap", size)
            try change(&resources.cpu.period, arguments, "--cpu-period", UInt64.init)
            try change(&resources.cpu.quota, arguments, "--cpu-quota", Int64.init)
            try change(&resources.cpu.burst, arguments, "--cpu-burst", UInt64.init)
            try change(&resources.cpu.shares, arguments, "--cpu-share", UInt64.init)
            try change(&resources.cpu.realtimePeriod, arguments, "--cpu-rt-period", UInt64.init)
            try change(&resources.cpu.realtimeRuntime, arguments, "--cpu-rt-runtime", Int64.init)
            try change(&resources.cpu.idle, arguments, "--cpu-idle", Int64.init)
            try change(&resources.cpu.cpus, arguments, "--cpuset-cpus") { $0 }
            try change(&resources.cpu.mems, arguments, "--cpuset-mems") { $0 }
            try change(&resources.pids, arguments, "--pids-limit", Int64.init)
            let changed = resources
            return try act(arguments, global, "update") { (container: consuming Container) throws(ContainersError) in
                try container.update(changed)
            }
        })

    private static func size(_ text: String) -> Int64? { text == "-1" ? -1 : Quantity.bytes(text) }

    private static func change<Value>(
        _ value: inout Value?, _ arguments: Arguments, _ option: String, _ read: (String) -> Value?
    ) throws(UsageError) {
        guard let text = arguments[option] else { return }
        guard let new = read(text) else { throw UsageError("update: \(option) '\(text)' is no such number") }
        value = new
    }

    private static func limits(_ path: String) throws(ContainersError) -> LinuxResources {
        let text: [UInt8]
        do throws(SystemError) {
            if path == "-" {
                text = try Descriptor.standardInput.readAll(limit: 8 << 20)
            } else {
                let file = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY)
                text = try file.view.readAll(limit: 8 << 20)
            }
        } catch { throw .file(option: "--resources", path: path, error) }
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: text) } catch { throw .json(path: path, error) }
        do throws(SpecError) { return try LinuxResources(json) } catch { throw .spec(path: path, error) }
    }
}
