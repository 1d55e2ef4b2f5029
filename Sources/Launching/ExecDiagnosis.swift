internal import Glibc
package import Linux

/// Why a command could not be executed, found by looking at the file through the container's root: the kernel has one
/// ENOENT for five different mistakes.
package enum ExecDiagnosis: Hashable, Sendable {
    /// No directory of PATH has it.
    case notInPath(searched: [String])
    case noSuchFile
    /// What should be a directory on the way is none.
    case noDirectory(component: String)
    case isDirectory
    /// A script whose first line names a program that is not there.
    case missingInterpreter(String)
    /// A script whose interpreter is there, and can't be executed.
    case uselessInterpreter(String)
    /// A script whose interpreter is a script, and so on, or itself.
    case nestedInterpreters(String)
    /// A script whose first line ends in CR.
    case carriageReturn(interpreter: String)
    /// A program whose dynamic loader is not there.
    case missingLoader(String)
    /// A program for another machine; both by their ELF names.
    case wrongArchitecture(program: String, host: String)
    /// An ELF file that the kernel does not take.
    case damagedProgram
    /// A device, a FIFO, a socket.
    case notRegular
    /// No ELF file and no script.
    case unknownFormat
    case notExecutable
    /// A directory on the way that the user may not search.
    case noSearchPermission(component: String)
    case noexecMount
    /// The configuration has none.
    case noProcess
    case other

    /// Whether the shell would say 127.
    package var isMissing: Bool {
        switch self {
        case .notInPath, .noSuchFile, .noDirectory: true
        default: false
        }
    }

    private func otherHint(_ code: Errno) -> String? {
        switch code {
        case .EPERM: "a seccomp profile must allow execve(2)"
        case .E2BIG: "an argument or a variable may have 128 KiB, all of them together a quarter of the stack's limit"
        default: nil
        }
    }

    /// The whole message. Engines look for "executable file not found", "no such file or directory" and "permission
    /// denied" in it.
    package func sentence(command: String, code: Errno) -> String {
        let start = "exec \"\(command)\""
        switch self {
        case .notInPath(let searched):
            return "\(start): executable file not found in $PATH (searched \(searched.joined(separator: ":")))"
        case .noSuchFile:
            return "\(start): no such file or directory"
                + (command == "/bin/sh"
                    ? "\n  hint: the image has no shell; what stands behind -- is executed without one" : "")
        case .noDirectory(let component):
            return "\(start): no such file or directory: \"\(component)\" is not a directory"
        case .isDirectory: return "\(start): permission denied: is a directory"
        case .missingInterpreter(let path):
            return "\(start): no such file or directory: the script's interpreter \"\(path)\" is not in the image"
        case .uselessInterpreter(let path):
            return "\(start): permission denied: the script's interpreter \"\(path)\" can't be executed by this user"
        case .nestedInterpreters(let path):
            return "\(start): the script's interpreter \"\(path)\" is a script that needs one itself, too often"
        case .carriageReturn(let path):
            return "\(start): no such file or directory: the script's first line ends in a carriage return "
                + "(\"\(path)\\r\")\n  hint: it was saved with Windows line ends; dos2unix mends it"
        case .missingLoader(let path):
            return "\(start): no such file or directory: the program's loader \"\(path)\" is not in the image"
                + "\n  hint: it was linked for another C library, or the image has none"
        case .wrongArchitecture(let program, let host):
            return "\(start): exec format error: the program is for \(program), this machine is \(host)"
                + "\n  hint: register qemu-user for it (binfmt_misc, with the F flag); `make run` does, and "
                + "Debian's qemu-user-static with systemd"
        case .damagedProgram: return "\(start): exec format error: the program is damaged or cut off"
        case .notRegular: return "\(start): permission denied: it is not a regular file"
        case .unknownFormat:
            return "\(start): exec format error: neither a program nor a script with #!"
        case .notExecutable: return "\(start): permission denied: the file has no execute bit for this user"
        case .noSearchPermission(let component):
            return "\(start): permission denied: this user may not search \"\(component)\""
        case .noProcess: return "the configuration has no process: there is nothing to start"
        case .noexecMount: return "\(start): permission denied: it lies on a mount with noexec"
        case .other:
            return "\(start): \(code.words) (\(code.name))"
                + (otherHint(code).map { "\n  hint: \($0)" } ?? "")
        }
    }
}

extension ExecDiagnosis {
    /// Looks for the reason of `code`. `root` is the container's root directory; `candidates` the paths that were
    /// tried, of which the last one's error it is; `uid` and `groups` whose rights counted.
    static func of(
        _ code: Errno, command: String, candidates: [String], in root: Descriptor, uid: UInt32, groups: [UInt32]
    ) -> ExecDiagnosis {
        let searched = !command.utf8.contains(UInt8(ascii: "/"))
        var first: ExecDiagnosis?
        for path in candidates {
            guard let file = try? root.openInRoot(path, O_PATH) else {
                if !searched { return missing(path, in: root, uid: uid, groups: groups, code) }
                continue
            }
            let diagnosis = look(at: file.view, path: path, code, in: root, uid: uid, groups: groups)
            if diagnosis != .other { return diagnosis }
            first = first ?? diagnosis
        }
        if searched, first == nil, code == .ENOENT || code == .ENOTDIR || code == .EACCES {
            return .notInPath(
                searched: candidates.map { String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex)) })
        }
        return first ?? .other
    }

    private static func missing(
        _ path: String, in root: Descriptor, uid: UInt32, groups: [UInt32], _ code: Errno
    ) -> ExecDiagnosis {
        if code == .EACCES, let component = unsearchable(path, in: root, uid: uid, groups: groups) {
            return .noSearchPermission(component: component)
        }
        if code == .ENOTDIR, let component = noDirectory(path, in: root) { return .noDirectory(component: component) }
        return code == .ENOENT || code == .ENOTDIR ? .noSuchFile : .other
    }

    /// The first part of `path` before its last that is no directory.
    private static func noDirectory(_ path: String, in root: Descriptor) -> String? {
        var prefix = ""
        for component in path.split(separator: "/").dropLast() {
            prefix += "/" + component
            guard let file = try? root.openInRoot(prefix, O_PATH), let status = try? file.view.status() else {
                return nil
            }
            if !status.isDirectory { return prefix }
        }
        return nil
    }

    private static func look(
        at file: Descriptor, path: String, _ code: Errno, in root: Descriptor, uid: UInt32, groups: [UInt32]
    ) -> ExecDiagnosis {
        guard let status = try? file.status() else { return .other }
        if status.isDirectory { return .isDirectory }
        if code == .EACCES {
            if let component = unsearchable(path, in: root, uid: uid, groups: groups) {
                return .noSearchPermission(component: component)
            }
            if !status.isRegular { return .notRegular }
            if !permits(status, bit: 0o1, uid: uid, groups: groups) { return .notExecutable }
            if (try? file.mountIsNoexec()) == true { return .noexecMount }
        }
        guard status.isRegular, let readable = try? root.openInRoot(path, O_RDONLY | O_NONBLOCK) else { return .other }
        var head = [UInt8](repeating: 0, count: 4096)
        let read: Int = head.withUnsafeMutableBytes { buffer in (try? readable.view.read(into: buffer)) ?? 0 }
        let bytes = Array(head.prefix(read))
        if bytes.starts(with: [0x23, 0x21]) { return script(bytes, code, in: root) ?? .other }
        if bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) {
            return program(bytes, in: root) ?? (code == .ENOEXEC ? .damagedProgram : .other)
        }
        return code == .ENOEXEC ? .unknownFormat : .other
    }

    private static func script(_ bytes: [UInt8], _ code: Errno, in root: Descriptor) -> ExecDiagnosis? {
        let line = bytes.dropFirst(2).prefix { $0 != 10 }
        let words = line.split { $0 == 32 || $0 == 9 }
        guard let name = words.first else { return .unknownFormat }
        if name.last == 13 { return .carriageReturn(interpreter: String(decoding: name.dropLast(), as: UTF8.self)) }
        let path = String(decoding: name, as: UTF8.self)
        if (try? root.openInRoot(path, O_PATH)) == nil { return .missingInterpreter(path) }
        return code == .EACCES ? .uselessInterpreter(path) : code == .ELOOP ? .nestedInterpreters(path) : nil
    }

    private static func program(_ bytes: [UInt8], in root: Descriptor) -> ExecDiagnosis? {
        guard bytes.count >= 64 else { return .damagedProgram }
        func number(_ at: Int, _ width: Int) -> Int {
            guard at >= 0, at <= bytes.count - width else { return 0 }
            return (0..<width).reduce(0) { $0 | Int(bytes[at + $1]) << ($1 * 8) }
        }
        let machine = number(18, 2)
        if machine != hostMachine {
            return .wrongArchitecture(program: machineName(machine), host: machineName(hostMachine))
        }
        guard bytes[4] == 2 else { return nil }
        let table = number(32, 8), size = number(54, 2), count = number(56, 2)
        guard (0..<bytes.count).contains(table) else { return nil }
        for i in 0..<min(count, 64) {
            let at = table + i * size
            guard number(at, 4) == 3 else { continue }  // PT_INTERP
            let offset = number(at + 8, 8)
            guard offset > 0, offset < bytes.count else { return nil }
            let loader = String(decoding: bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
            return (try? root.openInRoot(loader, O_PATH)) == nil ? .missingLoader(loader) : nil
        }
        return nil
    }

    #if arch(x86_64)
        private static let hostMachine = 62
    #else
        private static let hostMachine = 183
    #endif

    private static func machineName(_ machine: Int) -> String {
        switch machine {
        case 3: "i386"
        case 40: "arm"
        case 62: "x86-64"
        case 183: "arm64"
        case 243: "riscv64"
        case 21: "ppc64le"
        case 22: "s390x"
        default: "ELF machine \(machine)"
        }
    }

    /// The first directory of `path` that the user may not search, nil if there is none.
    private static func unsearchable(_ path: String, in root: Descriptor, uid: UInt32, groups: [UInt32]) -> String? {
        var prefix = ""
        for component in path.split(separator: "/").dropLast() {
            prefix += "/" + component
            guard let directory = try? root.openInRoot(prefix, O_PATH), let status = try? directory.view.status() else {
                return nil
            }
            if status.isDirectory, !permits(status, bit: 0o1, uid: uid, groups: groups) { return prefix }
        }
        return nil
    }

    private static func permits(_ status: FileStatus, bit: UInt32, uid: UInt32, groups: [UInt32]) -> Bool {
        if uid == 0 { return status.isDirectory || status.mode & 0o111 != 0 }
        if status.owner == uid { return status.mode >> 6 & bit != 0 }
        if groups.contains(status.group) { return status.mode >> 3 & bit != 0 }
        return status.mode & bit != 0
    }
}
