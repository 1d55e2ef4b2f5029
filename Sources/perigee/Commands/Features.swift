internal import Containers

extension Verb {
    /// `perigee features`: runtime-spec, features.md.
    static let features = Verb(
        .features, operands: "", summary: "print what this runtime can do, as JSON", options: [],
        run: { arguments, _ in
            guard arguments.operands.isEmpty else { throw UsageError("features: takes no operand") }
            return CommandLineTool.printed(RuntimeFeatures.json.text(indent: 2) + "\n")
        })
}
