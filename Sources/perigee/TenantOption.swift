internal import Linux
internal import Pods

/// Whose pods and volumes a verb is about.
enum TenantOption {
    static let option = Option("--tenant", value: "NAME", "whose (default: the caller's, of root: default)")

    /// Who called sudo(8); nil: nobody did.
    private static var invoker: UInt32? { Environment.value(of: "SUDO_UID").flatMap { UInt32($0) } }

    /// The user who called, also by sudo.
    static var caller: UInt32 { Identity.user == 0 ? invoker ?? 0 : Identity.user }

    /// The caller's, or of root the one that he names; nil: he names none.
    static func tenant(asked: String?, _ configuration: Configuration) throws(PodsError) -> Tenant {
        try configuration.tenant(of: Identity.user, invoker: invoker, asked: asked)
    }

    /// The tenant, and the configuration that says what it may have.
    static func read(
        _ arguments: Arguments, _ global: GlobalOptions
    ) throws(PodsError) -> (tenant: Tenant, configuration: Configuration) {
        let configuration = try Configuration.read(global.configuration)
        return (try tenant(asked: arguments["--tenant"], configuration), configuration)
    }

    /// Runs `body` with them; its error decides the exit code. `endsAsCommand`: what is ours ends with 125, since
    /// other exit codes are a command's own.
    static func run(
        _ arguments: Arguments, _ global: GlobalOptions, endsAsCommand: Bool = false,
        _ body: (Tenant, Configuration) throws(PodsError) -> Int32
    ) -> Int32 {
        do throws(PodsError) {
            let (tenant, configuration) = try read(arguments, global)
            return try body(tenant, configuration)
        } catch {
            return Report.failed(
                error.description, status: endsAsCommand ? error.exitStatus : error.managementStatus)
        }
    }
}
