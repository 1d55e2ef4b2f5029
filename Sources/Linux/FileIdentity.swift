internal import CLinux

/// Who the calling thread is to the file system alone.
package enum FileIdentity {
    /// Runs `body` with the rights that `user` and `group` have on files, and root's taken away. Supplementary groups stay.
    /// Wraps setfsuid(2) and setfsgid(2), which never fail for root.
    package static func of<Value>(
        _ user: UInt32, group: UInt32, _ body: () throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        let groupBefore = clinux_setfsgid(group)
        let userBefore = clinux_setfsuid(user)
        defer {
            _ = clinux_setfsuid(userBefore)
            _ = clinux_setfsgid(groupBefore)
        }
        return try body()
    }
}
