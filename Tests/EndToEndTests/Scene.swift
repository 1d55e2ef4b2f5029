import Foundation
import Glibc
import Testing

@testable import Images
@testable import Linux
@testable import OCI

/// A store and a root of their own, and a tree of the host's beside them that nothing may touch: what hostile images and
/// bundles point at.
final class Scene: Sendable {
    let perigee: Perigee
    /// The host's tree: a directory with a passwd file, a secret, and an empty directory.
    let canary: String
    private let bundles: String

    init(_ name: String) {
        perigee = Perigee(directory: Perigee.shared.directory + "/scene-\(name)")
        canary = perigee.directory + "/canary"
        bundles = perigee.directory + "/bundles"
        do {
            for path in [canary + "/empty", bundles] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            try Data("evil:x:0:0::/:/bin/sh\n".utf8).write(to: URL(fileURLWithPath: canary + "/passwd"))
            try Data("secret\n".utf8).write(to: URL(fileURLWithPath: canary + "/secret"))
        } catch { fatalError("\(error)") }
        let loaded = perigee.run(["image", "load", "\(Perigee.images)/demo-host.oci.tar"])
        precondition(loaded.status == 0, loaded.errors)
    }

    // MARK: images

    /// Loads the host's demo image under the name `hostile`, with changed settings, a layer that holds what `layer` writes
    /// into a directory, or another platform; and returns what `image load` said.
    @discardableResult
    func image(
        config changes: [String: Any] = [:], architecture: String? = nil, compressed: Bool = false,
        layer: ((String) throws -> Void)? = nil
    ) throws -> Perigee.Outcome {
        let path = try layout(config: changes, architecture: architecture, compressed: compressed, layer: layer)
        let outcome = perigee.run(["image", "load", "--name", "hostile"] + platform(architecture) + [path])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome
    }

    private func platform(_ architecture: String?) -> [String] {
        architecture.map { ["--platform", "linux/\($0)"] } ?? []
    }

    /// An OCI layout of that image, in a new directory.
    func layout(
        config changes: [String: Any] = [:], architecture: String? = nil, compressed: Bool = false,
        layer: ((String) throws -> Void)? = nil
    ) throws -> String {
        let path = bundles + "/image-\(UUID().uuidString)"
        #expect(Perigee.execute(["cp", "-r", "\(Perigee.images)/demo-host", path]).status == 0)
        var index = try object(path + "/index.json")
        var manifests = try #require(index["manifests"] as? [[String: Any]])
        var manifest = try object(blob(path, manifests[0]))
        var config = try object(blob(path, try #require(manifest["config"] as? [String: Any])))
        if let layer {
            var layers = try #require(manifest["layers"] as? [[String: Any]])
            var rootfs = try #require(config["rootfs"] as? [String: Any])
            let (content, identifier) = try add(layer, compressed: compressed, to: path)
            layers.append(content)
            rootfs["diff_ids"] = try #require(rootfs["diff_ids"] as? [String]) + [identifier]
            manifest["layers"] = layers
            config["rootfs"] = rootfs
            config["history"] = nil
        }
        var settings = config["config"] as? [String: Any] ?? [:]
        for (name, value) in changes { settings[name] = value is NSNull ? nil : value }
        config["config"] = settings
        if let architecture { config["architecture"] = architecture }
        manifest["config"] = try store(config, "application/vnd.oci.image.config.v1+json", in: path)
        var content = try store(manifest, "application/vnd.oci.image.manifest.v1+json", in: path)
        if let architecture { content["platform"] = ["os": "linux", "architecture": architecture] }
        manifests = [content]
        index["manifests"] = manifests
        try JSONSerialization.data(withJSONObject: index).write(to: URL(fileURLWithPath: path + "/index.json"))
        return path
    }

    private func add(
        _ layer: (String) throws -> Void, compressed: Bool, to path: String
    ) throws -> (content: [String: Any], identifier: String) {
        let tree = path + ".layer", archive = path + ".tar"
        try FileManager.default.createDirectory(atPath: tree, withIntermediateDirectories: true)
        try layer(tree)
        let names = try FileManager.default.contentsOfDirectory(atPath: tree)
        let tar = ["tar", "-C", tree, "--numeric-owner", "--owner=0", "--group=0", "--sparse", "-cf", archive] + names
        #expect(Perigee.execute(tar).status == 0)
        defer { for path in [tree, archive] { try? FileManager.default.removeItem(atPath: path) } }
        var bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
        let identifier = "\(Digest(of: Array(bytes)))"
        var type = "application/vnd.oci.image.layer.v1.tar"
        if compressed {
            #expect(Perigee.shell("gzip -1 < \(archive) > \(archive).gz && mv \(archive).gz \(archive)").status == 0)
            bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
            type += "+gzip"
        }
        return (try store(bytes, type, in: path), identifier)
    }

    private func object(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func blob(_ path: String, _ content: [String: Any]) throws -> String {
        path + "/blobs/" + (try #require(content["digest"] as? String)).replacing(":", with: "/")
    }

    private func store(_ object: [String: Any], _ type: String, in path: String) throws -> [String: Any] {
        try store(try JSONSerialization.data(withJSONObject: object), type, in: path)
    }

    private func store(_ bytes: Data, _ type: String, in path: String) throws -> [String: Any] {
        let digest = "\(Digest(of: Array(bytes)))"
        try bytes.write(to: URL(fileURLWithPath: path + "/blobs/" + digest.replacing(":", with: "/")))
        return ["mediaType": type, "digest": digest, "size": bytes.count]
    }

    /// `pod run` of the image that ``image(config:architecture:compressed:layer:)`` loaded, or of another.
    func pod(_ arguments: String..., image: String = "hostile") -> BadInput.Command {
        BadInput.Command(words: ["pod", "run", "--image", image] + arguments)
    }

    // MARK: bundles

    /// `run` of a new bundle: the default configuration with changed members (`process/user/uid`), and the demo's root file
    /// system after `rootfs` has changed it.
    func bundle(
        _ changes: [(place: String, value: Any?)] = [], identifier: String = "web",
        rootfs: ((String) throws -> Void)? = nil
    ) throws -> BadInput.Command {
        let path = bundles + "/bundle-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let unpacked = perigee.run(["image", "unpack", "demo-host", path + "/rootfs"])
        try #require(unpacked.status == 0, "\(unpacked.errors)")
        try #require(perigee.run(["spec", "-b", path]).status == 0)
        var config = try object(path + "/config.json")
        for change in changes { config = changed(config, change.place.split(separator: "/")[...], change.value) }
        try JSONSerialization.data(withJSONObject: config).write(to: URL(fileURLWithPath: path + "/config.json"))
        try rootfs?(path + "/rootfs")
        return .init(words: ["run", "-b", path, identifier], placeholders: [(path, "BUNDLE")])
    }

    private func changed(_ object: [String: Any], _ names: ArraySlice<Substring>, _ value: Any?) -> [String: Any] {
        guard let name = names.first.map(String.init) else { return object }
        var object = object
        object[name] =
            names.count == 1 ? value : changed(object[name] as? [String: Any] ?? [:], names.dropFirst(), value)
        return object
    }

    /// The mounts of the default configuration and `more`.
    static func mounts(_ more: [[String: Any]], without: Set<String> = []) throws -> [[String: Any]] {
        let data = try Data(contentsOf: Perigee.package.appending(path: "Rootfs/default-spec.json"))
        let config = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        let standard = try #require(config?["mounts"] as? [[String: Any]])
        return standard.filter { !without.contains($0["destination"] as? String ?? "") } + more
    }

    // MARK: what is to be seen afterwards

    /// What a launch left: state directories, upper directories, temporary files, cgroups.
    func leftovers() -> [String] {
        func names(_ path: String) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).map { path + "/" + $0 }
        }
        let states = names(perigee.root).filter { !$0.hasPrefix(perigee.root + "/@") }
        let trees = ["/sys/fs/cgroup"] + names("/sys/fs/cgroup")
        let groups = trees.flatMap { tree in names(tree + "/perigee").filter { $0.contains("/\(perigee.identifier).") }
        }
        return states + names(perigee.store + "/containers") + names(perigee.store + "/tmp") + groups
    }

    /// The host's tree as text: names, kinds, modes, owners, times and contents.
    func fingerprint() throws -> String {
        let look = "find \(canary) -printf '%p %y %m %U:%G %T@ %C@ %l\\n' | sort; cat \(canary)/passwd \(canary)/secret"
        let outcome = Perigee.shell(look)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }

    /// A message with placeholders for what differs from run to run.
    func generalized(_ message: String, _ placeholders: [(text: String, name: String)]) -> String {
        var text = message.trimmingCharacters(in: .newlines)
        let known = [
            ("perigee/\(perigee.identifier)", "perigee/ROOT-ID"), (canary, "HOST"), (perigee.store, "STORE"),
            (perigee.root, "ROOT"), ("hostile", "IMAGE"),
        ]
        for (value, name) in placeholders + known { text = text.replacing(value, with: name) }
        return text.replacing(#/step [0-9]+ of [0-9]+/#, with: "step N of M")
    }
}
