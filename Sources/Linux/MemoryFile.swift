internal import CLinux
internal import Glibc

/// Files that live in memory alone. Wraps `memfd_create(2)`.
package enum MemoryFile {
    /// A new empty one; `name` is for `/proc/PID/fd`.
    package static func create(_ name: String, sealable: Bool) throws(SystemError) -> OwnedDescriptor {
        let allowSealing: UInt32 = 2
        let n = clinux_memfd_create(name, sealable ? allowSealing : 0)
        return OwnedDescriptor(taking: Int32(try check(n, "memfd_create", name)))
    }

    /// Forbids every change from now on, to whoever holds it.
    package static func seal(_ file: Descriptor) throws(SystemError) {
        let addSeals: Int32 = 1033
        // Seal, shrink, grow, future write. F_SEAL_WRITE instead would first wait for whoever may hold a page, 0.1 ms;
        // without a writable mapping, and we make none, the two forbid the same.
        let all = 0x1 | 0x2 | 0x4 | 0x10
        _ = try check(clinux_fcntl(file.number, addSeals, all), "fcntl", file.subject, detail: "F_ADD_SEALS")
    }

    /// The whole file in memory, readable and writable, shared with whoever else maps it, until this value goes.
    /// Wraps `mmap(2)`.
    package struct Mapping: ~Copyable {
        package let bytes: UnsafeMutableRawBufferPointer

        /// Maps `size` bytes of `file`.
        package init(_ file: Descriptor, size: Int) throws(SystemError) {
            var address: UnsafeMutableRawPointer?
            _ = try check(clinux_mmap_shared(file.number, size, &address), "mmap", file.subject)
            bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
        }

        deinit { _ = clinux_munmap(bytes.baseAddress, bytes.count) }
    }
}
