// `perigee completion` and what its scripts call.
extension Verb {
    static let completion = Verb(
        .completion, operands: "bash|zsh|fish", summary: "print a script by which a shell completes command lines",
        options: [],
        notes: """
            bash: source <(perigee completion bash), zsh: source <(perigee completion zsh), fish: perigee completion fish | source.
            `make install` puts them where these shells find them. Names of images, pods, containers, volumes and tenants are
            looked up as one types.
            """,
        run: { arguments, _ in
            guard arguments.operands.count == 1, arguments.command == nil else {
                throw UsageError("completion: needs one operand, bash, zsh or fish")
            }
            guard let script = CompletionScript(rawValue: arguments.operands[0]) else {
                throw UsageError("completion: '\(arguments.operands[0])' is none of bash, zsh, fish")
            }
            return CommandLineTool.printed(script.text)
        })

    static let complete = Verb(
        .complete, operands: "-- WORD...", summary: "tell what the last word could be; completion scripts start this",
        options: [],
        run: { arguments, global in
            let lines = Completer(arguments.command ?? [], global, values: CompletionValues.all).lines
            return CommandLineTool.printed(lines.map { $0 + "\n" }.joined())
        })
}
