internal import Glibc
internal import Linux
internal import OCI

/// A network's configuration: a list of plugins, each of which gets what the one before it has made.
struct CNINetwork: Sendable {
    let name: String
    let version: String
    /// Objects, in their order.
    let plugins: [JSON]

    /// The versions whose results have the form that is read here, since 0.3.0.
    private static let versions = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
    private static let sizeLimit = 1 << 20

    /// Reads a list, or a plugin's configuration by itself.
    init(_ json: JSON) throws(JSONError) {
        name = try json.required("name").string()
        guard let first = name.utf8.first, first != 45, name.utf8.allSatisfy(CNINetwork.isNameByte) else {
            throw JSONError("/name", "'\(name)' has something else than letters, digits, '.', '_' and '-'")
        }
        let version = try json["cniVersion"]?.string() ?? "0.1.0"
        guard CNINetwork.versions.contains(version) else {
            throw JSONError(
                "/cniVersion", "\(version) is not one of " + CNINetwork.versions.joined(separator: ", "))
        }
        self.version = version
        plugins = try json["plugins"]?.items() ?? [json]
        if plugins.isEmpty { throw JSONError("/plugins", "there is none") }
        for plugin in plugins {
            let type = try plugin.required("type")
            let name = try type.string()
            guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
                throw JSONError(type.pointer, "it is no name of a program")
            }
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || [45, 46, 95].contains(byte)
    }

    /// The network that `settings` name, of the first file by name that has it.
    static func find(_ settings: CNISettings) throws(CNIFailure) -> CNINetwork {
        var found: [String] = []
        var broken: CNIFailure?
        for path in try files(in: settings.directory) {
            do throws(CNIFailure) {
                let network = try read(path)
                if settings.network == nil || network.name == settings.network { return network }
                found.append(network.name)
            } catch {
                // Of one that is not wanted nobody needs to know; of one that may be it is better not to take another.
                if settings.network == nil { throw error }
                broken = broken ?? error
            }
        }
        throw broken ?? .noNetwork(settings.network, directory: settings.directory, found: found)
    }

    private static func files(in directory: String) throws(CNIFailure) -> [String] {
        var names: [String] = []
        do throws(SystemError) {
            let own = try Descriptor.workingDirectory.openFollowing(directory, O_RDONLY | O_DIRECTORY)
            for entry in try own.view.entries() { names.append(Descriptor.text(ofEntry: entry)) }
        } catch { throw .configuration(path: directory, "\(error)") }
        let ends = [".conflist", ".conf", ".json"]
        return names.filter { name in ends.contains { name.hasSuffix($0) } }.sorted().map { "\(directory)/\($0)" }
    }

    private static func read(_ path: String) throws(CNIFailure) -> CNINetwork {
        let text: [UInt8]
        do throws(SystemError) {
            let file = try Descriptor.workingDirectory.openFollowing(path, O_RDONLY | O_NONBLOCK)
            guard try file.view.status().isRegular else {
                throw SystemError("open", path, detail: "not a regular file,", .EINVAL)
            }
            text = try file.view.readAll(limit: sizeLimit)
        } catch { throw .configuration(path: path, "\(error)") }
        do throws(JSONError) { return try CNINetwork(try JSON(parsing: text)) } catch {
            throw .configuration(path: path, "\(error)")
        }
    }

    /// Itself again, for ``init(_:)``.
    var json: JSON.Value {
        .members([
            ("cniVersion", .string(version)), ("name", .string(name)), ("plugins", .array(plugins.map(\.value))),
        ])
    }
}
