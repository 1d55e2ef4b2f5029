internal import Linux
internal import OCI

/// Programs of another machine, run by an emulator that the kernel starts: binfmt_misc.
enum Emulation {
    #if arch(x86_64)
        static let hostArchitecture = "amd64"
    #else
        static let hostArchitecture = "arm64"
    #endif

    /// Whether an image of `platform` can run here: the same machine, or arm64 with qemu registered so that the
    /// interpreter is open already (flag F), since no image holds one.
    static func runs(_ platform: ImagePlatform) -> Bool {
        if platform.architecture == hostArchitecture { return true }
        guard platform.architecture == "arm64" else { return false }
        let entry = "/proc/sys/fs/binfmt_misc/qemu-aarch64"
        guard let bytes = try? Descriptor.workingDirectory.readFile(entry, limit: 4096) else { return false }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let flags = lines.first { $0.hasPrefix("flags:") } ?? ""
        return lines.first == "enabled" && flags.dropFirst(6).contains("F")
    }
}
