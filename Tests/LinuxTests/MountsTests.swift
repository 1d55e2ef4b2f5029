import Glibc
import Testing

@testable import Linux

struct MountsTests {
    @Test("a refusal has the kernel's own words")
    func words() throws {
        let context = try FileSystemContext(type: "overlay")
        do throws(SystemError) {
            try context.set("nonsense", to: "1")
            Issue.record("a parameter that does not exist was taken")
        } catch {
            #expect(error.code == .EINVAL)
            #expect("\(error)".contains("Unknown parameter 'nonsense'"), "\(error)")
        }
    }

    @Test("a file system that the kernel has not is named")
    func unknown() {
        #expect(throws: SystemError("fsopen", "", detail: "nosuchfs", .ENODEV)) {
            _ = try FileSystemContext(type: "nosuchfs")
        }
    }

    @Test("a detached mount is seen by nobody and takes attributes")
    func detached() throws {
        let context = try FileSystemContext(type: "tmpfs")
        try context.set("size", to: "64k")
        try context.create()
        let mount = try context.mount()
        try mount.view.replaceFile("file", with: [1])
        try mount.view.setMountAttributes(set: 0x01)  // MOUNT_ATTR_RDONLY
        #expect(throws: SystemError("openat", "file", .EROFS)) { _ = try mount.view.open("file", O_WRONLY) }
        let copy = try mount.view.cloneMount(recursive: false)
        #expect(try copy.view.readFile("file", limit: 10) == [1])
    }
}
