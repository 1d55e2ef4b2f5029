internal import CSeccomp
internal import Glibc

/// A kernel interface for system calls, as profiles name them: `SCMP_ARCH_X86_64`.
package struct SeccompArchitecture: Hashable, Sendable {
    /// libseccomp's token. It is the `AUDIT_ARCH_` value that a filter sees, except for x32.
    package let token: UInt32

    init(token: UInt32) { self.token = token }

    package static let x86_64 = SeccompArchitecture(token: 0xC000_003E)
    package static let x86 = SeccompArchitecture(token: 0x4000_0003)
    /// x86-64 with pointers of 32 bits: to a filter it is x86-64 whose call numbers have bit 30 set.
    package static let x32 = SeccompArchitecture(token: 0x4000_003E)
    package static let aarch64 = SeccompArchitecture(token: 0xC000_00B7)
    package static let arm = SeccompArchitecture(token: 0x4000_0028)

    /// That of this program, hence of the kernel that filters.
    package static var native: SeccompArchitecture {
        #if arch(x86_64)
            .x86_64
        #elseif arch(arm64)
            .aarch64
        #else
            #error("filters are made for x86-64 and arm64 only")
        #endif
    }

    /// The bit in the numbers of x32's calls, `__X32_SYSCALL_BIT`.
    package static let x32Bit: UInt32 = 1 << 30

    /// The name that Go and Docker's profile templates use, `amd64`; empty for an architecture we don't run on.
    package var templateName: String {
        switch self {
        case .x86_64: "amd64"
        case .aarch64: "arm64"
        default: ""
        }
    }

    /// What a filter finds as `seccomp_data.arch`.
    package var auditValue: UInt32 { self == .x32 ? SeccompArchitecture.x86_64.token : token }

    /// What profiles may call those that libseccomp knows here.
    package static var names: [String] {
        let all = [
            "AARCH64", "ARM", "LOONGARCH64", "M68K", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL", "MIPSEL64", "MIPSEL64N32",
            "PARISC", "PARISC64", "PPC", "PPC64", "PPC64LE", "RISCV64", "S390", "S390X", "SH", "SHEB", "X32", "X86",
            "X86_64",
        ]
        return all.map { "SCMP_ARCH_" + $0 }.filter { SeccompArchitecture(name: $0) != nil }
    }

    /// The architecture that profiles call `name`; nil if libseccomp has none.
    package init?(name: String) {
        let prefix = "SCMP_ARCH_"
        guard name.hasPrefix(prefix) else { return nil }
        let token = seccomp_arch_resolve_name(name.dropFirst(prefix.count).lowercased())
        guard token != 0 else { return nil }
        self.token = token
    }

    /// The number of the call `name`; nil if libseccomp knows none, a negative pseudo number if another architecture
    /// has that call and this one has not.
    package func number(of name: String) -> Int32? {
        let number = seccomp_syscall_resolve_name_arch(token, name)
        return number == __NR_SCMP_ERROR ? nil : number
    }

    /// The call's name; nil if libseccomp knows none by that number. For listings and tests.
    package func name(of number: Int32) -> String? {
        guard let name = seccomp_syscall_resolve_num_arch(token, number) else { return nil }
        // seccomp_syscall_resolve_num_arch(3): the caller frees it.
        defer { free(name) }
        return String(cString: name)
    }
}
