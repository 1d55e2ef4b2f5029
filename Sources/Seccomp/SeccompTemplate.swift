package import OCI

/// A profile in the form that Docker and podman keep theirs in: rules with `includes` and `excludes`, of which those stay
/// that suit the container's capabilities, the architecture and the kernel. A profile of the runtime specification is
/// such a template too, one without conditions.
package struct SeccompTemplate: Sendable {
    /// What a template is resolved for.
    package struct Target: Hashable, Sendable {
        /// The bounding set, `CAP_SYS_ADMIN`.
        package let capabilities: Set<String>
        /// That of the kernel that filters.
        package let architecture: SeccompArchitecture
        /// The kernel's version, 6.18.
        package let kernel: (major: Int, minor: Int)

        /// Puts the parts together.
        package init(
            capabilities: Set<String>, architecture: SeccompArchitecture = .native, kernel: (major: Int, minor: Int)
        ) {
            self.capabilities = capabilities
            self.architecture = architecture
            self.kernel = kernel
        }

        package static func == (a: Target, b: Target) -> Bool {
            a.capabilities == b.capabilities && a.architecture == b.architecture && a.kernel == b.kernel
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(capabilities)
            hasher.combine(architecture)
            hasher.combine(kernel.major)
            hasher.combine(kernel.minor)
        }
    }

    /// `includes` and `excludes` of a rule. What is absent or empty says nothing.
    private struct Condition {
        var architectures: [String] = []
        var capabilities: [String] = []
        var minimumKernel: (major: Int, minor: Int)?

        init() {}

        init(_ json: JSON) throws(JSONError) {
            for (name, value) in try json.members() {
                switch name {
                case "arches": architectures = try value.strings()
                case "caps": capabilities = try value.strings()
                case "minKernel": minimumKernel = try SeccompTemplate.version(value)
                default: throw JSONError(value.pointer, "unknown condition")
                }
            }
        }

        /// Includes: the architecture is one of those, all capabilities are there, the kernel is new enough.
        func admits(_ target: Target) -> Bool {
            if !architectures.isEmpty, !architectures.contains(target.architecture.templateName) { return false }
            if !capabilities.allSatisfy(target.capabilities.contains) { return false }
            if let minimumKernel, target.kernel < minimumKernel { return false }
            return true
        }

        /// Excludes: one of them is enough.
        func rejects(_ target: Target) -> Bool {
            if architectures.contains(target.architecture.templateName) { return true }
            if capabilities.contains(where: target.capabilities.contains) { return true }
            if let minimumKernel, target.kernel >= minimumKernel { return true }
            return false
        }
    }

    private let base: LinuxSeccomp
    private let architectureMap: [(name: String, others: [String])]
    private let conditions: [(includes: Condition, excludes: Condition)]

    /// Reads a template's JSON text in UTF-8.
    package init(parsing bytes: [UInt8]) throws(SeccompError) {
        do throws(JSONError) { try self.init(JSON(parsing: bytes)) } catch { throw .template(error) }
    }

    /// Reads a template.
    package init(_ json: JSON) throws(JSONError) {
        var map: [(name: String, others: [String])] = []
        if let entries = json["archMap"] {
            if let listed = json["architectures"], try !listed.items().isEmpty {
                throw JSONError(listed.pointer, "architectures and archMap can't stand together")
            }
            for entry in try entries.items() {
                let others: [String] = try entry["subArchitectures"]?.strings() ?? []
                map.append((try entry.required("architecture").string(), others))
            }
        }
        architectureMap = map
        var conditions: [(includes: Condition, excludes: Condition)] = []
        if let syscalls = json["syscalls"] {
            for syscall in try syscalls.items() {
                var pair = (includes: Condition(), excludes: Condition())
                if let includes = syscall["includes"] { pair.includes = try Condition(includes) }
                if let excludes = syscall["excludes"] { pair.excludes = try Condition(excludes) }
                conditions.append(pair)
            }
        }
        self.conditions = conditions
        base = try LinuxSeccomp(json)
    }

    /// The profile for `target`.
    package func resolved(for target: Target) -> LinuxSeccomp {
        var profile = base
        for entry in architectureMap where SeccompArchitecture(name: entry.name) == target.architecture {
            profile.architectures = [entry.name] + entry.others
        }
        profile.syscalls = zip(base.syscalls, conditions).compactMap { syscall, condition in
            condition.includes.admits(target) && !condition.excludes.rejects(target) ? syscall : nil
        }
        return profile
    }

    private static func version(_ json: JSON) throws(JSONError) -> (major: Int, minor: Int) {
        let parts = try json.string().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]) else {
            throw JSONError(json.pointer, "expected a kernel version such as 4.8")
        }
        return (major, minor)
    }
}
