internal import Glibc
internal import Linux

/// A file of Kubernetes manifests that was read and found right: Pods, which are submitted together, and the ConfigMaps
/// and Secrets that they refer to.
package struct ManifestFile: Sendable {
    /// What is the caller's to say.
    package struct Rules: Sendable {
        package var tenant: String
        /// What the tenant may have; nil: that was looked at when the pod was accepted.
        package var limits: Limits?

        package init(tenant: String, limits: Limits?) {
            self.tenant = tenant
            self.limits = limits
        }
    }

    /// At least one.
    package let pods: [Manifest]
    package let warnings: [FileProblem]
    /// The bytes of the file.
    package let text: [UInt8]

    /// Whether a text is of manifests and not of tasks: a document of it has `apiVersion` and `kind`.
    package static func isManifest(_ bytes: [UInt8]) -> Bool {
        YAMLReader.read(bytes).documents.contains { document in
            guard case .mapping(let members) = document.content else { return false }
            let keys = members.map(\.key)
            return keys.contains("kind") && (keys.contains("apiVersion") || keys.contains("metadata"))
        }
    }

    /// Reads `bytes`. All that is wrong is told at once, under the file's name `name`.
    package static func parse(_ bytes: [UInt8], name: String, rules: Rules) throws(PodsError) -> ManifestFile {
        guard Volume.isLabel(rules.tenant) else { throw .invalidName(kind: "tenant", rules.tenant) }
        let text = YAMLReader.read(bytes)
        var reader = ManifestReader(rules: rules)
        var pods: [Manifest] = []
        if !text.documents.isEmpty { pods = reader.pods(text.documents) }
        var problems = text.problems + reader.complaints.problems
        if problems.isEmpty, pods.isEmpty {
            problems.append(FileProblem(TextPosition(line: 1, column: 1), "there is no Pod in it"))
        }
        let warnings = reader.complaints.warnings.sorted { $0.position < $1.position }
        guard problems.isEmpty else {
            throw .invalidTaskFile(
                name: name, problems: problems.sorted { $0.position < $1.position }, warnings: warnings)
        }
        return ManifestFile(pods: pods, warnings: warnings, text: bytes)
    }

    private init(pods: [Manifest], warnings: [FileProblem], text: [UInt8]) {
        self.pods = pods
        self.warnings = warnings
        self.text = text
    }
}
