internal import CLaunch
internal import Planning

// What few configurations ask for.
extension ArenaBuilder {
    mutating func addSpecial(_ step: Step, number n: Int) {
        switch step {
        case .scheduler(let scheduler): add(LAUNCH_OP_SCHEDULER, step: n, words: scheduler.words)
        case .ioPriority(let number, let level): add(LAUNCH_OP_IO_PRIORITY, step: n, a: number << 13 | level)
        case .processors(let list): add(LAUNCH_OP_AFFINITY, step: n, words: NumberList(list)?.words ?? [0])
        case .personality(let number): add(LAUNCH_OP_PERSONALITY, step: n, a: number)
        case .memoryPolicy(let mode, let nodes):
            add(LAUNCH_OP_MEMORY_POLICY, step: n, words: NumberList(nodes)?.words ?? [0], x: UInt64(mode))
        case .securityLabel(let module, let label):
            // Below the procfs that is attached nowhere; AppArmor's own file is there from Linux 5.8 on.
            let path = module == .apparmor ? "self/attr/apparmor/exec" : "self/attr/exec"
            let text = module == .apparmor ? "exec " + label : label
            add(LAUNCH_OP_SYSCTL, step: n, a: string(path), b: string(text), c: UInt32(text.utf8.count))
        default: break
        }
    }

    private mutating func add(_ kind: launch_kind, step: Int, words: [UInt64], x: UInt64 = 0) {
        let bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
        add(kind, step: step, a: block(bytes), b: UInt32(bytes.count), x: x)
    }
}

extension SchedulerSettings {
    /// `struct sched_attr` as far as SCHED_ATTR_SIZE_VER0, which every kernel takes; the clamps are none.
    fileprivate var words: [UInt64] {
        func pair(_ low: UInt32, _ high: UInt32) -> UInt64 { UInt64(low) | UInt64(high) << 32 }
        return [
            pair(48, policy), flags, pair(UInt32(bitPattern: nice), priority), runtime, deadline, period,
        ]
    }
}
