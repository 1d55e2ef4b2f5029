internal import CLinux
internal import Glibc

/// An eBPF program that decides which device nodes the processes of a cgroup v2 group may use: bpf(2),
/// `BPF_PROG_TYPE_CGROUP_DEVICE`. It goes when this value is gone and no group has it attached.
package struct DeviceFilter: ~Copyable {
    private let program: OwnedDescriptor

    /// Loads `instructions`, eight bytes each in the kernel's `struct bpf_insn`. The process needs CAP_BPF and
    /// CAP_NET_ADMIN, or CAP_SYS_ADMIN (EPERM); EINVAL or EACCES: the verifier refused the program.
    package init(loading instructions: [UInt64]) throws(SystemError) {
        let n = instructions.withUnsafeBufferPointer {
            clinux_bpf_load_device_filter($0.baseAddress, UInt32($0.count))
        }
        let number = try check(n, "bpf", "", detail: "BPF_PROG_LOAD of a device filter")
        program = OwnedDescriptor(taking: Int32(number))
    }

    /// Attaches the filter to the group whose directory `group` is (`O_PATH` will do), beside those of the groups above
    /// it: what one of them refuses is refused.
    package func attach(to group: Descriptor) throws(SystemError) {
        _ = try check(
            clinux_bpf_attach_device_filter(program.view.number, group.number), "bpf", group.subject,
            detail: "BPF_PROG_ATTACH of a device filter")
    }
}
