/// What an image runs on (image-spec, image-index.md, "platform"; the names are Go's GOOS and GOARCH).
package struct ImagePlatform: Hashable, Sendable, CustomStringConvertible {
    package let os: String
    package let architecture: String
    /// Of the processor, `v8`; nil where the image says nothing.
    package let variant: String?

    /// Makes a platform of names that are known to be good.
    package init(os: String = "linux", architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    /// Reads what a user types, `linux/arm64/v8` or `arm64`; nil: it is not that.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.allSatisfy(ImagePlatform.isName), (1...3).contains(parts.count) else { return nil }
        self.init(
            os: parts.count == 1 ? "linux" : parts[0], architecture: parts[parts.count == 1 ? 0 : 1],
            variant: parts.count == 3 ? parts[2] : nil)
    }

    /// Reads an object with `os`, `architecture` and perhaps `variant`: a descriptor's `platform`, or an image's config.
    package init(_ json: JSON) throws(JSONError) {
        os = try ImagePlatform.name(try json.required("os"))
        architecture = try ImagePlatform.name(try json.required("architecture"))
        // Some tools write an empty variant for none.
        if let member = json["variant"], try !member.string().isEmpty {
            variant = try ImagePlatform.name(member)
        } else {
            variant = nil
        }
    }

    private static func name(_ json: JSON) throws(JSONError) -> String {
        let text = try json.string()
        guard isName(text) else {
            throw JSONError(json.pointer, "not a platform's name: 1 to 32 letters, digits, . _ -")
        }
        return text
    }

    private static func isName(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count) && text.utf8.allSatisfy(ImageReference.isWordByte)
    }

    /// Whether an image for this platform serves somebody who asks for `wanted`: what `wanted` leaves open fits all,
    /// and arm64 without a variant is v8.
    package func serves(_ wanted: ImagePlatform) -> Bool {
        guard os == wanted.os, architecture == wanted.architecture else { return false }
        guard let wish = wanted.variant else { return true }
        return wish == variant ?? (architecture == "arm64" ? "v8" : nil)
    }

    /// `linux/arm64/v8`
    package var description: String { "\(os)/\(architecture)" + (variant.map { "/" + $0 } ?? "") }

    /// As `os`, `architecture` and `variant`.
    package var json: JSON.Value {
        .members([
            ("os", .string(os)), ("architecture", .string(architecture)), ("variant", variant.map { .string($0) }),
        ])
    }
}
