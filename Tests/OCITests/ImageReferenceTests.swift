import Testing

@testable import OCI

struct ImageReferenceTests {
    @Test(
        "a name is read, with what was left out",
        arguments: [
            ("demo", "demo:latest", "demo:latest"), ("localhost/demo:1", "localhost/demo:1", "demo:1"),
            ("docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
            (
                "registry.example:5000/team/app:2.1", "registry.example:5000/team/app:2.1",
                "registry.example:5000/team/app:2.1"
            ),
            ("team/app", "team/app:latest", "team/app:latest"),
            ("a__b/c--d.e_f", "a__b/c--d.e_f:latest", "a__b/c--d.e_f:latest"),
        ])
    func names(text: String, full: String, familiar: String) throws {
        let reference = try #require(ImageReference(text))
        #expect(reference.description == full)
        #expect(reference.familiar == familiar)
        #expect(ImageReference(full) == reference)
    }

    @Test(
        "what is no name is refused",
        arguments: [
            "", "Demo", "demo:", ":latest", "/demo", "demo/", "a//b", "../demo", "a/../b", "demo:-x", "demo:a:b", "a b",
            "demo@sha256:00", "a___b", "a_-b", "host.example:port/x", "demö", "-demo",
            "demo:" + String(repeating: "a", count: 129),
            // With `:latest` behind it could be written, and never be read again.
            String(repeating: "a", count: 394),
        ])
    func refusals(text: String) { #expect(ImageReference(text) == nil) }
}
