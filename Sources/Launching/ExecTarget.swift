internal import Glibc
internal import Linux
internal import OCI
internal import Planning

/// What a plan executes, and whose rights count then: all that is needed to say why it can't be.
struct ExecTarget: Hashable, Sendable {
    let command: String
    /// The paths that are tried, from the working directory.
    let candidates: [String]
    private let directory: String
    let uid: UInt32
    let groups: [UInt32]

    init(_ plan: LaunchPlan) {
        var uid: UInt32 = 0, groups: [UInt32] = [], directory = "/"
        for step in plan.child {
            switch step {
            case .uid(let number): uid = number
            case .gid(let number): groups.append(number)
            case .groups(let list): groups += list
            case .workingDirectory(let path): directory = path
            default: break
            }
        }
        self.uid = uid
        self.groups = groups
        self.directory = directory
        guard case .exec(let arguments, _, let paths) = plan.child.last else {
            (command, candidates) = ("", [])
            return
        }
        command = arguments.first ?? ""
        candidates = paths
    }

    /// Absolute inside the root.
    private var paths: [String] { candidates.map { $0.hasPrefix("/") ? $0 : directory + "/" + $0 } }

    /// Why the kernel refused with `code`; the files are looked up in `root`.
    func diagnosis(_ code: Errno, in root: Descriptor) -> ExecDiagnosis {
        if command.isEmpty { return .noProcess }
        let found = ExecDiagnosis.of(code, command: command, candidates: paths, in: root, uid: uid, groups: groups)
        guard case .notInPath = found else { return found }
        // As PATH has it.
        return .notInPath(searched: candidates.map { String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex)) })
    }

    /// What is clear before it is tried: there is no such file, or none that anybody may execute. nil: it may work.
    func refusal(in root: Descriptor) -> (ExecDiagnosis, Errno)? {
        if command.isEmpty { return nil }
        var found: ExecDiagnosis?
        for path in paths {
            guard let file = try? root.openInRoot(path, O_PATH), let status = try? file.view.status() else { continue }
            if status.isRegular, status.mode & 0o111 != 0 { return nil }
            found = found ?? (status.isDirectory ? .isDirectory : status.isRegular ? .notExecutable : .notRegular)
        }
        if let found { return (found, .EACCES) }
        let missing = diagnosis(.ENOENT, in: root)
        return missing.isMissing ? (missing, .ENOENT) : nil
    }
}

extension ExecTarget {
    init(_ json: JSON) throws(JSONError) {
        command = try json.required("command").string()
        candidates = try json.required("candidates").strings()
        directory = try json.required("directory").string()
        uid = try json.required("uid").integer()
        var groups: [UInt32] = []
        for item in try json.required("groups").items() { groups.append(try item.integer()) }
        self.groups = groups
    }

    var json: JSON.Value {
        .object([
            ("command", .string(command)), ("candidates", .strings(candidates)), ("directory", .string(directory)),
            ("uid", .integer(Int64(uid))), ("groups", .array(groups.map { .integer(Int64($0)) })),
        ])
    }
}
