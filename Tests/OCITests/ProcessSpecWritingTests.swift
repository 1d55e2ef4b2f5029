import Testing

@testable import OCI

struct ProcessSpecWritingTests {
    @Test("a process that is written and read again is the same, with all that it can have")
    func whole() throws {
        var process = ProcessSpec()
        process.terminal = true
        process.consoleSize = .init(rows: 30, columns: 100)
        process.user.uid = 1000
        process.user.gid = 1001
        process.user.umask = 0o27
        process.user.additionalGids = [5, 2_147_483_647]
        process.args = ["/bin/sh", "-c", "echo \"a\nb\" \u{1}"]
        process.env = ["A=", "B=x=y"]
        process.cwd = "/data"
        process.capabilities = .init()
        process.capabilities?.bounding = ["CAP_CHOWN", "CAP_KILL"]
        process.capabilities?.effective = ["CAP_CHOWN"]
        process.capabilities?.inheritable = ["CAP_KILL"]
        process.capabilities?.permitted = ["CAP_CHOWN", "CAP_KILL"]
        process.capabilities?.ambient = ["CAP_KILL"]
        process.rlimits = [
            .init(type: "RLIMIT_NOFILE", soft: 10, hard: .max), .init(type: "RLIMIT_CORE", soft: 0, hard: 0),
        ]
        process.noNewPrivileges = true
        process.oomScoreAdj = -5
        var settings = ProcessSettings()
        var scheduler = ProcessSettings.Scheduler(policy: "SCHED_DEADLINE")
        (scheduler.nice, scheduler.priority, scheduler.flags) = (-3, 4, ["SCHED_FLAG_RECLAIM"])
        (scheduler.runtime, scheduler.deadline, scheduler.period) = (1, 2, 3)
        settings.scheduler = scheduler
        settings.ioPriority = .init(priorityClass: "IOPRIO_CLASS_BE", priority: 4)
        settings.execCPUAffinity = .init(initial: "7", final: nil)
        settings.apparmorProfile = "a"
        settings.selinuxLabel = "s"
        process.settings = settings
        #expect(try again(process) == process)
    }

    @Test("one that has nothing but a command has nothing when it is read again")
    func plain() throws {
        var process = ProcessSpec()
        process.args = ["x"]
        #expect(try again(process) == process)
        process.capabilities = .init()
        #expect(try again(process) == process)
    }

    private func again(_ process: ProcessSpec) throws -> ProcessSpec {
        try ProcessSpec(try JSON(parsing: process.json.bytes()))
    }
}
