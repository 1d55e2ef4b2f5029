internal import Containers
internal import Linux
internal import OCI

/// What a pod was asked to be, as it was accepted. It is written once, into the pod's directory.
package struct PodRecord: Hashable, Sendable {
    /// `TENANT-NAME-` and eight hexadecimal digits: the pod's directory, and its container's name.
    package var id: String
    package var name: String
    /// All that came with it in one submission replace those before, and not each other.
    package var submission: String
    /// Image, command, volume, limits; `timeout` is the run deadline, from the command's start.
    package var request: PodRequest
    /// The task that it is of, and what that is called for people; nil: it was run by hand.
    package var task: String?
    /// The node that it runs on; nil: none, and it gets nothing of one.
    package var node: String?
    /// Which of the steps of its submission it is of, from 0.
    package var step = 0
    /// The pods of the step before, for whose end it waits.
    package var after: [Predecessor] = []
    /// Others wait for its end.
    package var hasSuccessors = false
    /// The file that says what the node has; nil: the standard one, if there is any.
    var configuration: String?
    /// The tenant's limit of runtime comes before the task's; then this is what the end is told with.
    package var runtimeLimit: String?
    /// How long it may do nothing, in milliseconds; nil: as long as it likes.
    package var idleTimeout: UInt64?
    /// From the acceptance until it must run, in milliseconds.
    package var startGrace: UInt64
    /// From the stop signal to KILL, in milliseconds.
    package var terminationGrace: UInt64
    /// What its log may have, in bytes; nil: any number.
    package var logSize: Int64?
    /// Its tenant's pods run beside each other: it replaces the one of its own name alone.
    package var isParallel = false
    /// The command has an init as its parent.
    package var hasInit: Bool
    /// Which of the Pods of the file `manifest` in its directory it is, from 0; nil: it is a pod of one container.
    var manifest: Int?
    /// When it was accepted: nanoseconds since 1970, and of CLOCK_BOOTTIME in this boot.
    package var acceptedAt: UInt64
    package var acceptedBoot: UInt64
    package var bootID: String

    /// A pod that is accepted now, with what the tenant's limits say of it; `submission` is what it comes with.
    package static func accepted(
        _ name: String, _ request: PodRequest, _ tenant: Tenant, submission: String? = nil
    ) throws(PodsError) -> PodRecord {
        _ = try Volume(tenant: request.tenant, name: request.volume)
        do throws(SystemError) {
            return try PodRecord(name, request, tenant.limits, submission ?? ContainerIdentifier.random().text)
        } catch { throw .pods(error) }
    }

    /// Has it run on the node that `text` names, or on the default one. That the node has nothing for it now is no error: it
    /// waits.
    package mutating func place(
        on text: String?, _ configuration: Configuration, task: String? = nil
    ) throws(PodsError) {
        node = try configuration.node(text, task: task).name.rawValue
        if configuration.isPresent {
            do throws(SystemError) { self.configuration = try AbsolutePath.of(configuration.path) } catch {
                throw .pods(error)
            }
        }
    }

    private init(
        _ name: String, _ request: PodRequest, _ limits: Limits, _ submission: String
    ) throws(SystemError) {
        self.name = name
        self.submission = submission
        var request = request
        request.memory = request.memory ?? limits.memory
        request.cpus = request.cpus ?? limits.cpus
        request.pids = request.pids ?? limits.pids
        request.writableLayer = request.writableLayer ?? limits.writableLayer
        if let most = limits.maximumRuntime, most < request.timeout ?? UInt64.max {
            request.timeout = most
            runtimeLimit = limits.maximumRuntimeMessage
        }
        self.request = request
        id = "\(request.tenant)-\(name)-\(ContainerIdentifier.random().text.prefix(8))"
        let grace = UInt64(clamping: limits.grace) * 1000
        logSize = limits.logSize
        idleTimeout = request.workspace == nil ? nil : limits.idleTimeout
        terminationGrace = UInt64(clamping: limits.terminationGrace) * 1000
        isParallel = limits.mode == .parallel
        startGrace = grace - min(grace, terminationGrace)
        hasInit = true
        acceptedAt = Clock.wall()
        acceptedBoot = Clock.boot()
        bootID = try Boot.identifier()
    }

    /// Whether its submission came before that of `other`, in the boot `boot` or in one before it: a clock that was set
    /// back changes nothing within a boot. No two are the same, and none comes before itself.
    func precedes(_ other: PodRecord, boot: String) -> Bool {
        if submission == other.submission { return false }
        if bootID == other.bootID { return (acceptedBoot, submission) < (other.acceptedBoot, other.submission) }
        if boot == bootID || boot == other.bootID { return boot == other.bootID }
        return (acceptedAt, submission) < (other.acceptedAt, other.submission)
    }

    /// It has a workspace, and another pod of its tenant does not take its place, see <doc:Containers>.
    package var isContainer: Bool { request.workspace != nil }

    /// `TENANT-NAME`
    package var hostname: String { "\(request.tenant)-\(name)" }

    init(_ json: JSON) throws(JSONError) {
        id = try json.required("id").string()
        name = try json.required("name").string()
        submission = try json.required("submission").string()
        request = try PodRequest(try json.required("request"))
        task = try json["task"]?.string()
        node = try json["node"]?.string()
        for item in try json["after"]?.items() ?? [] { after.append(try Predecessor(item)) }
        step = try json["step"]?.integer(Int.self) ?? 0
        hasSuccessors = try json["successors"]?.bool() ?? false
        configuration = try json["configuration"]?.string()
        runtimeLimit = try json["runtimeLimit"]?.string()
        idleTimeout = try json["idleTimeout"]?.integer(UInt64.self)
        startGrace = try json.required("startGrace").integer(UInt64.self)
        terminationGrace = try json.required("terminationGrace").integer(UInt64.self)
        logSize = try json["logSize"]?.integer()
        isParallel = try json["parallel"]?.bool() ?? false
        hasInit = try json.required("init").bool()
        acceptedAt = try json.required("acceptedAt").integer(UInt64.self)
        acceptedBoot = try json.required("acceptedBoot").integer(UInt64.self)
        bootID = try json.required("bootID").string()
        manifest = try json["manifest"]?.integer(Int.self)
    }

    var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = [
            ("id", .string(id)), ("name", .string(name)), ("submission", .string(submission)),
            ("request", request.json), ("startGrace", .unsigned(startGrace)),
            ("terminationGrace", .unsigned(terminationGrace)), ("init", .bool(hasInit)),
            ("acceptedAt", .unsigned(acceptedAt)), ("acceptedBoot", .unsigned(acceptedBoot)),
            ("bootID", .string(bootID)),
        ]
        if let task { members.append(("task", .string(task))) }
        if let node { members.append(("node", .string(node))) }
        if !after.isEmpty { members.append(("after", .array(after.map(\.json)))) }
        if hasSuccessors { members.append(("successors", .bool(true))) }
        if step > 0 { members.append(("step", .integer(Int64(step)))) }
        if let logSize { members.append(("logSize", .integer(logSize))) }
        if let configuration { members.append(("configuration", .string(configuration))) }
        if isParallel { members.append(("parallel", .bool(true))) }
        if let idleTimeout { members.append(("idleTimeout", .unsigned(idleTimeout))) }
        if let runtimeLimit { members.append(("runtimeLimit", .string(runtimeLimit))) }
        if let manifest { members.append(("manifest", .unsigned(UInt64(manifest)))) }
        return .object(members)
    }
}

extension PodRequest {
    init(_ json: JSON) throws(JSONError) {
        self.init(image: try json.required("image").string())
        tenant = try json.required("tenant").string()
        volume = try json.required("volume").string()
        environment = try json.required("env").strings()
        memory = try json["memory"]?.integer()
        cpus = try json["cpus"]?.integer()
        pids = try json["pids"]?.integer()
        writableLayer = try json["writableLayer"]?.integer()
        timeout = try json["timeout"]?.integer(UInt64.self)
        if let item = json["workspace"] { workspace = try Workspace(item) }
        network = PodNetwork(rawValue: try json["network"]?.string() ?? "")
        ports = try json["ports"]?.strings() ?? []
        let words = try json["arguments"]?.strings() ?? []
        switch try json.required("command").string() {
        case "shell": command = .shell(words.first ?? "")
        case "list": command = .list(command: words, arguments: [])
        case "entrypoint": command = .entrypoint(arguments: words)
        default: command = .imageDefault
        }
    }

    var json: JSON.Value {
        var members: [(name: String, value: JSON.Value)] = [
            ("image", .string(image)), ("tenant", .string(tenant)), ("volume", .string(volume)),
            ("env", .strings(environment)),
        ]
        if let memory { members.append(("memory", .integer(memory))) }
        if let cpus { members.append(("cpus", .integer(cpus))) }
        if let pids { members.append(("pids", .integer(pids))) }
        if let writableLayer { members.append(("writableLayer", .integer(writableLayer))) }
        if let timeout { members.append(("timeout", .unsigned(timeout))) }
        if let network { members.append(("network", .string(network.rawValue))) }
        if !ports.isEmpty { members.append(("ports", .strings(ports))) }
        let (kind, words): (String, [String]) =
            switch command {
            case .imageDefault: ("image", [])
            case .shell(let text): ("shell", [text])
            case .entrypoint(let arguments): ("entrypoint", arguments)
            case .list(let command, let arguments): ("list", command + arguments)
            }
        members.append(("command", .string(kind)))
        members.append(("arguments", .strings(words)))
        if let workspace { members.append(("workspace", workspace.json)) }
        return .object(members)
    }
}
