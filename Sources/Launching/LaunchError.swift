package import Cgroups
package import Linux
package import Planning

/// Why a launch did not come to its command.
package enum LaunchError: Error {
    /// A step of the plan failed: `number` of `count`.
    case step(number: Int, count: Int, Step, SystemError)
    /// The same of a step after the start, of which the starter knows the title alone.
    case laterStep(number: Int, count: Int, String, SystemError)
    /// What the container shall get could not be opened.
    case descriptor(number: Int, count: Int, LaunchPlan.DescriptorUse, SystemError)
    /// The cgroup could not be made or joined.
    case cgroup(number: Int, count: Int, CgroupError)
    /// clone3(2) of the child, or the child's execveat(2) of the stage.
    case clone(number: Int, count: Int, SystemError)
    /// The command could not be executed; `why` is what a look through the container's root told.
    case exec(command: String, ExecDiagnosis, Errno)
    /// The child died during step `number` before it could report: killed by a signal, or by the kernel for memory.
    case died(number: Int, count: Int, Step?, ProcessEnd, outOfMemory: Bool)
    /// A hook did not do what it should.
    case hook(number: Int, count: Int, HookFailure)
    /// A call outside the plan's steps.
    case system(SystemError)
    case tooManyDescriptors(Int)
    case tooManySteps(Int)
    /// The arena's validator refused: a mistake of ours.
    case malformedPlan(operation: Int, String)
}

extension LaunchError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .step(let number, let count, let step, let error):
            "step \(number) of \(count), \(step.title): \(error)" + hint(Hint.of(error, in: step))
        case .laterStep(let number, let count, let title, let error):
            "step \(number) of \(count), \(title): \(error)"
        case .descriptor(let number, let count, let use, let error):
            "step \(number) of \(count), open \(use.text): \(error)" + hint(Hint.of(error, opening: use))
        case .cgroup(let number, let count, let error): "step \(number) of \(count): \(error)"
        case .clone(let number, let count, let error):
            "step \(number) of \(count), \(error)" + hint(Hint.ofClone(error.code))
        case .exec(let command, let diagnosis, let code): diagnosis.sentence(command: command, code: code)
        case .died(let number, let count, let step, let end, let outOfMemory):
            died(number, count, step, end, outOfMemory)
        case .hook(let number, let count, let failure): "step \(number) of \(count), \(failure)"
        case .system(let error): "\(error)"
        case .tooManyDescriptors(let count): "the plan hands \(count) descriptors to the container, 96 are the most"
        case .tooManySteps(let count): "the plan has \(count) steps, 65534 are the most"
        case .malformedPlan(let operation, let problem):
            "the compiled plan is not well formed, operation \(operation): \(problem); this is a bug in perigee"
        }
    }

    private func hint(_ text: String?) -> String { text.map { "\n  hint: \($0)" } ?? "" }

    private func died(_ number: Int, _ count: Int, _ step: Step?, _ end: ProcessEnd, _ outOfMemory: Bool) -> String {
        let place = number == 0 ? "before its first step" : "step \(number) of \(count)"
        let during = "during set-up, " + place + (step.map { ", \($0.title)" } ?? "")
        if outOfMemory {
            return
                "the container was killed for lack of memory \(during)"
                + "\n  hint: its memory limit is too small to start in; a shell needs about 1m"
        }
        switch end.cause {
        case .exited(let code): return "the container's first process exited with \(code) \(during)"
        case .signalled(let signal, _): return "the container's first process was killed by signal \(signal) \(during)"
        }
    }

    /// 127: the command was not found, 126: it can't be executed, 125: anything else.
    package var exitStatus: Int32 {
        if case .exec(_, let diagnosis, _) = self { return diagnosis.isMissing ? 127 : 126 }
        return 125
    }
}

/// Remedies: what a person can do about an error of a step, where we know it.
enum Hint {
    static func of(_ error: SystemError, in step: Step) -> String? {
        switch (step, error.code) {
        case (.mount(let mount), .EPERM) where mount.type == "proc":
            "the host masks its own /proc (a container in a container?); unmask it there, or bind the host's /proc"
        case (.mount(let mount), .ENODEV): "this kernel has no file system '\(mount.type)'; see /proc/filesystems"
        case (.mount, .ELOOP), (.bind, .ELOOP):
            "the image has a symbolic link where this must be mounted; perigee does not follow it"
        case (.makeDirectory, .ELOOP):
            "the working directory can't lie behind a link of /proc or a loop of links; see cwd, or the image's WorkingDir"
        case (.makeDirectory, .ENOTDIR):
            "a component of the working directory is a file in the image; see cwd, or the image's WorkingDir"
        case (.bind(let bind), .ENOENT) where bind.index == nil && error.call == "openat":
            "the source of a bind mount must be there; see /mounts of config.json"
        case (.makeDirectory, .ENOENT), (.mount, .ENOENT), (.bind, .ENOENT):
            "the image has a symbolic link on the way that leads to nothing inside the image"
        case (.mount, .ENOTDIR), (.bind, .ENOTDIR): "a component of the target is not a directory in the image"
        case (.mount, .EINVAL) where error.call == "move_mount": "the image has a file where this must be mounted"
        case (.terminal, .ENOENT), (.terminal, .ENOTDIR), (.terminal, .ENODEV):
            "a terminal needs a devpts at /dev/pts, with no other mount in it; see /mounts of config.json"
        case (.terminal, .ELOOP), (.terminal, .EXDEV):
            "the image or the container has a link or a mount where its terminals must be; perigee does not follow it"
        case (.terminal, .EINVAL) where error.call == "move_mount":
            "the image has a directory where its console must be"
        case (.terminal, .EPIPE), (.terminal, .ECONNRESET): "who was to take the terminal has closed its socket"
        case (.terminal, .ENOSPC): "the limit of terminals is reached: /proc/sys/kernel/pty/max, or max= of the devpts"
        case (.device, .EEXIST):
            "the image has something else of that name there, and perigee does not take it for the device"
        case (.mount, .EROFS), (.bind, .EROFS), (.makeDirectory, .EROFS):
            "the mount point is missing in the image, and its root is read-only"
        case (.rlimit(let name, _, let hard), .EPERM):
            "raising the hard limit \(name) to \(hard) needs CAP_SYS_RESOURCE, which this host's root lacks"
        case (.oomScoreAdjust, .EACCES): "lowering oom_score_adj needs CAP_SYS_RESOURCE, which this host's root lacks"
        case (.sysctl(let key, _), .ENOENT): "this kernel has no sysctl '\(key)' in the container's namespaces"
        case (.sysctl, .EINVAL): "the kernel does not take this value"
        case (.mount(let mount), .EINVAL) where mount.options.contains { $0.key == "context" }:
            "a mountLabel needs SELinux, which this host has not, or its policy does not know the label"
        case (.mount(let mount), .EINVAL) where error.call == "fsconfig":
            "the file system '\(mount.type)' has no such option, or not with this value"
        case (.groups, .EPERM), (.gid, .EPERM), (.uid, .EPERM), (.capabilities, .EPERM), (.ambient, .EPERM):
            "without noNewPrivileges a seccomp profile is loaded before this step, and must allow it"
        case (.pivotRoot, .EINVAL): "the host's root is an initramfs, which pivot_root(2) can't leave"
        case (.sendListener, .ENOENT), (.sendListener, .ECONNREFUSED):
            "the seccomp agent must listen there; see /linux/seccomp/listenerPath of config.json"
        case (.sendListener, .EPERM) where error.call == "pidfd_getfd":
            "taking the listener needs CAP_SYS_PTRACE, which this host's root lacks"
        case (.attachRoot, .EINVAL): "the root file system is not a mount that can be moved here"
        case (.workingDirectory(let path), .ENOENT): "'\(path)' is not there, or leads out of the container's root"
        case (.workingDirectory(let path), .EACCES): "the user may not enter '\(path)'"
        case (_, .ENOSPC) where error.call == "move_mount" || error.call == "mount":
            "the mount limit of the host is reached: /proc/sys/fs/mount-max"
        case (.mount(let mount), _) where mount.copiesUp: ofCopy(error.code)
        default: ofSpecial(error, in: step)
        }
    }

    private static func ofCopy(_ code: Errno) -> String? {
        switch code {
        case .ENOSPC: "what is in the directory is more than this tmpfs may hold; see its option size"
        case .E2BIG: "what is in the directory is nested more than 64 directories deep"
        default: nil
        }
    }

    /// Of what few configurations ask for.
    private static func ofSpecial(_ error: SystemError, in step: Step) -> String? {
        switch (step, error.code) {
        case (.securityLabel(.apparmor, _), .ENOENT) where error.call == "openat",
            (.securityLabel(.apparmor, _), .EINVAL):
            "this host has no AppArmor; leave apparmorProfile out"
        case (.securityLabel(.apparmor, let profile), .ENOENT):
            "no profile '\(profile)' is loaded; apparmor_parser loads one"
        case (.securityLabel(.selinux, _), .EINVAL):
            "this host has no SELinux, or its policy does not know the label; leave selinuxLabel out"
        case (.scheduler, .EPERM):
            "this policy or priority needs CAP_SYS_NICE; on cgroup v1 a real-time policy needs cpu.realtimeRuntime too"
        case (.scheduler, .EINVAL): "the policy does not go with this priority, or with these times; see sched(7)"
        case (.ioPriority, .EPERM): "this class needs CAP_SYS_ADMIN or CAP_SYS_NICE"
        case (.memoryPolicy, .EINVAL): "the mode does not go with these nodes or flags, or the host has no such node"
        case (.processors, .EINVAL), (.placeChild, .EINVAL):
            "none of these processors is there, or the container's cpuset has none of them"
        case (.makeTimeNamespace, .EINVAL) where error.call == "unshare": "this kernel has no time namespaces"
        case (.makeTimeNamespace, .ERANGE): "with this offset a clock would be negative, or not fit"
        case (.makeResctrlGroup, _) where error.call == "statfs":
            "no resctrl file system is mounted on /sys/fs/resctrl, or the kernel has none; leave intelRdt out"
        case (.makeResctrlGroup, .ENOENT): "the class of closID is not there, and no schemata say how to make it"
        case (.makeResctrlGroup, .ENOSPC): "the processor has no more classes or monitoring groups"
        case (.moveNetworkDevices, .ENODEV): "there is no such interface in the runtime's namespace; see `ip link`"
        case (.moveNetworkDevices, .EEXIST): "the container's network namespace has an interface of that name"
        default: nil
        }
    }

    static func of(_ error: SystemError, opening use: LaunchPlan.DescriptorUse) -> String? {
        if error.detail == "MOUNT_ATTR_IDMAP", error.code == .EINVAL {
            return "the file system of the source has no id-mapped mounts, or the mount is mapped already"
        }
        guard error.code == .ENOENT else { return nil }
        switch use {
        case .root, .network, .start, .cgroup, .console, .exitRecord, .lock, .ownMounts, .rootOf: return nil
        case .bindSource, .specialSource: return "the source of a bind mount must be there; see /mounts of config.json"
        case .namespace: return "a namespace to join must be there; see /linux/namespaces of config.json"
        }
    }

    static func ofClone(_ code: Errno) -> String? {
        switch code {
        case .EPERM: "perigee needs root (CAP_SYS_ADMIN) to make namespaces"
        case .ENOSPC: "a limit of /proc/sys/user/max_*_namespaces is reached"
        case .EAGAIN: "the limit of processes is reached: ulimit -u, or pids.max of a cgroup"
        case .EBUSY: "the container's cgroup has controllers enabled for its children"
        case .ENOSYS: "this kernel has no clone3(2); perigee needs 5.10 or newer"
        default: nil
        }
    }
}
