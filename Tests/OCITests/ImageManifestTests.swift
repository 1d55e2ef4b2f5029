import Testing

@testable import OCI

struct ImageManifestTests {
    private static let zeros = String(repeating: "0", count: 64)
    private static let config =
        #"{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:\#(zeros)","size":2}"#

    private func parse(_ text: String) throws -> ImageManifest {
        try ImageManifest(try JSON(parsing: Array(text.utf8)))
    }

    @Test("a manifest comes back as it was written")
    func roundTrip() throws {
        let layer = Self.config.replacing("config.v1+json", with: "layer.v1.tar")
        let text = #"{"schemaVersion":2,"config":\#(Self.config),"layers":[\#(layer)]}"#
        let manifest = try parse(text)
        #expect(manifest.layers.map(\.mediaType) == [MediaType.layer])
        #expect(try parse(manifest.json.text()).layers == manifest.layers)
    }

    @Test(
        "a wrong value is named with its place",
        arguments: [
            (#"{"schemaVersion":1}"#, "/schemaVersion"), (#"{"schemaVersion":2}"#, "/config"),
            (#"{"schemaVersion":2,"config":{"mediaType":"a"}}"#, "/config/digest"),
            (#"{"schemaVersion":2,"config":\#(config.replacing(":2}", with: ":-1}"))}"#, "/config/size"),
            (#"{"schemaVersion":2,"config":\#(config.replacing("sha256", with: "md5"))}"#, "/config/digest"),
            (#"{"schemaVersion":2,"config":\#(config.replacing("image.config", with: "x"))}"#, "/config/mediaType"),
            (#"{"schemaVersion":2,"config":\#(config),"layers":[{}]}"#, "/layers/0/mediaType"),
        ])
    func refusals(text: String, place: String) {
        do {
            _ = try parse(text)
            Issue.record("it was taken")
        } catch let error as JSONError {
            #expect(error.pointer == place)
        } catch { Issue.record(error) }
    }

    @Test("a digest is 64 digits in lower case", arguments: ["", "0", "A", "g", "../", "00"])
    func digests(start: String) {
        let digits = start + String(repeating: "0", count: max(0, 64 - start.count))
        let isGood = start.isEmpty || start.allSatisfy { $0 == "0" }
        #expect((Digest("sha256:" + digits) != nil) == isGood)
        #expect(Digest("sha256:" + digits.dropLast()) == nil)
        #expect(Digest("sha256:" + digits + "0") == nil)
    }
}
