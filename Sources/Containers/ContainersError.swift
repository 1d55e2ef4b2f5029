package import Cgroups
package import Launching
package import Linux
package import OCI
package import Planning
package import Seccomp

/// Why a container could not be run.
package enum ContainersError: Error {
    case invalidIdentifier(String)
    case identifierInUse(String, root: String)
    /// The bundle's configuration can't be read.
    case configuration(path: String, SystemError)
    case json(path: String, JSONError)
    case spec(path: String, SpecError)
    case planning(path: String, PlanningError)
    case rootFileSystem(path: String, SystemError)
    case seccomp(SeccompError)
    case cgroup(CgroupError)
    case launch(LaunchError)
    /// There is no container of that name.
    case noContainer(String)
    /// Another command does something with it, and does not end.
    case busy(String)
    /// It is not in the state that what was asked needs.
    case wrongStatus(String, ContainerStatus, cannot: String)
    case pidFile(SystemError)
    /// A terminal that nobody would take.
    case noConsoleSocket
    /// `--console-socket` without a terminal.
    case noTerminal
    /// The socket of an option can't be connected to, or took nothing.
    case socket(option: String, path: String, SystemError)
    /// Between the caller's terminal and the container's.
    case terminal(SystemError)
    /// A descriptor of `--preserve-fds N` or LISTEN_FDS that is not open.
    case notInherited(Int32, by: String)
    /// It was made of an image, and there is no configuration.
    case notCreated(String)
    /// A file that an option names: `--process`.
    case file(option: String, path: String, SystemError)
    /// Of the start.
    case hook(HookFailure)
    /// A signal came before the container was started.
    case calledOff
    case state(SystemError)
    /// What a dead container's record tells of is there, and nothing shows that it is this root's.
    case notOfThisRoot(String)
}

extension ContainersError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalidIdentifier(let text):
            "container id '\(text)': 1 to 200 letters, digits and _ + - . are allowed, and not '.' or '..'"
        case .identifierInUse(let text, let root):
            "container id '\(text)' is in use\n"
                + "  hint: choose another, or remove it: perigee delete; its state is in \(root)/\(text)"
        case .configuration(let path, let error):
            switch error.code {
            case .ENOENT: "no configuration: \(path): \(error.code.words)\n  hint: `perigee spec` writes one"
            case .EINVAL: "\(path) is not a regular file"
            case .EFBIG: "\(path) is larger than \(Bundle.limit >> 20) MiB"
            default: "\(path): \(error)"
            }
        case .json(let path, let error): "\(path): \(error)"
        case .spec(let path, let error): "\(path): \(error)"
        case .planning(let path, let error): path.isEmpty ? "\(error)" : "\(path): \(error)"
        case .rootFileSystem(let path, let error):
            "root file system \(path): \(error)"
                + (error.code == .ENOENT || error.code == .ENOTDIR
                    ? "\n  hint: /root/path of config.json names the directory; `perigee image unpack` fills one" : "")
        case .seccomp(let error): "\(error)"
        case .cgroup(let error): "\(error)"
        case .launch(let error): "\(error)"
        case .noContainer(let text):
            "container '\(text)' does not exist\n  hint: perigee list shows those of this --root"
        case .busy(let text):
            "container '\(text)' is busy: another command starts, changes or removes it\n"
                + "  hint: `perigee kill` and `perigee delete --force` do not wait for that"
        case .wrongStatus(let text, let status, let verb):
            switch verb {
            // The words that containerd looks for.
            case "kill": "cannot kill container '\(text)': container not running"
            case "delete":
                "cannot delete container '\(text)' that is not stopped: it is \(status.rawValue)\n"
                    + "  hint: `perigee kill` ends it; `perigee delete --force` does both"
            default: "cannot \(verb) container '\(text)': it is \(status.rawValue)"
            }
        case .notCreated(let text):
            "container '\(text)' was made of an image: there is no configuration to execute a process by"
        case .file(let option, let path, let error): "\(option) \(path): \(error)"
        case .pidFile(let error): "--pid-file: \(error)"
        case .noConsoleSocket:
            "the process has a terminal (/process/terminal is true), and there is nobody to take its other end"
                + "\n  hint: --console-socket PATH names an AF_UNIX stream socket; `run` and `exec` that stay need none"
        case .noTerminal:
            "--console-socket: the process has no terminal\n  hint: /process/terminal of config.json gives it one"
        case .socket(let option, let path, let error):
            "\(option) \(path): \(error)\n  hint: it must be an AF_UNIX stream socket that somebody listens at"
        case .terminal(let error): "the container's terminal: \(error)"
        case .notInherited(let number, let source): "\(source): descriptor \(number) is not open"
        case .hook(let failure): "\(failure)"
        case .calledOff: "called off by a signal, before the container was started"
        case .notOfThisRoot(let what):
            "\(what) is still there, and not known as of a container of this root\n"
                + "  hint: if it is one's, use --root as when it was started, else end and remove it"
        case .state(let error):
            "state directory: \(error)"
                + (ContainersError.remedy(for: error).map { "\n  hint: \($0)" } ?? "")
        }
    }

    private static func remedy(for error: SystemError) -> String? {
        switch error.code {
        case .EACCES where Identity.effectiveUser != 0, .EPERM where Identity.effectiveUser != 0:
            "perigee needs root: sudo perigee ..."
        case .EACCES, .EPERM, .ENOTDIR, .EROFS, .ENOENT:
            "--root names the directory; it must be one that can be written"
        case .ENOSPC: "the file system of --root is full"
        case .ENOTEMPTY: "--root names a directory of perigee's own: a new one, or an empty one"
        default: nil
        }
    }

    /// As the shell and engines expect it: 127 and 126 for a command that can't be executed, 125 for the rest.
    package var exitStatus: Int32 {
        if case .launch(let error) = self { return error.exitStatus }
        return 125
    }
}
