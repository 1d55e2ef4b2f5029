/// This run of the kernel.
package enum Boot {
    /// It is another one after each start: random(4), "boot_id".
    package static func identifier() throws(SystemError) -> String {
        let text = try Descriptor.workingDirectory.readFile("/proc/sys/kernel/random/boot_id", limit: 64)
        return String(decoding: text.filter { $0 > 32 }, as: UTF8.self)
    }
}
