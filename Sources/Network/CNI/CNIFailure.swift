/// What went wrong with a network that the host's plugins make.
package enum CNIFailure: Error, Hashable, Sendable {
    /// The file, or the directory, and why it can't be used.
    case configuration(path: String, String)
    /// No such network; nil: none at all. And those that there are.
    case noNetwork(String?, directory: String, found: [String])
    case noPlugin(String, network: String, directories: [String])
    /// None of the network's plugins publishes ports.
    case noPorts(network: String)
    /// A plugin has failed: what it was to do, and what it says.
    case plugin(String, network: String, command: String, String)
    /// A plugin did not end within these seconds.
    case slowPlugin(String, network: String, command: String, Int32)

    var text: String {
        switch self {
        case .configuration(let path, let problem):
            "CNI configuration \(path): \(problem)\n  hint: the configuration's cni.conf_dir says where perigee looks"
        case .noNetwork(let name, let directory, let found):
            (name.map { "no CNI network \"\($0)\" in \(directory)" } ?? "no CNI network in \(directory)")
                + (found.isEmpty ? "" : "\n  hint: there are " + found.joined(separator: ", "))
        case .noPlugin(let type, let network, let directories):
            "CNI plugin \"\(type)\" of network \(network) is not in " + directories.joined(separator: ", ")
                + "\n  hint: Debian has the usual ones: apt-get install containernetworking-plugins"
        case .noPorts(let network):
            "no plugin of CNI network \(network) can publish ports"
                + "\n  hint: add {\"type\": \"portmap\", \"capabilities\": {\"portMappings\": true}} to its plugins"
        case .plugin(let type, let network, let command, let problem):
            "CNI plugin \(type), \(command) in network \(network): \(problem)"
        case .slowPlugin(let type, let network, let command, let seconds):
            "CNI plugin \(type), \(command) in network \(network): it did not end within \(seconds) s, and was killed"
        }
    }
}
