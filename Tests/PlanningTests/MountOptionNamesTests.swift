import OCI
import Planning
import Testing

@Suite struct MountOptionNamesTests {
    @Test(
        "what `features` lists is understood, and not handed to the file system as it stands",
        arguments: MountOptions.names)
    func known(name: String) throws {
        var mount = MountSpec(destination: "/x")
        mount.type = "tmpfs"
        mount.options = [name]
        let options = try MountOptions(mount, at: "/mounts/0/options")
        // Of the superblock: the file system is told of these.
        let told = ["sync", "dirsync", "lazytime", "mand", "iversion", "silent"]
        #expect(options.data.isEmpty || told.contains(name))
    }
}
