internal import CLinux

extension Descriptor {
    /// Enters the namespace that this descriptor is; for pid and time namespaces the children alone enter. `type` is
    /// its `CLONE_NEW*`, which the kernel checks. Wraps setns(2).
    package func enterNamespace(_ type: UInt64) throws(SystemError) {
        _ = try check(clinux_setns(number, Int32(truncatingIfNeeded: type)), "setns", subject)
    }
}
