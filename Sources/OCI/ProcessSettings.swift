/// Of a process what few configurations have: config.md, "Linux Process".
package struct ProcessSettings: Hashable, Sendable {
    package var scheduler: Scheduler?
    package var ioPriority: IOPriority?
    package var execCPUAffinity: ExecCPUAffinity?
    /// The name of a profile that the host has loaded.
    package var apparmorProfile: String?
    package var selinuxLabel: String?

    package init() {}

    /// sched(7), and `struct sched_attr` of sched_setattr(2).
    package struct Scheduler: Hashable, Sendable {
        /// `SCHED_*`.
        package var policy: String
        package var nice: Int32 = 0
        package var priority: Int32 = 0
        /// `SCHED_FLAG_*`.
        package var flags: [String] = []
        /// Nanoseconds, as the two that follow.
        package var runtime: UInt64 = 0
        package var deadline: UInt64 = 0
        package var period: UInt64 = 0

        package init(policy: String) { self.policy = policy }
    }

    /// ioprio_set(2).
    package struct IOPriority: Hashable, Sendable {
        /// `IOPRIO_CLASS_*`.
        package var priorityClass: String
        /// 0 (first) to 7.
        package var priority: Int

        package init(priorityClass: String, priority: Int) {
            self.priorityClass = priorityClass
            self.priority = priority
        }
    }

    /// Lists of processors such as `0-3,7`, for a further process of a container.
    package struct ExecCPUAffinity: Hashable, Sendable {
        /// Until it is in the container's group.
        package var initial: String?
        /// From then on.
        package var final: String?

        package init(initial: String?, final: String?) {
            self.initial = initial
            self.final = final
        }
    }
}

extension ProcessSettings {
    /// nil: the process `json` has none of them.
    init?(of json: JSON) throws(JSONError) {
        let scheduler = json["scheduler"], ioPriority = json["ioPriority"], affinity = json["execCPUAffinity"]
        let apparmor = try json.label("apparmorProfile"), selinux = try json.label("selinuxLabel")
        guard scheduler != nil || ioPriority != nil || affinity != nil || apparmor != nil || selinux != nil else {
            return nil
        }
        apparmorProfile = apparmor
        selinuxLabel = selinux
        if let scheduler { self.scheduler = try Scheduler(scheduler) }
        if let ioPriority {
            self.ioPriority = IOPriority(
                priorityClass: try ioPriority.required("class").string(),
                priority: try ioPriority.required("priority").integer())
        }
        if let affinity {
            execCPUAffinity = ExecCPUAffinity(
                initial: try affinity.label("initial"), final: try affinity.label("final"))
        }
    }
}

extension ProcessSettings.Scheduler {
    fileprivate init(_ json: JSON) throws(JSONError) {
        policy = try json.required("policy").string()
        nice = try json["nice"]?.integer() ?? 0
        priority = try json["priority"]?.integer() ?? 0
        flags = try json["flags"]?.strings() ?? []
        runtime = try json["runtime"]?.integer() ?? 0
        deadline = try json["deadline"]?.integer() ?? 0
        period = try json["period"]?.integer() ?? 0
    }
}

extension JSON {
    /// The text of a member; an empty one is what engines write for none.
    func label(_ name: String) throws(JSONError) -> String? {
        guard let text = try self[name]?.string(), !text.isEmpty else { return nil }
        return text
    }
}
