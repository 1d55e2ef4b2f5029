// As the runtime specification writes a process: what is read again is the same.
extension ProcessSpec {
    package var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = []
        if terminal { members.append(("terminal", .bool(true))) }
        if terminal, let consoleSize {
            members.append(
                (
                    "consoleSize",
                    .object([
                        ("height", .integer(Int64(consoleSize.rows))), ("width", .integer(Int64(consoleSize.columns))),
                    ])
                ))
        }
        members += [("user", user.json), ("args", .strings(args)), ("env", .strings(env)), ("cwd", .string(cwd))]
        if let capabilities { members.append(("capabilities", capabilities.json)) }
        if !rlimits.isEmpty { members.append(("rlimits", .array(rlimits.map(\.json)))) }
        if noNewPrivileges { members.append(("noNewPrivileges", .bool(true))) }
        if let oomScoreAdj { members.append(("oomScoreAdj", .integer(Int64(oomScoreAdj)))) }
        if let settings { members += settings.members }
        return .object(members)
    }
}

extension ProcessSpec.User {
    fileprivate var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = [
            ("uid", .integer(Int64(uid))), ("gid", .integer(Int64(gid))),
        ]
        if let umask { members.append(("umask", .integer(Int64(umask)))) }
        if !additionalGids.isEmpty {
            members.append(("additionalGids", .array(additionalGids.map { .integer(Int64($0)) })))
        }
        return .object(members)
    }
}

extension ProcessSpec.Capabilities {
    fileprivate var json: JSON.Value {
        .object([
            ("bounding", .strings(bounding)), ("effective", .strings(effective)),
            ("inheritable", .strings(inheritable)), ("permitted", .strings(permitted)), ("ambient", .strings(ambient)),
        ])
    }
}

extension ProcessSpec.ResourceLimitSpec {
    fileprivate var json: JSON.Value {
        // RLIM_INFINITY is read as -1.
        func number(_ limit: UInt64) -> JSON.Value { .integer(limit == .max ? -1 : Int64(clamping: limit)) }
        return .object([("type", .string(type)), ("soft", number(soft)), ("hard", number(hard))])
    }
}

extension ProcessSettings {
    fileprivate var members: [(name: String, value: JSON.Value)] {
        var members: [(name: String, value: JSON.Value)] = []
        if let scheduler { members.append(("scheduler", scheduler.json)) }
        if let ioPriority {
            members.append(
                (
                    "ioPriority",
                    .object([
                        ("class", .string(ioPriority.priorityClass)),
                        ("priority", .integer(Int64(ioPriority.priority))),
                    ])
                ))
        }
        if let execCPUAffinity {
            var lists: [(name: String, value: JSON.Value)] = []
            if let initial = execCPUAffinity.initial { lists.append(("initial", .string(initial))) }
            if let final = execCPUAffinity.final { lists.append(("final", .string(final))) }
            members.append(("execCPUAffinity", .object(lists)))
        }
        if let apparmorProfile { members.append(("apparmorProfile", .string(apparmorProfile))) }
        if let selinuxLabel { members.append(("selinuxLabel", .string(selinuxLabel))) }
        return members
    }
}

extension ProcessSettings.Scheduler {
    fileprivate var json: JSON.Value {
        .object([
            ("policy", .string(policy)), ("nice", .integer(Int64(nice))), ("priority", .integer(Int64(priority))),
            ("flags", .strings(flags)), ("runtime", .unsigned(runtime)), ("deadline", .unsigned(deadline)),
            ("period", .unsigned(period)),
        ])
    }
}
