// The documents of an image, and names and platforms as a user writes them. The first byte tells which.
import OCI

/// libFuzzer calls it with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = UnsafeBufferPointer(start: data, count: size)
    guard let kind = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    let text = String(decoding: bytes, as: UTF8.self)
    switch kind {
    case UInt8(ascii: "r"):
        if let name = ImageReference(text) {
            demand(ImageReference(name.description) == name, "\(name) is another name when read")
            demand(!name.path.isEmpty && !name.path.contains(".."), "\(name)")
        }
        return 0
    case UInt8(ascii: "p"):
        if let platform = ImagePlatform(text) {
            demand(platform.serves(platform), "\(platform) does not serve itself")
        }
        return 0
    default: break
    }
    do throws(JSONError) {
        let json = try JSON(parsing: bytes)
        switch kind {
        case UInt8(ascii: "m"):
            let manifest = try ImageManifest(json)
            demand(manifest.layers.count <= ImageManifest.maximumLayers, "too many layers")
            _ = try ImageManifest(JSON(manifest.json))
        case UInt8(ascii: "i"):
            let index = try ImageIndex(json)
            demand(index.manifests.count <= ImageIndex.maximumManifests, "too many manifests")
        case UInt8(ascii: "c"):
            let config = try ImageConfig(json)
            for text in config.environment + config.entrypoint + config.command + [config.user] {
                demand(!text.utf8.contains(0), "a NUL byte went through")
            }
        case UInt8(ascii: "s"): do throws(SpecError) { _ = try RuntimeSpec(decoding: json) } catch {}
        default: break
        }
    } catch {}
    return 0
}
