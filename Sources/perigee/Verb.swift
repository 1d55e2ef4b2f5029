/// A verb of the command line: what the dispatcher, the parser and the help know of it.
struct Verb: Sendable {
    let name: Name
    /// What follows the options, for the help: `ID`.
    let operands: String
    let summary: String
    private let makeOptions: @Sendable () -> [Option]
    /// Lines of the help behind the options.
    let notes: String
    /// What stands behind the first operand is a command's, options and all.
    let takesCommand: Bool
    let run: @Sendable (Arguments, GlobalOptions) throws -> Int32

    /// `options` are made when they are asked for: a launch needs those of one verb.
    init(
        _ name: Name, operands: String, summary: String, options: @autoclosure @escaping @Sendable () -> [Option],
        notes: String = "", takesCommand: Bool = false,
        run: @escaping @Sendable (Arguments, GlobalOptions) throws -> Int32
    ) {
        self.name = name
        self.operands = operands
        self.summary = summary
        self.notes = notes
        self.takesCommand = takesCommand
        self.run = run
        makeOptions = options
    }

    var options: [Option] { makeOptions() }

    /// The help of this verb.
    var help: String {
        var text = "usage: perigee [GLOBAL OPTIONS] \(name.rawValue)\(options.isEmpty ? "" : " [OPTIONS]")"
        text += operands.isEmpty ? "\n\n" : " \(operands)\n\n"
        text += summary + "\n"
        if !options.isEmpty { text += "\noptions:\n" + Verb.table(options) }
        if !notes.isEmpty { text += "\n" + notes + "\n" }
        return text
    }

    /// Options as two columns.
    static func table(_ options: [Option]) -> String {
        let left = options.map { option in
            var text = "  " + (option.short.map { "\($0), " } ?? "    ") + option.name
            if let value = option.value { text += option.isOptional ? "[=\(value)]" : " \(value)" }
            return text
        }
        let width = (left.map(\.utf8.count).max() ?? 0) + 2
        return zip(left, options).map { text, option in
            text + String(repeating: " ", count: width - text.utf8.count) + option.help + "\n"
        }.joined()
    }
}

extension Verb {
    /// Their names, in the order of the help. A launch makes one verb, and not a table of all.
    enum Name: String, CaseIterable, Sendable {
        case podRun = "pod run"
        case podList = "pod list"
        case podStatus = "pod status"
        case podInspect = "pod inspect"
        case podStats = "pod stats"
        case podLogs = "pod logs"
        case podExec = "pod exec"
        case podAttach = "pod attach"
        case podEvents = "pod events"
        case podWait = "pod wait"
        case podStop = "pod stop"
        case podPause = "pod pause"
        case podUnpause = "pod unpause"
        case podRemove = "pod rm"
        case podSupervise = "pod supervise"
        case podUnfinished = "pod unfinished"
        case podValidate = "pod validate"
        case podBundle = "pod bundle"
        case podUnit = "pod unit"
        case containerDeploy = "container deploy"
        case containerList = "container list"
        case containerAttach = "container attach"
        case containerStop = "container stop"
        case containerPause = "container pause"
        case containerUnpause = "container unpause"
        case containerStats = "container stats"
        case containerRetire = "container retire"
        case projectLaunch = "project launch"
        case volumeList = "volume list"
        case volumePut = "volume put"
        case volumeGet = "volume get"
        case volumeRemove = "volume rm"
        case limits
        case checkLimits = "check limits"
        case imageLoad = "image load"
        case imageList = "image list"
        case imageInspect = "image inspect"
        case imageRemove = "image remove"
        case imageDelete = "image delete"
        case imagePrune = "image prune"
        case imageUnpack = "image unpack"
        case run, create, start, exec, state, kill, pause, resume, update, events, ps, delete, list, features, spec
        case completion, complete, man

        /// Those that people type.
        static var listed: [Name] { allCases.filter { ![.podSupervise, .podUnfinished, .complete].contains($0) } }

        /// Without the table that `init(rawValue:)` makes first.
        static func named(_ text: String) -> Name? { allCases.first { $0.rawValue == text } }

        /// Two words with a hyphen between them.
        static func hyphenated(_ text: String) -> Name? {
            let parts = text.split(separator: "-", maxSplits: 1)
            return parts.count == 2 ? named("\(parts[0]) \(parts[1])") : nil
        }

        /// One or two.
        var words: [Substring] { rawValue.split(separator: " ") }

        var verb: Verb {
            switch self {
            case .podRun: .podRun
            case .podList: .podList
            case .podStatus: .podStatus
            case .podInspect: .podInspect
            case .podStats: .podStats
            case .podLogs: .podLogs
            case .podExec: .podExec
            case .podAttach: .podAttach
            case .podEvents: .podEvents
            case .podWait: .podWait
            case .podStop: .podStop
            case .podPause: .podPause
            case .podUnpause: .podUnpause
            case .podRemove: .podRemove
            case .podSupervise: .podSupervise
            case .podUnfinished: .podUnfinished
            case .podValidate: .podValidate
            case .podBundle: .podBundle
            case .podUnit: .podUnit
            case .containerDeploy: .containerDeploy
            case .containerList: .containerList
            case .containerAttach: .containerAttach
            case .containerStop: .containerStop
            case .containerPause: .containerPause
            case .containerUnpause: .containerUnpause
            case .containerStats: .containerStats
            case .containerRetire: .containerRetire
            case .projectLaunch: .projectLaunch
            case .volumeList: .volumeList
            case .volumePut: .volumePut
            case .volumeGet: .volumeGet
            case .volumeRemove: .volumeRemove
            case .limits: .limits
            case .checkLimits: .checkLimits
            case .imageLoad: .imageLoad
            case .imageList: .imageList
            case .imageInspect: .imageInspect
            case .imageRemove: .imageRemove
            case .imageDelete: .imageDelete
            case .imagePrune: .imagePrune
            case .imageUnpack: .imageUnpack
            case .run: .run
            case .create: .create
            case .start: .start
            case .exec: .exec
            case .state: .state
            case .kill: .kill
            case .pause: .pause
            case .resume: .resume
            case .update: .update
            case .events: .events
            case .ps: .ps
            case .delete: .delete
            case .list: .list
            case .features: .features
            case .spec: .spec
            case .completion: .completion
            case .complete: .complete
            case .man: .man
            }
        }
    }

    /// The verb that `words` begin with, which may be of two words, and what follows it.
    static func named(by words: ArraySlice<String>) -> (verb: Verb, rest: ArraySlice<String>)? {
        guard let first = words.first else { return nil }
        let isOne = !first.utf8.contains(UInt8(ascii: " "))
        if isOne, let name = Name.named(first) { return (name.verb, words.dropFirst()) }
        if let second = words.dropFirst().first, let name = Name.named("\(first) \(second)") {
            return (name.verb, words.dropFirst(2))
        }
        // `container-deploy` is `container deploy`.
        return Name.hyphenated(first).map { ($0.verb, words.dropFirst()) }
    }
}

/// Options before the verb.
struct GlobalOptions {
    /// Images, layers and volumes.
    var store = "/var/lib/perigee"
    /// The state of running containers.
    var root = "/run/perigee"
    /// Nodes, tenants and limits; nil: PERIGEE_CONFIG, or /etc/perigee/config.json if it is there.
    var configuration: String?

    static let table = [
        Option("--store", value: "DIR", "images, layers and volumes (default /var/lib/perigee)"),
        Option("--root", value: "DIR", "state of running containers (default /run/perigee)"),
        Option("--config-file", value: "FILE", "nodes, tenants and limits (default /etc/perigee/config.json)"),
        Option("--log", value: "FILE", "append warnings and errors to FILE too"),
        Option("--log-format", value: "text|json", "how they stand there (default text)"),
        Option("--debug", "accepted for engines; the log has all that there is"),
        Option("--cgroup-manager", value: "NAME", "accepted for engines: cgroupfs"),
        Option("--systemd-cgroup", "refused: groups are made in the file system"),
        Option("--rootless", value: "false", isOptional: true, "accepted for engines: false or auto"),
        Option("--version", short: "-v", "print the version"),
        Option("--help", short: "-h", "print this"),
    ]
}
