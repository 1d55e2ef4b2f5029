/// A system call filter as the configuration describes it: config-linux.md, "Seccomp".
package struct LinuxSeccomp: Hashable, Sendable {
    /// A condition on one argument of a call.
    package struct Argument: Hashable, Sendable {
        /// From 0.
        package var index: UInt32
        package var value: UInt64
        /// The mask's second operand, with `SCMP_CMP_MASKED_EQ`.
        package var valueTwo: UInt64
        /// `SCMP_CMP_*`.
        package var op: String

        package init(index: UInt32, value: UInt64, valueTwo: UInt64 = 0, op: String) {
            self.index = index
            self.value = value
            self.valueTwo = valueTwo
            self.op = op
        }
    }

    /// What happens to some calls.
    package struct Syscall: Hashable, Sendable {
        package var names: [String]
        /// `SCMP_ACT_*`.
        package var action: String
        package var errnoRet: UInt32?
        package var args: [Argument]

        package init(names: [String], action: String, errnoRet: UInt32? = nil, args: [Argument] = []) {
            self.names = names
            self.action = action
            self.errnoRet = errnoRet
            self.args = args
        }
    }

    /// `SCMP_ACT_*` for every call without a rule.
    package var defaultAction: String
    package var defaultErrnoRet: UInt32?
    /// `SCMP_ARCH_*`; none: the host's own.
    package var architectures: [String] = []
    /// `SECCOMP_FILTER_FLAG_*`.
    package var flags: [String] = []
    package var listenerPath: String?
    package var listenerMetadata: String?
    package var syscalls: [Syscall] = []

    package init(defaultAction: String, defaultErrnoRet: UInt32? = nil) {
        self.defaultAction = defaultAction
        self.defaultErrnoRet = defaultErrnoRet
    }
}

extension LinuxSeccomp {
    /// Reads the object `json`.
    package init(_ json: JSON) throws(JSONError) {
        self.init(
            defaultAction: try json.required("defaultAction").string(),
            defaultErrnoRet: try json["defaultErrnoRet"]?.integer())
        architectures = try json["architectures"]?.strings() ?? []
        flags = try json["flags"]?.strings() ?? []
        listenerPath = try json["listenerPath"]?.string()
        listenerMetadata = try json["listenerMetadata"]?.string()
        if let metadata = json["listenerMetadata"], listenerPath ?? "" == "", try metadata.string() != "" {
            throw JSONError(metadata.pointer, "it is for a listener, and there is no listenerPath")
        }
        for item in try json["syscalls"]?.items() ?? [] { syscalls.append(try Syscall(item)) }
    }
}

extension LinuxSeccomp.Syscall {
    fileprivate init(_ json: JSON) throws(JSONError) {
        self.init(
            names: try json.required("names").strings(), action: try json.required("action").string(),
            errnoRet: try json["errnoRet"]?.integer())
        for item in try json["args"]?.items() ?? [] {
            args.append(
                .init(
                    index: try item.required("index").integer(), value: try item.required("value").integer(),
                    valueTwo: try item["valueTwo"]?.integer() ?? 0, op: try item.required("op").string()))
        }
    }
}
