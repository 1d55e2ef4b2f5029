internal import Linux
internal import OCI
internal import Planning
internal import Pods

extension Verb {
    /// `perigee pod events`: what has happened to pods.
    static let podEvents = Verb(
        .podEvents, operands: "", summary: "show what has happened to a tenant's pods, from the oldest that is kept",
        options: [
            TenantOption.option, Option("--all-tenants", "of every tenant"),
            Option("--follow", short: "-f", "wait for more"), Option("--json", "an object a line"),
        ],
        notes: """
            Accepted, Scheduled, Waiting (for its image), Started, TakenOver (by another supervisor), Killing (the reason says
            why), Ended, Removed (reason Replaced: by a newer pod). The last four thousand or more are kept, also of
            pods that are gone.
            """,
        run: { arguments, global in
            guard arguments.operands.isEmpty, arguments.command == nil else {
                throw UsageError("pod events: takes no operand")
            }
            let follows = arguments.has("--follow")
            return try pods(arguments, global) { list, tenant throws(PodsError) in
                let own = arguments.has("--all-tenants") ? nil : tenant.name
                do throws(SystemError) {
                    guard var reader = try PodEventReader.open(list.pods, follows: follows) else { return 0 }
                    while true {
                        while let events = try reader.next() {
                            try print(events.filter { own == nil || $0.tenant == own }, json: arguments.has("--json"))
                        }
                        if !follows { return 0 }
                        try reader.await()
                    }
                } catch {
                    if error.code == .EPIPE { return 1 }
                    throw printing(error)
                }
            }
        })

    private static func print(_ events: [PodEvent], json: Bool) throws(SystemError) {
        var text = ""
        for event in events { text += (json ? event.json.text() : printable(event.text)) + "\n" }
        if !text.isEmpty { try Descriptor.standardOutput.write(text) }
    }
}
