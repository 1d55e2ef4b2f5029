internal import Linux
internal import OCI

extension RuntimeSpec {
    /// Leaves out the SELinux labels of the configuration where this host has no SELinux: nothing could hold anybody to
    /// them. It is looked up where there are labels.
    ///
    /// - Returns: what to warn of.
    mutating func dropLabels() throws(SystemError) -> [String] {
        let process = process?.settings?.selinuxLabel, mounts = linux.settings?.mountLabel
        guard process != nil || mounts != nil else { return [] }
        if try Descriptor.workingDirectory.exists("/sys/fs/selinux/enforce") { return [] }
        self.process?.settings?.selinuxLabel = nil
        linux.settings?.mountLabel = nil
        var warnings: [String] = []
        if process != nil { warnings.append("/process/selinuxLabel: this host has no SELinux; it is left out") }
        if mounts != nil { warnings.append("/linux/mountLabel: this host has no SELinux; it is left out") }
        return warnings
    }
}
