internal import CLinux
internal import Glibc

extension Descriptor {
    /// Enters the namespace that this descriptor is; for pid and time namespaces the children alone enter. `type` is
    /// its `CLONE_NEW*`, which the kernel checks. Wraps setns(2).
    package func enterNamespace(_ type: UInt64) throws(SystemError) {
        _ = try check(clinux_setns(number, Int32(truncatingIfNeeded: type)), "setns", subject)
    }
}

/// The pid and time namespaces that this process and its children have: joining one is for the children, and stays. When
/// this value goes, further children are born here again.
package struct OwnNamespaces: ~Copyable {
    private let pid: Descriptor
    /// nil: this kernel has none.
    private let time: Descriptor?

    /// Those of now.
    package static func remember() throws(SystemError) -> OwnNamespaces {
        let here = Descriptor.workingDirectory
        let time = (try? here.openFollowing("/proc/self/ns/time", O_RDONLY))?.release()
        let pid = try here.openFollowing("/proc/self/ns/pid", O_RDONLY).release()
        return OwnNamespaces(pid: Descriptor(pid), time: time.map { Descriptor($0) })
    }

    private init(pid: Descriptor, time: Descriptor?) {
        self.pid = pid
        self.time = time
    }

    deinit {
        // It has been there.
        try? restore()
        _ = clinux_close(pid.number)
        if let time { _ = clinux_close(time.number) }
    }

    /// Nothing is done where they are already.
    private borrowing func restore() throws(SystemError) {
        let here = Descriptor.workingDirectory
        if try here.readLink("/proc/self/ns/pid_for_children") != here.readLink("/proc/self/ns/pid") {
            try pid.enterNamespace(0x2000_0000)  // CLONE_NEWPID
        }
        if let time,
            try here.readLink("/proc/self/fd/\(time.number)") != here.readLink("/proc/self/ns/time_for_children")
        {
            try time.enterNamespace(0x80)  // CLONE_NEWTIME
        }
    }
}
