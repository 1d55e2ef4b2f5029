extension Step {
    /// The system calls that carrying out this step makes; any of them may be followed by close(2).
    package var calls: [String] {
        switch self {
        case .makeNetwork: ["socketpair", "clone3"]
        case .takeNetwork: ["recvmsg", "setns"]
        case .createCgroup: ["mkdirat", "openat", "write"]
        case .openDescriptor: ["openat", "newfstatat", "open_tree"]
        case .enterForChildren, .join: ["setns"]
        case .writeIdentityMaps, .joinCgroup: ["openat", "write"]
        case .restrictDevices: ["bpf", "openat", "write"]
        case .hook: ["clone3", "sendto", "poll", "waitid"]
        case .sendListener: ["pidfd_getfd", "socket", "connect", "sendmsg"]
        case .signal: ["sendto"]
        case .await: ["read"]
        case .park: ["write", "close", "read"]
        case .becomeNamespaceRoot: ["setresgid", "setresuid"]
        case .unshareCgroup: ["unshare"]
        case .newSession: ["setsid"]
        case .sessionKeyring: ["keyctl"]
        case .hostname: ["sethostname"]
        case .domainname: ["setdomainname"]
        case .loopbackUp: ["socket", "ioctl"]
        case .propagation, .attachRoot, .openProc, .mount, .bind, .device, .symlink, .makeDirectory,
            .setMountAttributes, .pivotRoot, .leaveMounts, .changeRoot, .rootPropagation, .sysctl, .maskPath,
            .readonlyPath:
            mountCalls
        default: processCalls
        }
    }

    private var mountCalls: [String] {
        switch self {
        case .propagation, .rootPropagation: ["mount"]
        case .attachRoot: ["move_mount", "fchdir", "mount"]
        case .openProc: ["fsopen", "fsconfig", "fsmount", "move_mount"]
        case .mount(let mount):
            ["fsopen", "fsconfig", "fsmount", "openat2", "mkdirat"]
                + (mount.takesMode || mount.copiesUp ? ["openat", "newfstatat", "fchmod"] : [])
                + (mount.copiesUp ? ["getdents64", "sendfile"] : []) + ["move_mount"]
                + (mount.propagation.isEmpty ? [] : ["mount"])
        case .bind(let bind):
            (bind.index == nil ? ["openat", "newfstatat", "open_tree"] : [])
                + ["mount_setattr", "openat2", "mkdirat", "openat", "move_mount"]
                + (bind.propagation.isEmpty ? [] : ["mount"])
        case .device: ["openat2", "mkdirat", "mknodat", "newfstatat", "fchownat"]
        case .symlink: ["openat2", "mkdirat", "symlinkat"]
        case .makeDirectory: ["openat2", "mkdirat"]
        case .setMountAttributes: ["openat2", "mount_setattr"]
        case .pivotRoot: ["fchdir", "pivot_root", "newfstatat", "umount2", "chdir"]
        case .leaveMounts: ["open_tree", "setns", "fchdir", "chroot"]
        case .changeRoot: ["fchdir", "chroot"]
        case .sysctl: ["openat", "write"]
        case .maskPath: ["openat2", "newfstatat", "fsopen", "fsconfig", "fsmount", "open_tree", "move_mount"]
        case .readonlyPath: ["openat2", "open_tree", "mount_setattr", "move_mount"]
        default: []
        }
    }

    private var processCalls: [String] {
        switch self {
        case .terminal(let terminal):
            ["openat", "openat2", "fstatfs", "newfstatat", "ioctl", "fchownat"]
                + (terminal.isConsole ? ["open_tree", "mkdirat", "move_mount"] : []) + ["dup3", "sendmsg"]
        case .preserveDescriptors: ["fcntl"]
        case .stayAsInit(let initial, _, _, let hasTerminal):
            ["rt_sigprocmask"] + (initial.role == .sandbox ? [] : ["clone", "setpgid"])
                + (initial.role == .member ? ["prctl"] : []) + (hasTerminal ? ["getpid", "ioctl"] : [])
        case .rlimit: ["prlimit64"]
        case .oomScoreAdjust: ["openat", "write"]
        case .ownStandardStreams: ["newfstatat", "fchownat"]
        case .boundingSet, .keepCapabilities, .ambient, .noNewPrivileges: ["prctl"]
        case .seccomp: ["seccomp"]
        case .awaitListener: ["read"]
        case .groups: ["setgroups"]
        case .gid: ["setresgid"]
        case .uid: ["setresuid"]
        case .capabilities: ["capset"]
        case .umask: ["umask"]
        case .resetSignals: ["rt_sigaction", "rt_sigprocmask"]
        case .workingDirectory: ["chdir", "getcwd"]
        case .exec: ["execve"]
        default: specialCalls
        }
    }
}
