internal import Glibc
package import Linux

/// The file that is /etc/hosts in all pods of a tenant. It is read while it is written, in pods that have it mounted and so
/// never see another file in its place; and no reader may ever see half a line.
///
/// Each pod has a slot, a line of a fixed length. A line is written with `#` in place of its address's first digit, as a comment
/// that nobody reads, and then that one byte becomes the digit. It goes by the same byte. Who has
/// read the first half of a line before it went must find the other half there a moment later: a slot has no new line for ten
/// seconds, and its end, which no line needs, says since when.
package struct HostsFile {
    static let header = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
    /// With the line's end.
    static let slotSize = 160
    /// Seconds that a slot rests.
    static let rest: UInt64 = 10
    /// Where the time is that the line went: `#` and seconds.
    private static let timeOffset = 144

    private let file: Descriptor

    /// `file`: open for both ways; whoever holds it must keep it alive.
    package init(_ file: Descriptor) { self.file = file }

    /// Makes it, with no pod in it, as `name` in `directory`.
    static func make(_ name: String, in directory: Descriptor) throws(SystemError) {
        try directory.replaceFile(name, with: Array(header.utf8), mode: 0o644)
        // Whatever the umask says: the users of images differ.
        let file = try directory.open(name, O_RDWR)
        try file.view.setMode(0o644)
        try file.close()
    }

    /// In a file that has other lines behind its slots.
    private static let slots = TenantSubnet.podOctets.count
    static func hasRoom(for slot: Int) -> Bool { slot < slots }

    /// What a tenant's file `text` has, with all lines that a subnet may ever have: others can stand behind them.
    static func whole(_ text: [UInt8]) -> [UInt8] {
        let text = text.prefix(Int(offset(of: slots)))
        let missing = max(0, Int(offset(of: slots)) - text.count) / slotSize
        return Array(text) + [[UInt8]](repeating: line("#"), count: missing).flatMap { $0 }
    }

    private static func offset(of slot: Int) -> Int64 { Int64(header.utf8.count + slot * slotSize) }

    /// A line of `text`, filled up.
    private static func line(_ text: String) -> [UInt8] {
        var bytes = Array(text.utf8.prefix(timeOffset))
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: slotSize - 1 - bytes.count)
        return bytes + [UInt8(ascii: "\n")]
    }

    /// Tells of `address` under `names`, which are two at most, in the slot `slot`.
    package func publish(_ address: IPv4Address, _ names: [String], slot: Int) throws(SystemError) {
        let text = "\(address) " + names.joined(separator: " ")
        let lines = try count()
        let present = slot < lines ? try bytes(at: HostsFile.offset(of: slot), HostsFile.slotSize) : []
        if present == HostsFile.line(text) { return }
        if slot > lines {
            // Those before it have had none yet.
            let empty = [[UInt8]](repeating: HostsFile.line("#"), count: slot - lines)
            try file.write(empty.flatMap { $0 }, at: HostsFile.offset(of: lines))
        }
        try file.write(HostsFile.line("#" + text.dropFirst()), at: HostsFile.offset(of: slot))
        try file.write(Array(text.utf8.prefix(1)), at: HostsFile.offset(of: slot))
    }

    /// Takes back what the slot tells. `now`: seconds of CLOCK_BOOTTIME.
    package func withdraw(slot: Int, now: UInt64) throws(SystemError) {
        guard slot < (try count()), try byte(slot) != UInt8(ascii: "#") else { return }
        try file.write([UInt8(ascii: "#")], at: HostsFile.offset(of: slot))
        try file.write(Array("#\(now)".utf8), at: HostsFile.offset(of: slot) + Int64(HostsFile.timeOffset))
    }

    /// Whether a new line may be written there.
    package func isFree(slot: Int, now: UInt64) throws(SystemError) -> Bool {
        guard slot < (try count()) else { return true }
        guard try byte(slot) == UInt8(ascii: "#") else { return false }
        let end = try bytes(
            at: HostsFile.offset(of: slot) + Int64(HostsFile.timeOffset), HostsFile.slotSize - HostsFile.timeOffset)
        let digits = end.drop { $0 == UInt8(ascii: "#") }.prefix { (48...57).contains($0) }
        guard let since = UInt64(String(decoding: digits, as: UTF8.self)) else { return true }
        return now >= since + HostsFile.rest
    }

    /// Lines that there are, of pods and of none.
    private func count() throws(SystemError) -> Int {
        max(0, Int(try file.status().size) - HostsFile.header.utf8.count) / HostsFile.slotSize
    }

    private func byte(_ slot: Int) throws(SystemError) -> UInt8? { try bytes(at: HostsFile.offset(of: slot), 1).first }

    private func bytes(at offset: Int64, _ count: Int) throws(SystemError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let read: Result<Int, SystemError> = buffer.withUnsafeMutableBytes { bytes in
            do throws(SystemError) { return .success(try file.read(into: bytes, at: offset)) } catch {
                return .failure(error)
            }
        }
        return Array(buffer.prefix(try read.get()))
    }
}
