package import Linux

/// Why a pod has no network, or not the one that was asked for.
package enum NetworkError: Error, Hashable, Sendable {
    /// What was being done, and the call that failed.
    case step(Step, SystemError)
    /// A program that was run has failed, and what it said.
    case program(String, SystemError)
    /// All subnets of the pool are tenants'.
    case poolUsedUp(AddressPool)
    /// All addresses of the tenant's subnet are pods'.
    case subnetUsedUp(IPv4Network)
    /// Host ports that somebody has.
    case portsTaken([TakenPort])
    /// A network that others' plugins make.
    case cni(CNIFailure)
    /// What is kept of a network can't be understood.
    case damagedRecord(String)

    /// What is done for a network.
    package enum Step: String, Sendable {
        case records = "its records"
        case router = "the tenant's router"
        case interface = "the pod's interface"
        case hosts = "the hosts file"
        case hostLink = "the link to the host"
        case setting = "the host's settings"
        case rules = "the host's rules"
    }

    package struct TakenPort: Hashable, Sendable {
        package let port: PublishedPort
        /// `pod client2-web`; nil: it is no pod's.
        package let holder: String?
        package let reason: SystemError
    }
}

extension NetworkError: CustomStringConvertible {
    /// With the words of REQUIREMENTS E11 and E22.
    package var description: String {
        switch self {
        case .step(let step, let error): "network setup failed: \(step.rawValue): \(error)" + NetworkError.hint(error)
        case .program(let name, let error): "network setup failed: \(name): \(error)"
        case .cni(let failure): "network setup failed: " + failure.text
        case .poolUsedUp(let pool):
            "network setup failed: all subnets of \(pool) are used\n  hint: the configuration's address_pool names another"
        case .subnetUsedUp(let subnet): "network setup failed: all addresses of \(subnet) are used"
        case .portsTaken(let ports):
            "node(s) didn't have free ports for the requested pod ports: " + ports.map(\.text).joined(separator: ", ")
        case .damagedRecord(let name): "network setup failed: the record \(name) can't be read"
        }
    }

    private static func hint(_ error: SystemError) -> String {
        switch error.code {
        case .EOPNOTSUPP: "\n  hint: the kernel needs bridge, veth and nf_tables (modprobe bridge veth nf_tables)"
        case .EROFS: "\n  hint: /proc/sys must be writable for perigee"
        default: ""
        }
    }
}

extension NetworkError.TakenPort {
    fileprivate var text: String {
        if let holder { return "\(port.name) is used by \(holder)" }
        switch reason.code {
        case .EADDRINUSE: return "\(port.name) is used by a process of the host"
        case .EACCES: return "\(port.name) may not be bound: it needs CAP_NET_BIND_SERVICE"
        default: return "\(port.name): \(reason)"
        }
    }
}

/// Calls `body`, and tells what was being done where it fails.
func during<Result: ~Copyable>(
    _ step: NetworkError.Step, _ body: () throws(SystemError) -> Result
) throws(NetworkError) -> Result {
    do throws(SystemError) { return try body() } catch { throw .step(step, error) }
}
