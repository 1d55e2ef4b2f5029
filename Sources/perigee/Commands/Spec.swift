internal import Glibc
internal import Linux
internal import OCI

extension Verb {
    /// `perigee spec`: writes the default configuration.
    static let spec = Verb(
        .spec, operands: "", summary: "write a default config.json for a bundle",
        options: [Option("--bundle", short: "-b", value: "DIR", "where to write it (default: the working directory)")],
        run: { arguments, _ in
            guard arguments.operands.isEmpty else { throw UsageError("spec: takes no operand") }
            let path = (arguments["--bundle"] ?? ".") + "/config.json"
            let flags = O_WRONLY | O_CREAT | O_EXCL
            do throws(SystemError) {
                let file = try Descriptor.workingDirectory.open(path, flags, mode: 0o644)
                try file.view.write(defaultSpecText.description)
                try file.close()
            } catch {
                if error.code == .EEXIST {
                    CommandLineTool.complain(
                        "\(path) is there already\n  hint: remove it first, or choose another --bundle")
                } else {
                    CommandLineTool.complain("\(error)")
                }
                return 1
            }
            return 0
        })
}
