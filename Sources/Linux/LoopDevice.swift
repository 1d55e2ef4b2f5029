internal import CLinux
internal import Glibc

/// A block device that is a file: loop(4).
package struct LoopDevice: ~Copyable {
    /// `/dev/loop0`
    package let path: String
    private let device: OwnedDescriptor

    private init(_ path: String, _ device: consuming OwnedDescriptor) {
        self.path = path
        self.device = device
    }

    /// Makes a free device `file`. It is free again when this value, and what is mounted of it, are gone, however this process
    /// ends. Wraps `LOOP_CTL_GET_FREE` and `LOOP_CONFIGURE` of ioctl(2), Linux 5.8.
    package static func attach(_ file: Descriptor) throws(SystemError) -> LoopDevice {
        let here = Descriptor.workingDirectory
        let control = try here.openFollowing("/dev/loop-control", O_RDWR)
        let tries = 100
        for _ in 1...tries {
            let number = try check(clinux_loop_free(control.view.number), "ioctl", "/dev/loop-control")
            let path = "/dev/loop\(number)"
            let device = try here.openFollowing(path, O_RDWR)
            let result = clinux_loop_configure(device.view.number, file.number)
            // Somebody else was faster.
            if result == -Int(EBUSY) { continue }
            _ = try check(result, "ioctl", path, detail: "LOOP_CONFIGURE,")
            return LoopDevice(path, device)
        }
        throw SystemError("ioctl", "/dev/loop-control", .EBUSY)
    }

    /// Whoever has mounted it has it from here on. Said, since the compiler may let go of a value earlier than the scope does.
    package consuming func end() { do throws(SystemError) { try device.close() } catch {} }
}
