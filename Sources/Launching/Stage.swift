internal import CLinux
internal import Glibc
internal import Linux

/// perigee-stage, the program that carries out the child's half of a plan. The build compiles it and lays it into this
/// module; a launch executes it from a sealed memfd, so that nothing of our own binary can be seen or overwritten from
/// inside a container (CVE-2019-5736).
package enum Stage {
    /// Of the memfd.
    package static let name = "perigee-stage"

    /// The bytes of the executable.
    package static func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        stageWords.withUnsafeBytes(body)
    }

    /// A memfd of the executable that can neither be written nor grow nor shrink. Wraps `memfd_create(2)`, and
    /// `fcntl(2)` with F_ADD_SEALS.
    static func descriptor() throws(SystemError) -> OwnedDescriptor {
        let memory = try MemoryFile.create(name, sealable: true)
        let written: Swift.Result<Void, SystemError> = withBytes { bytes in
            do throws(SystemError) { return .success(try memory.view.write(bytes)) } catch { return .failure(error) }
        }
        try written.get()
        try MemoryFile.seal(memory.view)
        return memory
    }
}
