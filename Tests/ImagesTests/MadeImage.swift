import Glibc
import Linux
import OCI

@testable import Images

/// A tar archive made entry by entry, with names and headers that no tool would write.
struct MadeArchive {
    private(set) var bytes: [UInt8] = []

    /// Adds an entry; `records` are pax records that stand before it.
    mutating func add(
        _ name: [UInt8], type: Character = "0", content: [UInt8] = [], target: String = "", mode: Int = 0o644,
        device: (Int, Int) = (0, 0), records: [(String, [UInt8])] = []
    ) {
        if !records.isEmpty {
            let body = records.flatMap { Self.record($0.0, $0.1) }
            append(Array("pax".utf8), "x", body, "", 0o644, (0, 0))
        }
        append(name, type, content, target, mode, device)
    }

    mutating func add(_ name: String, type: Character = "0", _ content: String = "", target: String = "") {
        add(Array(name.utf8), type: type, content: Array(content.utf8), target: target)
    }

    /// With the blocks that end an archive.
    var ended: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = Array(" \(key)=".utf8) + value + [10]
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length += 1 }
        return Array(String(length).utf8) + rest
    }

    private mutating func append(
        _ name: [UInt8], _ type: Character, _ content: [UInt8], _ target: String, _ mode: Int, _ device: (Int, Int)
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: [UInt8], _ at: Int) { for (i, c) in bytes.enumerated() { block[at + i] = c } }
        func octal(_ number: Int, _ width: Int, _ at: Int) {
            let digits = String(number, radix: 8)
            put(Array((String(repeating: "0", count: width - 1 - digits.count) + digits).utf8), at)
        }
        put(Array(name.prefix(100)), 0)
        octal(mode, 8, 100)
        octal(0, 8, 108)
        octal(0, 8, 116)
        octal(content.count, 12, 124)
        octal(1_700_000_000, 12, 136)
        put([UInt8](repeating: 32, count: 8), 148)
        block[156] = type.asciiValue ?? 0
        put(Array(target.utf8.prefix(100)), 157)
        put(Array("ustar\u{0}00".utf8), 257)
        octal(device.0, 8, 329)
        octal(device.1, 8, 337)
        octal(block.reduce(0) { $0 + Int($1) }, 7, 148)
        block[154] = 0
        bytes += block + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }
}

/// An OCI layout made of uncompressed layers, with lies where a test wants them.
struct MadeImage {
    var layers: [[UInt8]]
    var diffIDs: [Digest]?
    var layerDigests: [Digest]?
    var mediaType = MediaType.layer
    var architecture = "arm64"

    init(_ layers: [[UInt8]]) { self.layers = layers }

    /// Writes the layout to the new directory `path`.
    func write(to path: String) throws {
        let here = Descriptor.workingDirectory
        try here.makeDirectories(path + "/blobs/sha256", mode: 0o755)
        func store(_ bytes: [UInt8], as name: Digest? = nil) throws -> Digest {
            let digest = name ?? Digest(of: bytes)
            try here.replaceFile("\(path)/blobs/sha256/\(digest.hex)", with: bytes)
            return digest
        }
        let ids = diffIDs ?? layers.map { Digest(of: $0) }
        let config = """
            {"os":"linux","architecture":"\(architecture)","config":{"Cmd":["/bin/sh"]},"rootfs":{"type":"layers",\
            "diff_ids":[\(ids.map { "\"\($0)\"" }.joined(separator: ","))]}}
            """
        let configBytes = Array(config.utf8)
        let configDigest = try store(configBytes)
        var contents: [ContentDescriptor] = []
        for (i, layer) in layers.enumerated() {
            let digest = try store(layer, as: layerDigests?[i])
            contents.append(ContentDescriptor(mediaType: mediaType, digest: digest, size: Int64(layer.count)))
        }
        let manifest = ImageManifest(
            config: ContentDescriptor(
                mediaType: MediaType.config, digest: configDigest, size: Int64(configBytes.count)),
            layers: contents)
        let manifestBytes = Array(manifest.json.text().utf8)
        let manifestDigest = try store(manifestBytes)
        let content = ContentDescriptor(
            mediaType: MediaType.manifest, digest: manifestDigest, size: Int64(manifestBytes.count))
        let index = JSON.Value.members([("schemaVersion", .integer(2)), ("manifests", .array([content.json]))])
        try here.replaceFile(path + "/index.json", with: Array(index.text().utf8))
        try here.replaceFile(path + "/oci-layout", with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    }

    /// Writes the layout into `scratch` and loads it into the store there.
    func load(in scratch: borrowing Scratch, limits: UnpackLimits = UnpackLimits()) throws -> ImageRecord {
        let path = "\(scratch.path)/made-\(UInt32.random(in: 0 ... .max))"
        try write(to: path)
        return try scratch.store().load(.path(path), name: "made", limits: limits)[0]
    }
}
