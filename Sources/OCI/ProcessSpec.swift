/// The container's process: config.md, "Process".
package struct ProcessSpec: Hashable, Sendable {
    package var terminal = false
    /// Of the terminal; nil: as it comes.
    package var consoleSize: TerminalSize?
    package var user = User()
    package var args: [String] = []
    /// `NAME=VALUE`.
    package var env: [String] = []
    package var cwd = "/"
    /// nil: the configuration says nothing of capabilities, and the process has none.
    package var capabilities: Capabilities?
    package var rlimits: [ResourceLimitSpec] = []
    package var noNewPrivileges = false
    package var oomScoreAdj: Int?
    /// What few configurations have; nil: none of it.
    package var settings: ProcessSettings?

    package init() {}

    /// A process whose command is empty, which can't be executed.
    package static var nothing: ProcessSpec {
        var process = ProcessSpec()
        process.args = [""]
        return process
    }

    /// In characters, as `struct winsize` of ioctl_tty(2) has it.
    package struct TerminalSize: Hashable, Sendable {
        package var rows: UInt16
        package var columns: UInt16

        package init(rows: UInt16, columns: UInt16) {
            self.rows = rows
            self.columns = columns
        }
    }

    package struct User: Hashable, Sendable {
        package var uid: UInt32 = 0
        package var gid: UInt32 = 0
        package var umask: UInt32?
        package var additionalGids: [UInt32] = []
        package init() {}
    }

    /// The five sets of capabilities(7), by name.
    package struct Capabilities: Hashable, Sendable {
        package var bounding: [String] = []
        package var effective: [String] = []
        package var inheritable: [String] = []
        package var permitted: [String] = []
        package var ambient: [String] = []
        package init() {}
    }

    /// A limit of getrlimit(2).
    package struct ResourceLimitSpec: Hashable, Sendable {
        /// `RLIMIT_*`.
        package var type: String
        package var soft: UInt64
        package var hard: UInt64
    }
}

extension ProcessSpec {
    /// Reads the object `json`: /process of a configuration, or a file for `exec`.
    package init(_ json: JSON) throws(SpecError) {
        do throws(JSONError) {
            terminal = try json["terminal"]?.bool() ?? false
            if terminal, let size = json["consoleSize"] {
                consoleSize = TerminalSize(
                    rows: try size.required("height").integer(), columns: try size.required("width").integer())
            }
            user = try User(json["user"])
            args = try json["args"]?.strings() ?? []
            env = try json["env"]?.strings() ?? []
            cwd = try json.required("cwd").string()
            if let object = json["capabilities"] { capabilities = try Capabilities(object) }
            for item in try json["rlimits"]?.items() ?? [] {
                rlimits.append(
                    ResourceLimitSpec(
                        type: try item.required("type").string(), soft: try item.required("soft").limit(),
                        hard: try item.required("hard").limit()))
            }
            noNewPrivileges = try json["noNewPrivileges"]?.bool() ?? false
            oomScoreAdj = try json["oomScoreAdj"]?.integer()
            settings = try ProcessSettings(of: json)
        } catch { throw .json(error) }
        try check(json)
    }

    private func check(_ json: JSON) throws(SpecError) {
        let at = json.pointer
        guard cwd.hasPrefix("/") else { throw .invalid(pointer: at + "/cwd", rule: "'\(cwd)' is not absolute") }
        guard let first = args.first, !first.isEmpty else {
            throw .invalid(pointer: at + "/args", rule: "the command is empty")
        }
        for (i, entry) in env.enumerated() where !entry.contains("=") {
            throw .invalid(pointer: at + "/env/\(i)", rule: "'\(entry)' is not NAME=VALUE")
        }
        // The kernel has 16: where there are many more, the names are not its own, and one of them is refused later.
        for (i, limit) in rlimits.enumerated() {
            guard limit.soft <= limit.hard else {
                throw .invalid(pointer: at + "/rlimits/\(i)", rule: "soft \(limit.soft) is above hard \(limit.hard)")
            }
            guard !rlimits[..<min(i, 64)].contains(where: { $0.type == limit.type }) else {
                throw .invalid(pointer: at + "/rlimits/\(i)", rule: "\(limit.type) stands twice")
            }
        }
        if let score = oomScoreAdj, !(-1000...1000).contains(score) {
            throw .invalid(pointer: at + "/oomScoreAdj", rule: "\(score) is not from -1000 to 1000")
        }
    }
}

extension ProcessSpec.User {
    fileprivate init(_ json: JSON?) throws(JSONError) {
        guard let json else { return }
        _ = try json.members()
        uid = try json["uid"]?.identity() ?? 0
        gid = try json["gid"]?.identity() ?? 0
        umask = try json["umask"]?.integer()
        for item in try json["additionalGids"]?.items() ?? [] { additionalGids.append(try item.identity()) }
    }
}

extension ProcessSpec.Capabilities {
    fileprivate init(_ json: JSON) throws(JSONError) {
        bounding = try json["bounding"]?.strings() ?? []
        effective = try json["effective"]?.strings() ?? []
        inheritable = try json["inheritable"]?.strings() ?? []
        permitted = try json["permitted"]?.strings() ?? []
        ambient = try json["ambient"]?.strings() ?? []
    }
}

extension JSON {
    /// A user or group number. 4294967295 is none: to the kernel it means "unchanged", and the caller is root.
    fileprivate func identity() throws(JSONError) -> UInt32 {
        let number = try integer(Int64.self)
        guard (0..<Int64(UInt32.max)).contains(number) else {
            throw JSONError(pointer, "\(number) is not from 0 to \(UInt32.max - 1)")
        }
        return UInt32(number)
    }

    /// A resource limit: an unsigned 64-bit number, RLIM_INFINITY also written as -1.
    fileprivate func limit() throws(JSONError) -> UInt64 {
        let number = try integer(Int64.self)
        if number == -1 { return .max }
        guard number >= 0 else { throw JSONError(pointer, "\(number) is no limit") }
        return UInt64(number)
    }
}
