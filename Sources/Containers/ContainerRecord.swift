internal import Cgroups
package import Launching
internal import Linux
internal import OCI

/// What a container's state directory says of it from the beginning, before anything else of it is made: all that it
/// will have outside, so that whoever finds its runtime dead can remove it. See ``Repair``.
package struct ContainerRecord: Hashable, Sendable {
    /// Who keeps the container.
    enum Life: String, Hashable, Sendable {
        /// The command that started it, which stays with it and holds the lock of its state directory: it ends with
        /// that command.
        case foreground
        /// Nobody: it was created for others to start, and stays until it is deleted, whoever dies.
        case detached
    }

    /// Of a detached container, what others are told of it.
    package struct Detached: Hashable, Sendable {
        /// Its first process, in the namespace of who created it, and when that began, so that it can be told from a
        /// later one of the same number. See `ProcessStatus`.
        var process: Int32
        var startTime: UInt64
        var ociVersion: String
        /// Absolute.
        var bundle: String
        var rootFileSystem: String
        /// RFC 3339.
        var created: String
        var annotations: [RuntimeSpec.Annotation]
        /// It has a session keyring of its own, and so has what is executed in it.
        var hasKeyring = true
        /// It has the default filter, and so has what is executed in it; else its configuration tells.
        var hasStandardFilter = false
    }

    let life: Life
    /// With the life `foreground`, the command's process; nil in a record that has no such member.
    let runtime: Int32?
    /// With the life `foreground`, the bundle and the file that the configuration was read from, absolute; nil: it was made
    /// of an image.
    package var bundle: String?
    package var configuration: String?
    /// There with the life `detached`.
    package private(set) var detached: Detached?
    /// Its group below each hierarchy; nil: it has none.
    package var cgroup: String?
    /// Directory trees of its own, absolute. Their names have the root's identifier in front.
    package var directories: [String]
    /// Directories of its own in the host's resctrl file system, below its mount point.
    var resctrl: [String]
    /// What is run once all of it is gone; nil: nothing.
    package var poststop: Poststop?

    /// Hooks that outlive their container, with what they are told of it.
    package struct Poststop: Hashable, Sendable {
        var hooks: Hooks
        var state: ContainerState

        /// Runs them, and tells which failed. `patience`: the most seconds that each has, with no heed to signals, where
        /// they are another command's.
        package func run(patience: Int? = nil) -> [HookFailure] {
            HookRunner(state, entry: nil, patience: patience).runPoststop(hooks[.poststop])
        }
    }

    package init(
        cgroup: String?, directories: [String] = [], resctrl: [String] = [], poststop: Poststop? = nil
    ) {
        self.poststop = poststop
        (life, runtime) = (.foreground, Identity.process)
        self.cgroup = cgroup
        self.directories = directories
        self.resctrl = resctrl
    }

    init(_ json: JSON) throws(JSONError) {
        let life = try json.required("life")
        guard let known = Life(rawValue: try life.string()) else { throw life.expected("a life that is known here") }
        self.life = known
        runtime = try json["runtime"]?.integer()
        if known == .foreground {
            bundle = try json["bundle"]?.string()
            configuration = try json["configuration"]?.string()
        }
        cgroup = try json["cgroup"]?.string()
        directories = try json.required("directories").strings()
        resctrl = try json["resctrl"]?.strings() ?? []
        if known == .detached { detached = try Detached(json) }
        if let object = json["poststop"] { poststop = try Poststop(object) }
    }

    /// The same container, which goes on alone.
    func detached(_ detached: Detached) -> ContainerRecord {
        var record = ContainerRecord(life: .detached, cgroup: cgroup, directories: directories, resctrl: resctrl)
        record.detached = detached
        record.poststop = poststop
        return record
    }

    private init(life: Life, cgroup: String?, directories: [String], resctrl: [String]) {
        self.life = life
        runtime = nil
        self.cgroup = cgroup
        self.directories = directories
        self.resctrl = resctrl
    }

    /// Its group by its path; nil: it has none, or the host has no cgroups.
    var group: Cgroup? {
        guard let cgroup, let layout = try? CgroupLayout.detect() else { return nil }
        return (try? CgroupPath(cgroup)).map { Cgroup($0, in: layout) }
    }

    /// How the text of each record begins.
    static let beginning = Array("{\"life\":".utf8)

    var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = []
        members.append(("life", .string(life.rawValue)))
        if let runtime { members.append(("runtime", .integer(Int64(runtime)))) }
        if let bundle { members.append(("bundle", .string(bundle))) }
        if let configuration { members.append(("configuration", .string(configuration))) }
        if let cgroup { members.append(("cgroup", .string(cgroup))) }
        members.append(("directories", .strings(directories)))
        if !resctrl.isEmpty { members.append(("resctrl", .strings(resctrl))) }
        if let detached { members += detached.members }
        if let poststop { members.append(("poststop", poststop.json)) }
        return .object(members)
    }
}

extension ContainerRecord.Poststop {
    fileprivate init(_ json: JSON) throws(JSONError) {
        let list = try json.required("hooks")
        do throws(SpecError) {
            guard let read = try Hooks.read(list) else { throw SpecError.json(list.expected("hooks")) }
            hooks = read
        } catch { throw JSONError(list.pointer, "\(error)") }
        state = try ContainerState(try json.required("state"))
    }

    fileprivate var json: JSON.Value {
        .object([("hooks", hooks.json), ("state", state.json(status: "stopped", process: nil))])
    }
}

extension ContainerRecord.Detached {
    fileprivate init(_ json: JSON) throws(JSONError) {
        process = try json.required("pid").integer()
        startTime = try json.required("startTime").integer()
        ociVersion = try json.required("ociVersion").string()
        bundle = try json.required("bundle").string()
        rootFileSystem = try json.required("rootfs").string()
        created = try json.required("created").string()
        hasKeyring = try json["keyring"]?.bool() ?? true
        hasStandardFilter = try json["standardFilter"]?.bool() ?? false
        annotations = []
        for (name, value) in try json.required("annotations").stringMap() {
            annotations.append(RuntimeSpec.Annotation(name: name, value: value))
        }
    }

    fileprivate var members: [(name: String, value: JSON.Value)] {
        [
            ("pid", .integer(Int64(process))), ("startTime", .unsigned(startTime)), ("ociVersion", .string(ociVersion)),
            ("bundle", .string(bundle)), ("rootfs", .string(rootFileSystem)), ("created", .string(created)),
            ("annotations", annotationsValue),
        ] + (hasKeyring ? [] : [("keyring", .bool(false))])
            + (hasStandardFilter ? [("standardFilter", .bool(true))] : [])
    }

    var annotationsValue: JSON.Value { .object(annotations.map { ($0.name, .string($0.value)) }) }
}

extension ContainerRecord {
    /// Kills what runs in the group of container `name`, and removes all that the record tells of. There need be nothing.
    /// Returns what is still there since nothing shows that it is the container's: nil, all is gone. With a group that
    /// stays the directories stay too, for what may run in it.
    func removeAll(of name: String, in root: RuntimeRoot.View) throws(ContainersError) -> String? {
        if let cgroup, try !removeGroup(cgroup, of: name, in: root) { return "cgroup \(cgroup)" }
        var left: String?
        do throws(SystemError) {
            if !resctrl.isEmpty { try removeResctrl() }
            for directory in directories {
                if root.owns(directory) {
                    try Descriptor.workingDirectory.removeTree(directory)
                } else if try Descriptor.workingDirectory.exists(directory) {
                    left = directory
                }
            }
        } catch { throw .state(error) }
        return left
    }

    private func removeResctrl() throws(SystemError) {
        let tree: ResctrlTree
        do throws(SystemError) { tree = try ResctrlTree.detect() } catch {
            // It is not mounted any more, and what was in it is gone.
            if error.code == .ENOENT || error.code == .ENODEV { return }
            throw error
        }
        try tree.remove(resctrl)
    }

    /// False: the group is there and is left to others.
    private func removeGroup(_ text: String, of name: String, in root: RuntimeRoot.View) throws(ContainersError)
        -> Bool
    {
        do throws(CgroupError) {
            let group = Cgroup(try CgroupPath(text), in: try CgroupLayout.detect())
            return try group.removeLeftover(of: root.mark(of: name, cgroup: text))
        } catch {
            if case .notMounted = error { return true }
            throw .cgroup(error)
        }
    }
}
